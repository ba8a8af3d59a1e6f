"""The DIP-VAE, I and II: a VAE whose latents' covariance is drawn to the identity."""

from numbers import Real

from sklearn.utils._param_validation import Interval, StrOptions

from sklatent.models._base import LatentModel
from sklatent.models._parameters import document
from sklatent.nn.disentangling import aggregate_covariance, dip_terms
from sklatent.nn.objectives import elbo_terms


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
        z, kl = posterior.draw(step.streams.normal(len(batch), self.n_components))
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        covariance = aggregate_covariance(posterior, self.kind)
        return elbo_terms(log_likelihood, kl, step.hyper["beta"]) | dip_terms(
            covariance, step.hyper["lambda_od"], step.hyper["lambda_d"]
        )
