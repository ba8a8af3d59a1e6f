"""Data sets: generators, and loaders of files that are already there.

Nothing here downloads anything, and importing it never imports PyTorch.
"""

from sklatent._utils.lazy import attach

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
