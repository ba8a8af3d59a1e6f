"""Random transformations of rows: samplers of the views `(f(x), f^-1(x))`.

A transformation is drawn anew for each row and gives two views of it, forwards and backwards:
the triplets that :class:`~sklatent.TransformVAE` learns from, and the augmentation that any model
takes. A batch is warped as one; whatever is affine in a :class:`Compose` is multiplied out first,
so that an image is resampled once.

PyTorch is imported when the first sample is drawn, never by importing this module.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.transformations._compose import Compose as Compose
    from sklatent.transformations._compose import FunctionPair as FunctionPair
    from sklatent.transformations._images import RandomAffine as RandomAffine
    from sklatent.transformations._images import RandomCrop as RandomCrop
    from sklatent.transformations._images import RandomRotation as RandomRotation
    from sklatent.transformations._vectors import RandomScaling as RandomScaling
    from sklatent.transformations._vectors import RandomShift as RandomShift

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_compose": ["Compose", "FunctionPair"],
        "_images": ["RandomAffine", "RandomCrop", "RandomRotation"],
        "_vectors": ["RandomScaling", "RandomShift"],
    },
)
