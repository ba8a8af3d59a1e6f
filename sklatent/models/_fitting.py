"""The doors to training: for one model, and for several as one stack."""

from sklatent.models._training import Training
from sklatent.models._watching import watch_of


def fit_model(model, X, *, keys=None, epochs=None, resume=False, beside=None, given=None):
    """Train one model on X, anew or (``resume``) from where it is.

    Parameters
    ----------
    model : LatentModel
        Validated.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    keys : ndarray of uint64 of shape (n_samples,), default=None
        Keys of the rows; None is their positions.
    epochs : int, default=None
        How many; None is `max_epochs`, with the learning rate falling at the end.
    resume : bool, default=False
        Whether to continue from the present weights.
    beside : dict of str to array, default=None
        Further fields of a batch, as in :class:`sklatent.nn.training.data.Rows`.
    given : (X, y), default=None
        As the user has them, for callbacks; None is the validated data.
    """
    watch = watch_of(model, *(given or (X, None)))
    Training([model], X, keys=keys, epochs=epochs, resume=resume, beside=beside, watch=watch).run()
    if watch is not None:
        watch.end()


def fit_stacked(models, X, rows=None, keys=None, pause=None, lost=None, groups=None):
    """Train K models as one stacked module, each as it would have been trained alone.

    Parameters
    ----------
    models : list of LatentModel
        Alike but for ``random_state`` and loss hyperparameters.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    rows : ndarray of shape (K, n_rows) or None
        Each model's own rows of X.
    keys : ndarray of uint64 of shape (n_samples,), default=None
        Keys of the rows of X; None is a row's position among its model's own.
    pause : Pause, default=None
        Where to go on from and where to stop, for a training in several parts.
    lost : dict, default=None
        Where given, a model whose loss becomes NaN or infinite does not end the training of the
        others: its number and its error are noted here.
    groups : sequence of int, default=None
        Where given, models are made when someone looks at them; those of equal number share their
        rows.

    Returns
    -------
    bool
        Whether they were trained as one module, which models that look at whole batches are not
        where batches are uneven.
    """
    n_rows = X.shape[0] if rows is None else rows.shape[1]
    n_modelled = X.shape[1] - models[0]._n_covariates
    uneven = keys is not None or models[0]._holds_out(n_rows, n_modelled)
    first = models[0]
    looks_at_batches = not first._weighs_rows or first.augmentation is not None
    if uneven and (looks_at_batches or callable(first.architecture)):
        # Batches of uneven size would be padded, which what looks at whole batches would see,
        # such as an objective or the batch normalisation in networks of the user's own.
        if pause is not None:
            return False
        for k, model in enumerate(models):
            own = None if rows is None else rows[k : k + 1]
            Training([model], X, rows=own, keys=keys).run()
        return False
    Training(
        models, X, rows=rows, keys=keys, stacked=True, pause=pause, lost=lost, groups=groups
    ).run()
    return True
