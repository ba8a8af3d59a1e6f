"""The FactorVAE: a VAE that pays for its latents' total correlation as a discriminator sees it."""

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval
from torch import nn
from torch.func import functional_call

from sklatent._utils.limits import LARGEST_RATE
from sklatent.models._base import LatentModel
from sklatent.models._parameters import document
from sklatent.nn.disentangling import discriminator_loss, permute_components
from sklatent.nn.modules import VariationalModule
from sklatent.nn.objectives import elbo_terms


@document(init="random")
class FactorVAE(LatentModel):
    """VAE that penalises total correlation as a discriminator sees it: the FactorVAE.

    A second network learns to tell latents from latents whose components were shuffled over the
    rows independently. Its log odds estimate the total correlation, which the VAE pays for.

    Parameters
    ----------
    {n_components}
    gamma : float, default=10.0
        Weight of the total correlation; 0 is a plain VAE.
    discriminator_layer_sizes : tuple of int, default=(256, 256, 256, 256, 256, 256)
        Widths of the discriminator's hidden layers. The paper's has six of 1000.
    discriminator_learning_rate : float, default=1e-4
        Step size of the discriminator's own optimizer, Adam with the paper's decay rates 0.5 and
        0.9.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    Notes
    -----
    The loss is ``-ELBO + gamma * mean(log D / (1 - D))`` (equation 2 and algorithm 2), beta times
    the divergence from the prior where `beta` is given. The discriminator takes one step after each
    of the VAE's, on latents of the same batch, drawn anew, and on the same shuffled, where the
    paper takes a second batch.

    References
    ----------
    .. [1] Kim & Mnih, Disentangling by factorising, ICML 2018, equation 2 and algorithms 1 and 2.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import FactorVAE
    >>> X = load_digits().data / 16
    >>> model = FactorVAE(
    ...     4, gamma=5, discriminator_layer_sizes=(64, 64), max_epochs=3, random_state=0
    ... ).fit(X)
    >>> model.transform(X).shape
    (1797, 4)
    """

    _parameter_constraints = LatentModel._parameter_constraints | {
        "gamma": [Interval(Real, 0, None, closed="left")],
        "discriminator_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "discriminator_learning_rate": [Interval(Real, 0, LARGEST_RATE, closed="neither")],
    }
    _loss_hyperparameters = ("beta", "gamma")
    _shaping_parameters = ("discriminator_layer_sizes",)
    _weighs_rows = False

    def __init__(
        self,
        n_components=10,
        *,
        gamma=10.0,
        discriminator_layer_sizes=(256, 256, 256, 256, 256, 256),
        discriminator_learning_rate=1e-4,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="random",
        image_shape=None,
        posterior="diagonal",
        likelihood="gaussian",
        covariates=None,
        missing="error",
        beta=1.0,
        warmup_epochs=0,
        max_epochs=100,
        batch_size=128,
        learning_rate=1e-3,
        optimizer="adam",
        early_stopping="auto",
        validation_fraction=0.1,
        patience=10,
        annealing=0.25,
        augmentation=None,
        callbacks=None,
        checkpoint_dir=None,
        warm_start=False,
        precision="float32",
        device="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            n_components,
            architecture=architecture,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            init=init,
            image_shape=image_shape,
            posterior=posterior,
            likelihood=likelihood,
            covariates=covariates,
            missing=missing,
            beta=beta,
            warmup_epochs=warmup_epochs,
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            optimizer=optimizer,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            annealing=annealing,
            augmentation=augmentation,
            callbacks=callbacks,
            checkpoint_dir=checkpoint_dir,
            warm_start=warm_start,
            precision=precision,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.gamma = gamma
        self.discriminator_layer_sizes = discriminator_layer_sizes
        self.discriminator_learning_rate = discriminator_learning_rate

    def _build_module(self, n_features):
        module = VariationalModule.build(self, n_features)
        # The name tells the training loop that it has an optimizer of its own.
        module.adversary = discriminator(self.n_components, self.discriminator_layer_sizes)
        return module

    def _objective(self, module, batch, step):
        noise = step.streams.normal(len(batch), self.n_components)
        z, kl = module.encode(batch.x).draw(noise)
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        terms = elbo_terms(log_likelihood, kl, step.hyper["beta"])
        # Without gradients for the discriminator's weights: this is not its objective.
        frozen = {name: p.detach() for name, p in module.adversary.named_parameters()}
        logits = functional_call(module.adversary, frozen, (z,))
        # Not in bfloat16, which autocast returns.
        terms["total_correlation"] = step.hyper["gamma"] * logits.squeeze(-1).to(z.dtype).mean(-1)
        return terms

    def _adversary_objective(self, module, batch, step):
        n = len(batch)
        with torch.no_grad():
            z = module.encode(batch.x).sample(step.streams.normal(n, self.n_components))
            permuted = permute_components(z, step.streams.uniform(n, self.n_components))
        logits = module.adversary(torch.cat([z, permuted], -2)).squeeze(-1).to(z.dtype)
        return discriminator_loss(logits[..., :n], logits[..., n:])

    def _adversary_optimizer(self, parameters):
        return torch.optim.Adam(parameters, self.discriminator_learning_rate, betas=(0.5, 0.9))


def discriminator(n_components, sizes):
    """Network from latents to the log odds that their components were not shuffled."""
    sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    layers, width = [], n_components
    for size in sizes:
        layers += [nn.Linear(width, size), nn.LeakyReLU(0.2)]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, 1))
