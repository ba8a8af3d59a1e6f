"""The beta-TCVAE: a VAE that pays for its latents' total correlation, estimated from the batch."""

from sklatent.models._base import LatentModel
from sklatent.models._parameters import document
from sklatent.nn.disentangling import beta_tc_terms


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
