"""Data sets: generators, and loaders of files that are already there.

Nothing here downloads anything, and importing it never imports PyTorch.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.datasets._affine_digits import make_affine_digits as make_affine_digits
    from sklatent.datasets._dsprites import load_dsprites as load_dsprites
    from sklatent.datasets._eight_gaussians import make_eight_gaussians as make_eight_gaussians
    from sklatent.datasets._hue import make_hue_circle as make_hue_circle
    from sklatent.datasets._idx import load_idx as load_idx
    from sklatent.datasets._npz import load_npz as load_npz
    from sklatent.datasets._sprites import make_sprites as make_sprites

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_affine_digits": ["make_affine_digits"],
        "_dsprites": ["load_dsprites"],
        "_eight_gaussians": ["make_eight_gaussians"],
        "_hue": ["make_hue_circle"],
        "_idx": ["load_idx"],
        "_npz": ["load_npz"],
        "_sprites": ["make_sprites"],
    },
)
