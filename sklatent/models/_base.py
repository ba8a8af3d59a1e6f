"""LatentModel: what every model that trains has in common."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklatent.likelihoods._find import find_likelihood
from sklatent.models._covariates import modelled_columns, split_columns
from sklatent.models._inference import InferenceMixin
from sklatent.models._members import StackMember
from sklatent.models._parameters import ATOMS, CONSTRAINTS, check_numbers, document, renamed
from sklatent.models._quick_decoder import decoders_rate
from sklatent.models._start import start, starts_at_axes
from sklatent.models._trainable import Trainable
from sklatent.nn.modules import VariationalModule
from sklatent.nn.objectives import elbo_terms

_NONE = np.empty(0, dtype=np.int64)
# Values that have no parameters of their own.
_PLAIN = ATOMS | {tuple, list, dict, np.ndarray}


@document()
class LatentModel(
    InferenceMixin,
    Trainable,
    StackMember,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Base of all models that train: derive a model of your own from it.

    By itself it is a :class:`~sklatent.VAE`. A model says what it is by the hooks below, each with
    a default, and `fit` does the rest: validation, seeds, devices, history, checkpoints, stacks.

    Parameters
    ----------
    {n_components}
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    See Also
    --------
    check_latent_model : Whether a model of your own keeps the contract.

    Notes
    -----
    What a model may set, with the defaults:

    ``_loss_hyperparameters = ("beta",)``
        Parameters that are mere numbers in the loss. Models that differ in nothing else train as
        one stack; the objective reads them as ``step.hyper["beta"]``, and to read ``self.beta``
        there is an error.
    ``_divergences = ("kl",)``
        Terms whose weight rises over the first `warmup_epochs`.
    ``_shaping_parameters = ()``
        Parameters of its own that the module is made by, as `n_components` is.
    ``_constant_parameters = ()``
        Parameters that `_constants` are made of; models of one stack may differ in them.
    ``_stackable = True``
        Whether several may train as one stack: the objective takes leading axes.
    ``_weighs_rows = True``
        Whether the objective takes means over rows by ``batch.mean``.
    ``_may_decode_quickly = False``
        Whether, from PCA, its decoder may learn more quickly than its encoder.
    ``_learned = {}``
        What ``_after_training`` sets, for files: by attribute its kind, such as
        ``{"centers_": "float[n_centers, n_components_]"}``.
    ``_adversary_objective = None``, ``_adversary_optimizer = None``
        A second objective ``(module, batch, step) -> loss``, and what makes its optimizer of the
        parameters of ``module.adversary``.

    And what it may do:

    ``_build_module(n_features)``
        The torch module, with weights drawn from torch's generator, which is seeded; it has
        ``encode(x)``, ``decode(z)`` and ``likelihood``.
    ``_objective(module, batch, step)``
        Named terms that sum to the loss, each a number, or one for each stacked model. ``batch``
        has ``x`` of shape (..., rows, features), ``covariates`` and ``mean``; ``step`` has
        ``hyper``, ``streams`` for noise, ``constants``, ``n_rows`` and ``batch_size``. The module
        has been told of the covariates.
    ``_constants(dtype, device)``
        Tensors that ride along with every batch, by name, as ``step.constants``.
    ``_loss_number(name)``
        A loss hyperparameter as the number in ``step.hyper``, where the parameter may be a word.
    ``_check_parameters(X)``
        Refuse parameters that do not suit each other or X.
    ``_validate_training_data(X, reset)``
        Validate X, and note what only this fit is about; returns what is trained on.
    ``_take_rows(X, sample_ids, reset)``
        The same, and the rows' keys: for what is drawn by rows' names before training.
    ``_after_training()``
        Set what was learned beside the net.
    ``_encode_means(X)``, ``_decode_means(Z, covariates)``, ``_n_features_out``
        What `transform` and `inverse_transform` give of validated rows, and how many columns.
    ``_means(encoded)``, ``_reconstruct(X)``
        The means of what was encoded, and what of X comes back.
    ``_decode_draws(Z, random_state, covariates)``, ``_deviance(X, Z)``
        Rows drawn from the likelihood at latents, and how far rows are from what is decoded there.
    ``_stack_kind()``
        What models of one stack have in common, of parameters that may differ.
    ``_beta_to_start_from()``, ``_anchors_to_start_from()``, ``_decodes_latents()``, ``_start``
        Where ``init="pca"`` starts: the weight of the divergence in the linear model (None where
        there is no prior), anchors in place of the data's own axes, whether latents themselves are
        what is decoded, and the start itself.

    Examples
    --------
    A VAE whose latents are few, since their absolute values cost:

    >>> import numpy as np
    >>> from sklatent.models import LatentModel
    >>> class SparseVAE(LatentModel):
    ...     _loss_hyperparameters = ("beta", "weight")
    ...
    ...     def __init__(self, n_components=10, *, weight=0.1, max_epochs=100, random_state=None):
    ...         super().__init__(n_components, max_epochs=max_epochs, random_state=random_state)
    ...         self.weight = weight
    ...
    ...     def _objective(self, module, batch, step):
    ...         terms = super()._objective(module, batch, step)
    ...         size = module.encode(batch.x).mean.abs().sum(-1)
    ...         return terms | {"sparsity": step.hyper["weight"] * batch.mean(size)}
    >>> X = np.random.default_rng(0).random((100, 5))
    >>> model = SparseVAE(2, max_epochs=2, random_state=0).fit(X)
    >>> sorted(model.history_[-1])[2:5]
    ['reconstruction', 'sparsity', 'train_batch_count']
    """

    _parameter_constraints = CONSTRAINTS
    _loss_hyperparameters = ("beta",)
    # Terms of the loss whose weight rises over the first warmup_epochs.
    _divergences = ("kl",)
    # Parameters of its own, beside the shared ones, that the module is made by.
    _shaping_parameters = ()
    # Parameters that say what `_constants` are; models of one stack may differ in them.
    _constant_parameters = ()
    # A second objective, ``(module, batch, step) -> loss``, and its optimizer, made from the
    # parameters of ``module.adversary``.
    _adversary_objective = None
    _adversary_optimizer = None
    # Kinds of what it learns beside its net, for files; see sklatent._utils.kinds.
    _learned = {}
    # Whether several of the kind may train as one stack: the objective takes leading axes.
    _stackable = True
    # Whether the objective averages over rows by the batch's own mean, in which some may not count.
    _weighs_rows = True
    # Whether its decoder may learn more quickly than its encoder (`_quick_decoder.py`).
    _may_decode_quickly = False

    def __init__(
        self,
        n_components=10,
        *,
        architecture="mlp",
        hidden_layer_sizes=(256, 256),
        activation="silu",
        init="pca",
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
        self.n_components = n_components
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.image_shape = image_shape
        self.posterior = posterior
        self.likelihood = likelihood
        self.covariates = covariates
        self.missing = missing
        self.beta = beta
        self.warmup_epochs = warmup_epochs
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

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" not in vars(cls):  # so that errors of its call name the class itself
            cls.__init__ = renamed(cls.__init__, f"{cls.__qualname__}.__init__")

    @classmethod
    def _get_param_names(cls):
        # scikit-learn reads the signature anew each time, dozens of times in a search's fit.
        known = vars(cls).get("_known_parameters")
        if known is None or known[0] is not cls.__init__:
            known = cls._known_parameters = cls.__init__, super()._get_param_names()
        return known[1]

    def get_params(self, deep=True):
        """Get the parameters of this model.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of estimators among them are included.

        Returns
        -------
        params : dict
            Values by name.
        """
        # scikit-learn looks into each value for parameters of its own, ten times in a search's fit.
        known, names = vars(self), self._get_param_names()
        own = {name: known[name] if name in known else getattr(self, name) for name in names}
        plain = not deep or all(type(value) in _PLAIN for value in own.values())
        return own if plain else super().get_params(deep)

    def set_params(self, **params):
        """Set parameters of this model.

        Parameters
        ----------
        **params : dict
            Values by name; ``<component>__<parameter>`` reaches into an estimator among them.

        Returns
        -------
        self : object
            The model itself.
        """
        # scikit-learn first gets all that there are, twice in a search's fit.
        if not params.keys() <= set(self._get_param_names()):
            return super().set_params(**params)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def _validate_params(self):
        if "_trained" not in vars(self):
            super()._validate_params()
            check_numbers(self, self.get_params(deep=False))

    # What a model is

    def _build_module(self, n_features):
        """Build the torch module, drawing weights from torch's (seeded) generator."""
        return VariationalModule.build(self, n_features)

    def _objective(self, module, batch, step):
        """Named terms of the loss of a :class:`Batch`, which sum to it."""
        noise = step.streams.normal(len(batch), self.n_components)
        z, kl = module.encode(batch.x).draw(noise)
        log_likelihood = module.likelihood.log_prob(batch.x, module.decode(z))
        return elbo_terms(log_likelihood, kl, step.hyper["beta"], batch.mean)

    def _loss_number(self, name):
        """A loss hyperparameter as the number that the objective is given."""
        return getattr(self, name)

    def _constants(self, dtype, device):
        """Tensors that ride along with every batch."""
        return {}

    def _check_parameters(self, X):
        """Check parameters against each other and against validated data."""

    # Where training starts

    def _find_likelihood(self):
        """The likelihood that the parameter names, or is."""
        found = find_likelihood(self.likelihood)
        if not hasattr(found, "with_columns") or not hasattr(self, "n_features_in_"):
            return found
        # Columns by name are found once X is known.
        names = getattr(self, "feature_names_in_", None)
        if not self._n_covariates:
            return found.with_columns(self.n_features_in_, names)
        modelled = modelled_columns(self._covariate_columns, self.n_features_in_)
        return found.with_columns(len(modelled), names, modelled)

    @property
    def _covariate_columns(self):
        """Positions of the columns that are told and not modelled."""
        return getattr(self, "covariates_", _NONE)

    @property
    def _n_covariates(self):
        return len(self._covariate_columns)

    def _split(self, X):
        """What of X is modelled, and what is told beside, or None."""
        return split_columns(X, self._covariate_columns)

    def _has_linear_path(self):
        """Whether a linear model runs beside the networks."""
        if isinstance(self.init, str):
            return self.init == "pca"
        if hasattr(self.init, "net_"):
            return self.init.net_.module_.path is not None
        return True

    def _stack_kind(self):
        """What models of one stack must have in common, of parameters that may differ."""
        path = self._has_linear_path()
        return path, path and decoders_rate(self)

    def _anchors_to_start_from(self):
        """Anchors that ``init="pca"`` starts from in place of the data's own axes."""
        return None

    def _beta_to_start_from(self):
        """Weight of the divergence in the linear model; None where there is no prior."""
        return float(self.beta)

    def _decodes_latents(self):
        """Whether latents themselves are what is decoded."""
        return True

    def _start(self, module, X, rows, cache, beside):
        """Set a new module to where training starts, and note what that says of the axes."""
        self._note_start(start(self, module, X, rows, cache, beside))

    def _starts_at_axes(self, module, beside):
        """Whether others of a stack that have the same rows may start with it."""
        return type(self)._start is LatentModel._start and starts_at_axes(self, module, beside)

    def _note_start(self, axes):
        for name in ("variances", "gaps", "sign_stability"):
            setattr(self, f"start_{name}_", None if axes is None else getattr(axes, name).copy())

    # What scikit-learn asks

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing == "mask"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _fitted_module(self):
        check_is_fitted(self)
        return self.net_.module_
