"""Save and load fitted estimators without pickle."""

from sklearn.utils.validation import check_is_fitted

from sklatent._utils.files import read_file, write_file
from sklatent.nn.training.devices import resolve_device
from sklatent.persistence._estimators import Reader, Writer, custom_paths

__all__ = ["load", "save"]

_KIND = "a fitted model"
_SCHEMA_VERSION = 1


def save(model, path):
    """Save a fitted estimator to one file: safetensors weights and JSON, no pickle.

    Parameters
    ----------
    model : estimator
        Any fitted estimator of sklatent. Of a Pipeline or a search, save the model inside.

    path : str or path-like
        The file to write. An existing one is replaced, atomically.

    Raises
    ------
    TypeError
        If the estimator is not one of sklatent's, or has learned something that arrays and JSON
        cannot hold.

    See Also
    --------
    load : The way back.

    Notes
    -----
    Kept are the parameters, all fitted attributes, the weights, the history and the state of the
    random streams; not the optimiser's state, so that ``warm_start`` goes on from the weights with
    a fresh optimiser. What is code (a factory of networks given as `architecture`, callbacks, the
    functions of a transformation) is only named, by its import path: see :func:`load`.

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
    encoded = writer.estimator(model)
    check_is_fitted(model)
    write_file(path, writer.arrays, {"model": encoded}, kind=_KIND, schema_version=_SCHEMA_VERSION)


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
    arrays, envelope = read_file(path, kind=_KIND, schema_version=_SCHEMA_VERSION)
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
        return Reader(arrays, custom_objects, device).estimator(saved)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _not_a_model(path, error) from error


def _not_a_model(path, error):
    return ValueError(
        f"The content of {str(path)!r} makes no model of this sklatent, though its hash is right: "
        f"{error}"
    )
