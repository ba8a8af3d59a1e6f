"""LatentModel: what every model that trains has in common."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklatent.models._fitting import fit_model, resolve_device
from sklatent.models._inference import InferenceMixin
from sklatent.models._parameters import CONSTRAINTS
from sklatent.models._plan import note_or_take_over
from sklatent.nn.modules import VariationalModule
from sklatent.nn.objectives import LOG_LIKELIHOODS, elbo_terms

_BLOCK = 4096  # rows that a check may look at together


class LatentModel(InferenceMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the models; see :class:`VAE` for the parameters.

    A model overrides at most ``_build_module``, ``_objective`` (named terms that sum to the
    loss, see :mod:`sklatent.nn.objectives`), ``_loss_hyperparameters`` (names of parameters
    that are mere numbers in it), ``_constants`` (tensors that ride along with every batch)
    and ``_check_parameters``.
    """

    _parameter_constraints = CONSTRAINTS
    _loss_hyperparameters = ("beta",)
    # Whether several of the kind may train as one stack: the objective takes leading axes.
    _stackable = True

    def __init__(
        self,
        n_components=10,
        *,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        image_shape=None,
        posterior="diagonal",
        likelihood="gaussian",
        beta=1.0,
        max_epochs=100,
        batch_size=128,
        learning_rate=1e-3,
        optimizer="adam",
        early_stopping=False,
        validation_fraction=0.1,
        patience=10,
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
        self.image_shape = image_shape
        self.posterior = posterior
        self.likelihood = likelihood
        self.beta = beta
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.augmentation = augmentation
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # What a model is

    def _build_module(self, n_features):
        """Build the torch module, drawing weights from torch's (seeded) generator."""
        return VariationalModule.build(self, n_features)

    def _objective(self, module, x, step):
        """Named terms of the loss of batch ``x``, which sum to it."""
        posterior = module.encode(x)
        z = posterior.sample(step.streams.normal(x.shape[-2], self.n_components))
        log_likelihood = LOG_LIKELIHOODS[self.likelihood](x, module.decode(z))
        return elbo_terms(log_likelihood, posterior.kl(), step.hyper["beta"])

    def _constants(self, dtype, device):
        """Tensors that ride along with every batch."""
        return {}

    def _check_parameters(self, X):
        """Check parameters against each other and against validated data."""

    def _after_training(self):
        """Set what a model has learned beside its net."""

    # Training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the latent space of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data. Memory maps are read batch by batch.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If X or a parameter is unsuitable; the message says how to mend it. Also
            (``NonFiniteLossError``) if the loss becomes NaN: the last finite weights are kept.
        """
        resume = self.warm_start and hasattr(self, "net_")
        X = self._validate_training_data(X, reset=not resume)
        if resume or not note_or_take_over(self, X):
            fit_model(self, X, resume=resume)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train for one epoch on X, from the present weights if there are any.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The model.
        """
        resume = hasattr(self, "net_")
        X = self._validate_training_data(X, reset=not resume)
        fit_model(self, X, epochs=1, resume=resume)
        return self

    def _validate_training_data(self, X, reset):
        resolve_device(self.device)
        X = validate_data(self, X, reset=reset, dtype="numeric", ensure_min_samples=2)
        if X.dtype.kind == "c":
            raise ValueError("X holds complex numbers; give real numbers.")
        if all((block == X[0, 0]).all() for block in _blocks(X)):
            raise ValueError(
                f"X is constant: every value is {X[0, 0]}, so that there is nothing to learn. "
                "Check that the right columns were loaded."
            )
        limit = np.finfo(np.float32).max
        if self.precision != "float64" and X.dtype.itemsize > 4:
            for block in _blocks(X):
                if np.abs(block).max() > limit:
                    raise ValueError(
                        "X has values too large for float32. Scale X (for example with "
                        'StandardScaler), or set precision="float64".'
                    )
        if self.likelihood == "bernoulli":
            low, high = _range(X)
            if low < 0 or high > 1:
                raise ValueError(
                    f'likelihood="bernoulli" needs X in [0, 1], but X lies in [{low}, '
                    f"{high}]. Scale X (for example with MinMaxScaler, or divide pixels by "
                    '255), or use likelihood="gaussian".'
                )
        self._check_parameters(X)
        return X

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _fitted_module(self):
        check_is_fitted(self)
        return self.net_.module_


def _blocks(X):
    return (X[start : start + _BLOCK] for start in range(0, len(X), _BLOCK))


def _range(X):
    extremes = [(block.min(), block.max()) for block in _blocks(X)]
    return min(low for low, _ in extremes), max(high for _, high in extremes)
