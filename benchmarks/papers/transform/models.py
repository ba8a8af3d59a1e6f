"""The models, with the scale's networks and the paper's schedule."""

import torch
from skorch.callbacks import LRScheduler

from benchmarks._common import PAPERS
from benchmarks.papers.transform.settings import (
    FAR,
    FAR_VIEWS,
    MILDER,
    OURS,
    PRINTED,
    SHAPE,
    SMALL_BETA,
    VIEWS,
)
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
    """Make one of the models, with the scale's networks and the paper's schedule."""
    quarter = max(1, scale.epochs // 4)
    parameters = {
        "image_shape": SHAPE,
        **scale.network,
        **(PAPERS if not name.endswith(OURS) else {}),
        "likelihood": "bernoulli",
        "batch_size": 100,
        "max_epochs": scale.epochs,
        "learning_rate": scale.learning_rate,
        "callbacks": [LRScheduler(policy="StepLR", step_size=quarter, gamma=0.5)],
        "random_state": seed,
    }
    views = FAR_VIEWS if name.endswith(FAR) else MILDER.get(name, VIEWS)
    if name.startswith("T-VAE"):
        weight = 0.0 if name == PRINTED else 1.0
        return TransformVAE(
            n_components, transformation=views, view_divergence_weight=weight, **parameters
        )
    augmentation = {"VAE": None, "VAE+, originals too": WithOriginals(VIEWS)}.get(name, views)
    beta = 0.1 if name == SMALL_BETA else 1.0
    return VAE(n_components, augmentation=augmentation, beta=beta, **parameters)
