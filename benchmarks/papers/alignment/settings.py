"""How much is computed, and the small network where that is little."""

from typing import NamedTuple

from torch import nn


def small_conv(n_features, n_components, image_shape):
    """A convolutional network a tenth of the size of "conv", for two cores."""
    encoder = nn.Sequential(
        nn.Unflatten(-1, image_shape),
        nn.Conv2d(1, 8, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 49, 128),
        nn.ReLU(),
    )
    decoder = nn.Sequential(
        nn.Linear(n_components, 128),
        nn.ReLU(),
        nn.Linear(128, 16 * 49),
        nn.ReLU(),
        nn.Unflatten(-1, (16, 7, 7)),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
        nn.Flatten(),
    )
    return encoder, decoder


class Scale(NamedTuple):
    """How much is computed, with the paper's Adam: 1e-3 and batches of 64."""

    n_train: int
    n_test: int
    max_epochs: int
    seeds: range
    widths: tuple
    anchor_settings: tuple
    relative_settings: tuple
    fashion_settings: tuple
    anchor_counts: tuple
    icp_iterations: int
    stitching_steps: int  # where all rows are pairs, and where few anchors are
    anchor_steps: int
    mnist: str  # MNIST's network, "conv" or "mlp"; Fashion-MNIST has both
    conv: object
    hidden_layer_sizes: tuple
    note: str
    learning_rate: float = 1e-3
    batch_size: int = 64


# Latent size and number of anchors: tables 2 and 3.
PAPERS_TEN = (
    (2, 10), (2, 50), (10, 50), (10, 100), (30, 100), (30, 300), (50, 100), (50, 200),
    (100, 200), (100, 300),
)  # fmt: skip
SCALES = {
    "quick": Scale(
        400, 100, 1, range(2), (4,), ((4, 10),), ((4, 10),), ((4, 10),), (10, 20), 3, 20, 20,
        "conv", small_conv, (32,), "Only to see that it runs.",
    ),
    "default": Scale(
        5_000, 2_000, 6, range(3), (2, 10, 30, 50, 100, 150), PAPERS_TEN, PAPERS_TEN,
        ((50, 100), (100, 200)), (10, 20, 50, 70, 100, 200), 30, 1000, 500,
        "mlp", small_conv, (256,),
        "Perceptrons for MNIST, where the paper has convolutions, a small convolutional network "
        "for Fashion-MNIST, few images and epochs, to fit one core: baselines are above the "
        "paper's, and differences between methods are what to look at. Convolutions on MNIST at "
        "two widths are in `other/alignment_convolutions.md`.",
    ),
    "full": Scale(
        60_000, 10_000, 50, range(5), (2, 10, 30, 50, 100, 150), PAPERS_TEN, PAPERS_TEN,
        ((50, 100), (100, 200)), (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000), 50,
        3000, 3000,
        "conv", "conv", (512, 256), "The paper does not give its networks or epochs.",
    ),
}  # fmt: skip
