"""The models, with the scale's networks and the paper's schedule."""

import torch
from skorch.callbacks import LRScheduler

from benchmarks._common import PAPERS
from benchmarks.papers.transform.settings import (
    BETA,
    FAR,
    FAR_VIEWS,
    MILDER,
    OURS,
    PRINTED,
    PRIOR,
    SHAPE,
    SUPERPIXELS,
    VIEWS,
)
from benchmarks.papers.transform.superpixels import Superpixels
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


class PriorOfT(TransformVAE):
    """T-VAE whose T has a standard normal prior, by the square of what is inferred."""

    def _objective(self, module, batch, step):
        infer, seen = module.infer, []

        def watched(joint):
            seen.append(infer(joint))
            return seen[-1]

        module.infer = watched
        try:
            terms = super()._objective(module, batch, step)
        finally:
            del module.infer
        terms["prior of T"] = sum(0.5 * T.square().sum(-1).mean(-1) for T in seen[0])
        return terms


def build(name, n_components, seed, scale):
    """Make one of the models, with the scale's networks and the paper's schedule."""
    quarter = max(1, scale.epochs // 4)
    parameters = {
        "image_shape": SHAPE,
        **scale.network,
        "likelihood": "bernoulli",
        "batch_size": 100,
        "max_epochs": scale.epochs,
        "learning_rate": scale.learning_rate,
        "beta": 0.1 if BETA in name else 1.0,
        "random_state": seed,
    }
    if OURS in name:  # the same passes over the rows: nothing is held out
        parameters["early_stopping"] = False
    else:
        halved = LRScheduler(policy="StepLR", step_size=quarter, gamma=0.5)
        parameters |= PAPERS | {"callbacks": [halved]}
    views = FAR_VIEWS if FAR in name else MILDER.get(name, VIEWS)
    if SUPERPIXELS in name:
        views = Superpixels()
    if name.startswith("T-VAE"):
        kind = PriorOfT if PRIOR in name else TransformVAE
        return kind(
            n_components,
            transformation=views,
            n_views=2 if SUPERPIXELS in name else None,
            view_divergence_weight=0.0 if name == PRINTED else 1.0,
            latent_layer_sizes=scale.between,
            **parameters,
        )
    if name == "VAE+, originals too":
        views = WithOriginals(VIEWS)
    augmentation = views if name.startswith("VAE+") else None
    return VAE(n_components, augmentation=augmentation, **parameters)
