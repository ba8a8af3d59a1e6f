"""Whether a model of one's own keeps the contract of :class:`LatentModel`."""

import copy
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

import sklatent
from sklatent._utils.estimator_codec import import_path
from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_stacked
from sklatent.models._parameters import same_parameters

_TOLERANCE = 1e-6  # of a latent's deviation: a stack adds up in another order


def check_latent_model(model, X=None):
    """Check that a model keeps the contract of :class:`LatentModel`.

    A model that defines an objective or a module of its own is fitted a few times for two epochs,
    as a user, a search and a file would treat it: that it depends on its seed and its rows alone,
    stacks, goes on, resumes after a kill, scores and is saved.

    Parameters
    ----------
    model : LatentModel
        Not fitted; it is cloned, and stays as it is.
    X : array-like of shape (n_samples, n_features), default=None
        Data that the model can learn. None makes 60 rows of 12 numbers in [0, 1].

    Returns
    -------
    n_checks : int
        How many checks ran; the model passed them all.

    Raises
    ------
    TypeError
        If it is no LatentModel.
    AssertionError
        For the first check that fails, with what was expected and how to mend it.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.models import check_latent_model
    >>> n_checks = check_latent_model(VAE(2, hidden_layer_sizes=(8,)))
    >>> n_checks > 5
    True
    """
    if not isinstance(model, LatentModel):
        raise TypeError(f"model must be a LatentModel, got {type(model).__name__}.")
    X = np.random.RandomState(0).uniform(size=(60, 12)) if X is None else np.asarray(X)
    if X.dtype.kind != "f":
        X = X.astype(np.float64)
    model = _with(model, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of two epochs
        fitted = _short(model).fit(X)
        checks = [check for check, applies in _CHECKS.items() if applies(fitted)]
        for check in checks:
            check(model, fitted, X)
    return len(checks)


def _with(model, **values):
    """A clone with some values set, be they parameters of this model's or not."""
    model = clone(model)
    for name, value in values.items():
        setattr(model, name, value)
    return model


def _short(model, **values):
    return _with(model, **{"max_epochs": 2, "device": "cpu"} | values)


def _says_what_it_is(model, fitted, X):
    missing = set(model._loss_hyperparameters) - set(model.get_params(deep=False))
    _see(not missing, f"_loss_hyperparameters names {sorted(missing)}, which are no parameters.")
    missing = set(model._shaping_parameters) - set(model.get_params(deep=False))
    _see(not missing, f"_shaping_parameters names {sorted(missing)}, which are no parameters.")


def _terms_are_recorded_and_sum_to_the_loss(model, fitted, X):
    for row in fitted.history_:
        own = {n: v for n, v in row.items() if not n.startswith(("valid_", "train_", "epoch"))}
        own = {n: v for n, v in own.items() if not n.startswith("event_")}
        total = sum(own.values())
        _see(
            np.isclose(total, row["train_loss"], rtol=1e-4, atol=1e-6),
            f"_objective's terms {sorted(own)} sum to {total}, not to the loss "
            f"{row['train_loss']}. Return a dict of named terms, each a mean over rows.",
        )


def _the_same_seed_is_the_same_model(model, fitted, X):
    # Losses as well: training that makes nothing better ends where it began, whatever it drew.
    again = _short(model).fit(X)
    losses = [[row["train_loss"] for row in own.history_] for own in (again, fitted)]
    _see(
        losses[0] == losses[1] and np.array_equal(again.transform(X), fitted.transform(X)),
        "Two fits with one seed differ. Draw noise from step.streams, weights from torch in "
        "_build_module, and nothing from global generators.",
    )


def _rows_are_known_by_their_names(model, fitted, X):
    order = np.random.RandomState(1).permutation(len(X))
    moved = _short(model).fit(X[order], sample_ids=order).transform(X)
    _see(
        np.array_equal(moved, _short(model).fit(X, sample_ids=np.arange(len(X))).transform(X)),
        "Rows in another order give another model. Draw noise by step.streams.normal(len(batch), "
        "width), and take means over rows by batch.mean.",
    )


def _fitting_leaves_parameters_alone(model, fitted, X):
    _see(
        same_parameters(fitted, _short(model)),
        "fit changed a parameter. Set attributes that end in an underscore instead.",
    )


def _encodes_rows_one_by_one(model, fitted, X):
    together = fitted.transform(X.astype(np.float64))
    alone = np.concatenate([fitted.transform(row[None].astype(np.float64)) for row in X[:5]])
    _see(np.allclose(together[:5], alone, rtol=1e-9), "A row's latents depend on other rows.")
    _see(
        fitted.inverse_transform(together).shape == X.shape,
        "inverse_transform(transform(X)) has another shape than X.",
    )
    scores = fitted.score_samples(X)
    _see(scores.shape == (len(X),), "score_samples gives not one number for each row.")


def _goes_on(model, fitted, X):
    on = copy.deepcopy(fitted).partial_fit(X)
    _see(on.n_epochs_ == fitted.n_epochs_ + 1, "partial_fit does not go on by one epoch.")


def _stacks(model, fitted, X):
    changes = [{"random_state": 0}, {"random_state": 1}]
    for change, factor in zip(changes, (1.0, 2.0), strict=True):
        for name in model._loss_hyperparameters:
            change[name] = model._loss_number(name) * factor
    # Adam makes whole steps of gradients that are nothing but rounding, as at an optimum. And all
    # epochs are to be seen: with rows held out, the start itself may be the best.
    settings = {"precision": "float64", "early_stopping": False}
    alone = [_short(model, **settings, **change).fit(X) for change in changes]
    stacked = [_short(model, **settings, **change) for change in changes]
    for member in stacked:
        valid = member._validate_training_data(X, reset=True)
    fit_stacked(stacked, valid)
    for one, other in zip(alone, stacked, strict=True):
        Z, found = one.transform(X), other.transform(X)
        error = np.abs(Z - found).max() / max(Z.std(), 1e-12)
        _see(
            error < _TOLERANCE,
            f"As one of a stack the model differs by {error:.2g} deviations from itself alone. In "
            '_objective use leading axes (..., batch, features), step.hyper["name"] for loss '
            "hyperparameters and batch.mean; or set _stackable = False.",
        )


class _Kill(Callback):
    """Ends the process's training in its second epoch, once for each folder."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_begin(self, net, **kwargs):
        mark = Path(self.folder) / "killed"
        if len(net.history) == 2 and not mark.exists():
            mark.touch()
            raise RuntimeError("killed by check_latent_model")


def _resumes(model, fitted, X):
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        settings = {"checkpoint_dir": str(runs), "callbacks": [_Kill(folder)]}
        killed, again = _short(model, **settings), _short(model, **settings)
        try:
            killed.fit(X)
        except RuntimeError as error:
            if "check_latent_model" not in str(error):
                raise
        _see(len(list(runs.iterdir())) == 1, "A fit that is killed leaves no checkpoint.")
        found = again.fit(X).transform(X)
        _see(not list(runs.iterdir()), "A killed fit, called again, is another run.")
    _see(np.array_equal(found, fitted.transform(X)), "A resumed fit is another than a whole one.")


def _is_saved(model, fitted, X):
    custom = {import_path(type(model)): type(model)}
    for value in model.get_params(deep=False).values():
        custom |= {import_path(value): value} if callable(value) else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        try:
            sklatent.save(fitted, path)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"The fitted model can't be saved. {error}") from error
        found = sklatent.load(path, custom_objects=custom).transform(X)
    _see(np.array_equal(found, fitted.transform(X)), "What is loaded is another than was saved.")


def _see(condition, message):
    if not condition:
        raise AssertionError(message)


def _always(fitted):
    return True


def _may_stack(fitted):
    return fitted._stackable


_CHECKS = {
    _says_what_it_is: _always,
    _terms_are_recorded_and_sum_to_the_loss: _always,
    _the_same_seed_is_the_same_model: _always,
    _rows_are_known_by_their_names: _always,
    _fitting_leaves_parameters_alone: _always,
    _encodes_rows_one_by_one: _always,
    _goes_on: _always,
    _stacks: _may_stack,
    _resumes: _always,
    _is_saved: _always,
}
