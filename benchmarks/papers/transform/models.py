"""The models, with the paper's networks and its schedule."""

import torch
from skorch.callbacks import LRScheduler

from benchmarks._common import PAPERS
from benchmarks.papers.transform.settings import MILDER, PRINTED, SHAPE, SMALL_BETA, VIEWS
from sklatent import VAE, TransformVAE


class WithOriginals:
    """What T-VAE sees of each row: the row itself, its view or its opposite view, by chance.

    Parameters
    ----------
    transformation : transformation
        Draws the views.
    """

    def __init__(self, transformation):
        self.transformation = transformation

    def sample(self, x, generator, image_shape=None):
        """Draw one of the three for each row, twice the same."""
        views = self.transformation.sample(x, generator, image_shape=image_shape)
        which = torch.randint(3, (len(x), 1), generator=generator)
        chosen = torch.where(which == 0, x, torch.where(which == 1, *views))
        return chosen, chosen


def build(name, n_components, seed, scale):
    """Make one of the models, with the paper's networks and its schedule."""
    quarter = max(1, scale.epochs // 4)
    parameters = {
        "architecture": "conv_tvae",
        "image_shape": SHAPE,
        **PAPERS,
        "likelihood": "bernoulli",
        "batch_size": 100,
        "max_epochs": scale.epochs,
        "learning_rate": scale.learning_rate,
        "callbacks": [LRScheduler(policy="StepLR", step_size=quarter, gamma=0.5)],
        "random_state": seed,
    }
    if name in ("T-VAE", PRINTED):
        weight = 0.0 if name == PRINTED else 1.0
        return TransformVAE(
            n_components, transformation=VIEWS, view_divergence_weight=weight, **parameters
        )
    if name in MILDER:
        return TransformVAE(n_components, transformation=MILDER[name], **parameters)
    augmentation = {"VAE": None, "VAE+, originals too": WithOriginals(VIEWS)}.get(name, VIEWS)
    beta = 0.1 if name == SMALL_BETA else 1.0
    return VAE(n_components, augmentation=augmentation, beta=beta, **parameters)
