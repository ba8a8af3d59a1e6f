"""Save and load fitted estimators without pickle."""

from sklearn.utils.validation import check_is_fitted

from sklatent._utils.estimator_codec import check_whole, custom_paths
from sklatent._utils.files import put, read_file, to_bytes
from sklatent.nn.training.devices import resolve_device
from sklatent.persistence._earlier import SCHEMA_VERSION
from sklatent.persistence._estimators import Reader, Writer

__all__ = ["load", "save"]

KIND = "a fitted model"
# What decoding raises where content makes no sense; RecursionError and torch's own are
# RuntimeErrors.
_NONSENSE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    MemoryError,
)


def save(model, path):
    """Save a fitted estimator to one file: safetensors weights and JSON, no pickle.

    Parameters
    ----------
    model : estimator
        Any fitted estimator of sklatent, or a Pipeline, FeatureUnion or ColumnTransformer of these
        and of scikit-learn's own transformers. Of a search, save its best estimator. Of a model
        derived from :class:`~sklatent.models.LatentModel` the class is code: see below.

    path : str, path-like or file-like
        The file to write. An existing one is replaced, atomically, and keeps its mode; a link goes
        on pointing to it; pipes, devices and open files are written into.

    Raises
    ------
    TypeError
        If the estimator is not one of these, or has an attribute that it doesn't declare.
    ValueError
        If what could be loaded again would not be the estimator, such as after parameters were
        changed; or if there can't be a file of that name.

    See Also
    --------
    load : The way back.

    Notes
    -----
    Kept are the parameters, all fitted attributes, the weights, the history and the state of the
    random streams; not the optimiser's state, so that ``warm_start`` goes on from the weights with
    a fresh optimiser. What is code (a factory of networks given as `architecture`, callbacks, the
    functions of a transformation, a step that neither we nor scikit-learn made, the class of a
    model of your own) is only named, by its import path: see :func:`load`. A `checkpoint_dir` is
    not kept: it is a place on the writer's disk. What was written is read once before the file
    appears, so that it can be loaded.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> import sklatent
    >>> X = load_digits().data / 16
    >>> model = sklatent.VAE(2, max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.safetensors"
    ...     sklatent.save(model, path)
    ...     loaded = sklatent.load(path)
    >>> bool((loaded.transform(X) == model.transform(X)).all())
    True
    """
    writer = Writer()
    encoded = {"model": writer.estimator(model)}
    check_is_fitted(model)
    data, _ = to_bytes(writer.arrays, encoded, kind=KIND, schema_version=SCHEMA_VERSION)
    try:
        decode(writer.arrays, encoded["model"], writer.code, "cpu", SCHEMA_VERSION)
    except _NONSENSE as error:
        raise ValueError(
            f"This {type(model).__name__} can't be saved, since what could be loaded again would "
            f"not be it: {error}. If parameters were changed after fit, fit it again, or set them "
            "back."
        ) from error
    put(path, data)


def decode(arrays, saved, custom_objects, device, schema_version):
    """Make a fitted estimator of a file's arrays and encoded model."""
    reader = Reader(arrays, custom_objects, device, schema_version)
    model = reader.estimator(saved)
    reader.check_all_used()
    check_whole(model)
    return model


def load(path, *, custom_objects=None, device=None):
    """Load an estimator saved by :func:`save`.

    Nothing in the file is executed, whoever made it: classes come from sklatent's own list, arrays
    and parameters are data, and code is never imported by the file's wish.

    Parameters
    ----------
    path : str or path-like
        The file to read.

    custom_objects : dict of str to object, default=None
        What the file names but does not hold, because it is code: by import path, such as
        ``{"mylab.networks.build": build}`` for an `architecture` of your own. For an object that
        is no function, such as a callback, the path is its class's, and for the second one of a
        class ends in ``#2``. The error for a file that needs some lists their paths.

    device : str, default=None
        Where the model goes, instead of where its `device` parameter says.

    Returns
    -------
    model : estimator
        Fitted as it was saved.

    Raises
    ------
    ValueError
        If the file is truncated, tampered with, of a newer layout or does not hold a fitted
        model, or if code that it names was not passed in. The message says which.

    See Also
    --------
    save : The way there, and what is kept.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import VAE, load, save
    >>> X = load_digits().data / 16
    >>> model = VAE(n_components=2, max_epochs=2, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "digits.safetensors")
    ...     again = load(Path(folder) / "digits.safetensors")
    >>> bool((again.transform(X) == model.transform(X)).all())
    True
    """
    if device is not None:
        resolve_device(device)
    arrays, envelope = read_file(path, kind=KIND, schema_version=SCHEMA_VERSION)
    custom_objects = custom_objects or {}
    try:
        saved = envelope["metadata"]["model"]
        missing = sorted(custom_paths(saved) - custom_objects.keys())
    except (KeyError, TypeError, RecursionError) as error:
        raise _not_a_model(path, error) from error
    if missing:
        given = ", ".join(f"{name!r}: ..." for name in missing)
        raise ValueError(
            f"The model in {str(path)!r} uses code that no file holds: {', '.join(missing)}. "
            f"Import it yourself and pass custom_objects={{{given}}}."
        )
    try:
        return decode(arrays, saved, custom_objects, device, envelope["schema_version"])
    except _NONSENSE as error:
        raise _not_a_model(path, error) from error


def _not_a_model(path, error):
    return ValueError(
        f"The content of {str(path)!r} makes no model of this sklatent, though its hash is right: "
        f"{error}"
    )
