"""The autoencoder without a prior."""

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.validation import check_array, check_is_fitted
from torch import nn

from sklatent._utils.arrays import float_type
from sklatent._utils.dask_arrays import is_dask
from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_model
from sklatent.models._in_blocks import require_finite
from sklatent.models._parameters import document
from sklatent.nn.autoencoder import AutoencoderModule, DecoderModule
from sklatent.nn.linear_path import LinearPath
from sklatent.nn.modules import (
    bound_likelihood,
    build_model_networks,
    covariate_parts,
    starting_at_zero,
)


@document(without=("posterior", "beta", "warmup_epochs"))
class Autoencoder(LatentModel):
    """Autoencoder: encoder and decoder trained to reconstruct, and nothing else.

    Without a prior its latents may lie anywhere and at any scale, so two trainings differ by more
    than a rotation; :mod:`sklatent.alignment` translates between them.

    Parameters
    ----------
    {n_components}
    {shared parameters}

    Attributes
    ----------
    {shared attributes}
    encoder_ : estimator or None
        The frozen encoder, after `fit_decoder`; None after `fit`.

    See Also
    --------
    VAE : With a prior, a posterior and samples.

    Notes
    -----
    Minimises the negative log-likelihood of each row given its own latents. There is no posterior
    and no prior, so no `encode`, `sample` or `log_likelihood`; `score` is not a bound on the
    evidence and can't be compared with that of a VAE.

    References
    ----------
    .. [1] Lähner & Moeller, On the direct alignment of latent spaces, section 4.1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import Autoencoder
    >>> X = load_digits().data / 16
    >>> model = Autoencoder(8, max_epochs=5, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 8)
    """

    _parameter_constraints = {
        name: constraint
        for name, constraint in LatentModel._parameter_constraints.items()
        if name not in ("posterior", "beta", "warmup_epochs")
    }
    _loss_hyperparameters = ()
    _divergences = ()

    def __init__(
        self,
        n_components=10,
        *,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="pca",
        image_shape=None,
        likelihood="gaussian",
        covariates=None,
        missing="error",
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
        self.n_components = n_components
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.image_shape = image_shape
        self.likelihood = likelihood
        self.covariates = covariates
        self.missing = missing
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.annealing = annealing
        self.augmentation = augmentation
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _build_module(self, n_features):
        if self._n_inputs is not None:
            return DecoderModule(**self._decoder_parts(n_features, self._n_inputs, False))
        return AutoencoderModule(**self._parts(n_features, self.n_components))

    def _parts(self, n_features, n_inputs):
        """Parts of a module whose decoder takes ``n_inputs`` numbers."""
        parts = self._decoder_parts(n_features, n_inputs, True)
        encoder, _, width = build_model_networks(self, n_features, parts["likelihood"])
        return parts | {
            "encoder": encoder,
            "head": nn.Linear(width, self.n_components),
            "raw": callable(self.architecture),
        }

    def _decoder_parts(self, n_features, n_inputs, encodes):
        likelihood = bound_likelihood(self, n_features)
        decoder = build_model_networks(self, n_features, likelihood, n_inputs)[1]
        path = None
        if self._has_linear_path():
            path = LinearPath(
                n_features,
                n_inputs,
                likelihood.n_outputs,
                self.n_components if encodes else None,
                self._n_covariates,
                likelihood.multiplied,
            )
            decoder = starting_at_zero(decoder, likelihood.n_outputs)
        parts = {"decoder": decoder, "likelihood": likelihood, "path": path}
        return parts | covariate_parts(self)

    def _beta_to_start_from(self):
        return None

    def _objective(self, module, batch, step):
        inputs = module.encode(batch.x) if batch.inputs is None else batch.inputs
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(inputs))
        return {"reconstruction": -batch.mean(log_likelihood)}

    def _validate_training_data(self, X, reset):
        if not reset and self.encoder_ is not None:
            raise ValueError(
                "This model was trained by fit_decoder, which fit and partial_fit can't continue. "
                "Call fit_decoder again, or fit a new model."
            )
        X = super()._validate_training_data(X, reset)
        if reset:
            self.encoder_, self._n_inputs = None, None
        return X

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_decoder(self, encoder, X, sample_ids=None):
        """Train only a decoder, on the latents of an encoder that stays as it is.

        Parameters
        ----------
        encoder : estimator
            Anything fitted with a `transform`, of this package or not. It is kept, not copied.
        X : array-like of shape (n_samples, n_features)
            Training data, for the encoder and as what is to be decoded.
        sample_ids : array-like of shape (n_samples,), default=None
            Names of the rows, as in `fit`.

        Returns
        -------
        self : object
            The fitted model. Its `transform` is the encoder's (made relative, in a
            :class:`RelativeAutoencoder`) and `n_components_` the encoder's number of latents,
            whatever `n_components` is.

        Raises
        ------
        ValueError
            If X or a parameter is unsuitable, or `augmentation` is set: latents are computed once.
        TypeError
            If `encoder` has no `transform`.
        """
        if not hasattr(encoder, "transform"):
            raise TypeError(
                f"encoder must have a transform; {type(encoder).__name__} has none. Pass a fitted "
                "model or any other fitted transformer."
            )
        check_is_fitted(encoder)
        if self.augmentation is not None:
            raise ValueError(
                "augmentation can't be used with fit_decoder, which encodes each row once. Set "
                "augmentation=None, or augment X before."
            )
        valid, keys = self._take_rows(X, sample_ids, reset=True)
        z = self._represent(latents_of(encoder, X), encoder)
        self.encoder_, self._n_inputs = encoder, z.shape[1]
        try:
            fit_model(self, valid, keys=keys, beside={"inputs": z})
        finally:
            self.n_components_ = self._n_latents
        return self

    def _means(self, encoded):
        return encoded

    def _represent(self, z, encoder):
        """Turn an encoder's latents into what is decoded."""
        self._n_latents = z.shape[1]
        return z

    def _encode_rows(self, X, valid):
        """Encode validated rows; ``X`` is as the user passed it, for an encoder of the user's."""
        if self.encoder_ is None:
            return self._map_rows(valid, lambda module, x: module.encode(x))
        z = self._represent(latents_of(self.encoder_, X), self.encoder_)
        require_finite(z)
        return z.astype(float_type(valid.dtype), copy=False)

    def transform(self, X):
        """Encode X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            What `inverse_transform` decodes, in X's float type (float64 for integers).
        """
        if is_dask(X):
            return super().transform(X)
        return self._encode_rows(X, self._validate_rows(X))

    def score_samples(self, X):
        """Log-likelihood of each row given its own latents.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats; greater is better.
        """
        if is_dask(X):
            return super().score_samples(X)
        valid = self._validate_scored_rows(X)
        z = self._encode_rows(X, valid)

        def log_likelihood(module, x, z):
            return module.likelihood.log_prob(x, module.decode(z))

        return self._map_rows(valid, log_likelihood, z)

    def score(self, X, y=None):
        """Mean log-likelihood of X given its own latents; greater is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean of :meth:`score_samples`, in nats per row.
        """
        return float(np.mean(self.score_samples(X)))

    @property
    def encode(self):
        """Not available: there is no posterior; `transform` gives the latents."""
        raise AttributeError(_ABSENT.format(type(self).__name__, "encode", "posterior"))

    @property
    def sample(self):
        """Not available: there is no prior to draw from."""
        raise AttributeError(_ABSENT.format(type(self).__name__, "sample", "prior"))

    @property
    def log_likelihood(self):
        """Not available: there is no prior, so that X has no likelihood of its own."""
        raise AttributeError(_ABSENT.format(type(self).__name__, "log_likelihood", "prior"))


_ABSENT = "{} has no {}: an autoencoder has no {}. Use VAE."


def latents_of(encoder, X):
    """An encoder's latents as a plain array, whatever its output is set to."""
    z = check_array(encoder.transform(X), dtype="numeric", input_name="the encoder's latents")
    return z.astype(float_type(z.dtype), copy=False)
