"""VAEs whose objective asks for independent components: beta-TCVAE, FactorVAE and DIP-VAE."""

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn
from torch.func import functional_call

from sklatent._utils.limits import LARGEST_RATE
from sklatent.models._base import LatentModel
from sklatent.models._parameters import document
from sklatent.nn.disentangling import (
    aggregate_covariance,
    beta_tc_terms,
    dip_terms,
    discriminator_loss,
    permute_components,
)
from sklatent.nn.modules import VariationalModule
from sklatent.nn.objectives import elbo_terms


@document(without=("beta",), init="random")
class BetaTCVAE(LatentModel):
    """VAE that penalises the total correlation of its latents: the beta-TCVAE.

    The divergence from the prior is the sum of the mutual information between rows and latents,
    the latents' total correlation and each component's own divergence from the prior. Only the
    second, which is zero for independent components, is weighted by `beta`, so that independence
    is not bought with information.

    Parameters
    ----------
    {n_components}
    beta : float, default=6.0
        Weight of the total correlation; 1 is the evidence lower bound.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    Notes
    -----
    The total correlation is estimated from each batch by the paper's minibatch-stratified
    estimator (appendix C.2), and the divergence from the prior is in closed form: the loss is
    ``-ELBO + (beta - 1) * TC``, whose expectation is that of equation 4 with alpha = gamma = 1.

    References
    ----------
    .. [1] Chen, Li, Grosse & Duvenaud, Isolating sources of disentanglement in variational
       autoencoders, NeurIPS 2018, equations 2 and 4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import BetaTCVAE
    >>> X = load_digits().data / 16
    >>> model = BetaTCVAE(4, beta=4, max_epochs=3, random_state=0).fit(X)
    >>> sorted(name for name in model.history_[0] if name != "epoch")[:3]
    ['kl', 'reconstruction', 'total_correlation']
    """

    _divergences = ("kl", "total_correlation")
    _weighs_rows = False

    def __init__(
        self,
        n_components=10,
        *,
        beta=6.0,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="random",
        image_shape=None,
        posterior="diagonal",
        likelihood="gaussian",
        covariates=None,
        missing="error",
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

    def _objective(self, module, batch, step):
        posterior = module.encode(batch.x)
        z = posterior.sample(step.streams.normal(len(batch), self.n_components))
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        return beta_tc_terms(log_likelihood, posterior, z, step.hyper["beta"], step.n_rows)


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
        posterior = module.encode(batch.x)
        z = posterior.sample(step.streams.normal(len(batch), self.n_components))
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        terms = elbo_terms(log_likelihood, posterior.kl(), step.hyper["beta"])
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


@document(init="random")
class DIPVAE(LatentModel):
    """VAE whose latents' covariance is drawn to the identity: the DIP-VAE, I and II.

    Parameters
    ----------
    {n_components}
    kind : {"i", "ii"}, default="i"
        Whose covariance: that of the posteriors' means (DIP-VAE-I), or that of the latents
        themselves, posteriors' variances included (DIP-VAE-II).
    lambda_od : float, default=5.0
        Weight of the squared covariances between components.
    lambda_d : float, default=50.0
        Weight of the variances' squared distances from one. The paper takes ten times `lambda_od`
        for kind "i", and `lambda_od` itself for kind "ii".
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    Notes
    -----
    To the loss of the VAE are added ``lambda_od * sum_(i != j) C_ij^2`` and
    ``lambda_d * sum_i (C_ii - 1)^2`` (equations 6 and 7), C the covariance over the batch.

    References
    ----------
    .. [1] Kumar, Sattigeri & Balakrishnan, Variational inference of disentangled latent concepts
       from unlabeled observations, ICLR 2018, equations 5 to 7.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import DIPVAE
    >>> X = load_digits().data / 16
    >>> model = DIPVAE(3, likelihood="bernoulli", max_epochs=20, random_state=0).fit(X)
    >>> bool(np.allclose(np.cov(model.transform(X).T), np.eye(3), atol=0.2))
    True
    """

    _parameter_constraints = LatentModel._parameter_constraints | {
        "kind": [StrOptions({"i", "ii"})],
        "lambda_od": [Interval(Real, 0, None, closed="left")],
        "lambda_d": [Interval(Real, 0, None, closed="left")],
    }
    _loss_hyperparameters = ("beta", "lambda_od", "lambda_d")
    _weighs_rows = False

    def __init__(
        self,
        n_components=10,
        *,
        kind="i",
        lambda_od=5.0,
        lambda_d=50.0,
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
        self.kind = kind
        self.lambda_od = lambda_od
        self.lambda_d = lambda_d

    def _objective(self, module, batch, step):
        posterior = module.encode(batch.x)
        z = posterior.sample(step.streams.normal(len(batch), self.n_components))
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        covariance = aggregate_covariance(posterior, self.kind)
        return elbo_terms(log_likelihood, posterior.kl(), step.hyper["beta"]) | dip_terms(
            covariance, step.hyper["lambda_od"], step.hyper["lambda_d"]
        )
