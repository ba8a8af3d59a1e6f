"""fit and partial_fit: data validated, training called, and models that a stack has trained."""

from copy import deepcopy

from sklearn.base import _fit_context

from sklatent._utils.names import row_keys
from sklatent.models._covariates import find_covariates
from sklatent.models._fitting import fit_model
from sklatent.models._parameters import check_size, copies
from sklatent.models._rows import check_possible, check_training_rows, validate_rows
from sklatent.models._start_data import ROWS_PER_FEATURE
from sklatent.models._watching import CallbackSupportMixin, tell_of_a_stack
from sklatent.nn.training.devices import resolve_device

# What a clone has beside its parameters: copies as in scikit-learn, and what is the search's.
_ALONG = {"_metadata_request", "_sklearn_output_config"}
_SHARED = {"_skl_callbacks", "_plan"}
_MIN_ROWS = 10  # of fewer, those held out tell nothing


class Trainable(CallbackSupportMixin):
    """What of a model is about its training; what it trains, its hooks say."""

    def _holds_out(self, n_rows, n_features, one_epoch=False):
        """Whether rows are held out to stop by."""
        if self.early_stopping != "auto":
            return bool(self.early_stopping)
        return not one_epoch and _MIN_ROWS <= n_rows < ROWS_PER_FEATURE * n_features

    # Training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_ids=None):
        """Learn the latent space of X.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
            Training data. Memory maps and CSR matrices are read batch by batch.
        y : None
            Ignored, but by scikit-learn's callbacks, which are handed it.
        sample_ids : array-like of shape (n_samples,), default=None
            Names of the rows, all different, for which batches and noise are drawn: rows in
            another order, or with some left out or added, give the same space. None takes a
            frame's index where it is unique, or else the rows' positions.

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
        trained = vars(self).pop("_trained", None)
        if trained is not None:
            trained()
            tell_of_a_stack(self, X, y)
            return self
        resume = self.warm_start and hasattr(self, "net_")
        rows, keys = self._take_rows(X, sample_ids, reset=not resume)
        plan = vars(self).pop("_plan", None)
        if resume or plan is None or not plan.note_or_take_over(self, rows, keys):
            fit_model(self, rows, keys=keys, resume=resume, given=(X, y))
        else:
            tell_of_a_stack(self, X, y)
        return self

    def __sklearn_clone__(self):
        values = self.get_params(deep=False)
        # A clone of a fitted model would have nothing to start from.
        values |= copies({name: value for name, value in values.items() if name != "init"})
        found = type(self)(**values)
        kept = found.get_params(deep=False)
        if any(kept[name] is not value for name, value in values.items()):
            return super().__sklearn_clone__()  # which says what is wrong
        for name in _ALONG & vars(self).keys():
            setattr(found, name, deepcopy(getattr(self, name)))
        for name in _SHARED & vars(self).keys():
            setattr(found, name, getattr(self, name))
        return found

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_ids=None):
        """Train for one epoch on X, from the present weights if there are any.

        Of a stream, the first block says where training starts (``init="pca"``: its own principal
        axes) and what features are centred at, for good: let it have many rows, several times as
        many as there are features, or start at axes of all blocks, ``init=IncrementalPCA(...)``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : None
            Ignored.
        sample_ids : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : object
            The model.
        """
        resume = hasattr(self, "net_")
        if resume:  # which scikit-learn leaves out, though parameters may have been set since
            self._validate_params()
        rows, keys = self._take_rows(X, sample_ids, reset=not resume)
        fit_model(self, rows, keys=keys, epochs=1, resume=resume, given=(X, y))
        return self

    def _take_rows(self, X, sample_ids, reset):
        """Validated training data, and the rows' keys or None."""
        rows = self._validate_training_data(X, reset=reset)
        return rows, row_keys(X, sample_ids)

    def _validate_training_data(self, X, reset):
        resolve_device(self.device)
        X = validate_rows(self, X, reset=reset, ensure_min_samples=2)
        if reset:
            names = getattr(self, "feature_names_in_", None)
            self.covariates_ = find_covariates(self.covariates, X.shape[1], names)
        check_training_rows(self, X)
        check_possible(self._find_likelihood(), self._split(X)[0], "X")
        check_size(self, X.shape[1])
        self._check_parameters(X)
        return X
