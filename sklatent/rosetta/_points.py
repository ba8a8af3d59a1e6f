"""Rosetta points: the few (input, latent) pairs that carry a latent space to another lab."""

import numbers

import numpy as np
from sklearn.utils import _safe_indexing

from sklatent._posterior import Posterior, _as_float_array, _check_finite
from sklatent._utils.files import content_hash, read_file, write_file
from sklatent._utils.pipelines import last_step
from sklatent._utils.random import local_random_state
from sklatent.rosetta._distillation import METHODS, center_and_scale, choose_rows

__all__ = ["RosettaPoints"]

_KIND = "Rosetta points"
_SCHEMA_VERSION = 1


class RosettaPoints:
    """Anchors of a latent space: a few inputs and where a trained model put them.

    A :class:`~sklatent.RosettaVAE` trained with them, here or in another lab, learns the same
    latent space. They need neither the model nor the data they come from.

    Parameters
    ----------
    X : array-like of shape (n_points, n_features)
        The anchors' inputs, as the *model* sees them: after any preprocessing.

    Z : array-like of shape (n_points, n_components)
        The anchors' latent coordinates.

    posterior : Posterior, default=None
        The posterior of each anchor, with mean `Z`. For information: the Rosetta loss uses `Z`.

    preprocessing : dict or str, default=None
        How raw data became `X`. ``"center"`` and ``"scale"`` (a number, or one for each feature)
        say that `X` is ``(raw - center) / scale``, which :meth:`preprocess` applies. Any other
        text or numbers are kept as a note. A string is short for ``{"note": string}``.

    Attributes
    ----------
    X : ndarray of shape (n_points, n_features)
        The anchors' inputs, a copy, in float32 or float64.

    Z : ndarray of shape (n_points, n_components)
        The anchors' latent coordinates, a copy, in float32 or float64.

    posterior : Posterior or None
        The posterior of each anchor.

    preprocessing : dict or None
        How raw data became `X`; numbers as arrays.

    References
    ----------
    .. [1] M. Martinez and J. Pearson, "Reproducible, incremental representation learning with
       Rosetta VAE", 2022, section 3 and figure 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklatent import RosettaPoints
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = PCA(n_components=4).fit(X)
    >>> RosettaPoints.distill(model, X, n_points=16, random_state=0)
    RosettaPoints(n_points=16, n_features=64, n_components=4)
    """

    def __init__(self, X, Z, *, posterior=None, preprocessing=None):
        self.X = _check_array(X, "X", "(n_points, n_features)")
        self.Z = _check_array(Z, "Z", "(n_points, n_components)")
        if len(self.X) != len(self.Z):
            raise ValueError(
                "Each anchor is one input and its latent coordinates, so X and Z must have the "
                f"same number of rows; got shapes {self.X.shape} and {self.Z.shape}."
            )
        self.posterior = _check_posterior(posterior, self.Z)
        self.preprocessing = _check_preprocessing(preprocessing, self.X.shape[1])

    @classmethod
    def distill(
        cls, model, X, n_points=64, method="kmeans", random_state=None, *, preprocessing=None
    ):
        """Distil a fitted model's latent space into a few anchors.

        The encoded samples are clustered; each centroid's anchor is the encoded sample nearest to
        it, with its input. Each anchor is a different sample: where centroids share their nearest
        sample, the closest of them keeps it and the others take their next nearest.

        Parameters
        ----------
        model : estimator
            Anything fitted that has `transform`: a model, a :class:`~sklearn.pipeline.Pipeline`
            that ends in one, or a search over either. The anchors of a Pipeline are inputs of its
            last step, and what the steps before it do is recorded in `preprocessing`: as the
            centre and scale of each feature if that is what it amounts to on `X`.

        X : array-like of shape (n_samples, n_features)
            The data to choose anchors from, as `model` takes it.

        n_points : int, default=64
            The number of anchors.

        method : {"kmeans", "agglomerative", "gmm", "random"}, default="kmeans"
            How the latent space is divided: k-means; agglomerative clustering with Ward linkage,
            on 4000 random rows where there are more, since its memory grows with their square;
            a Gaussian mixture with full covariances, whose component means are the centroids; or
            a random choice of samples.

        random_state : int, RandomState instance or None, default=None
            Determines clustering and random choice. Pass an int for reproducible anchors.

        preprocessing : dict or str, default=None
            What was done to `X` before, to be recorded; see the class. Not for a Pipeline with
            several steps, which are recorded by themselves.

        Returns
        -------
        points : RosettaPoints
            The anchors, in the order of the clusters.

        Raises
        ------
        ValueError
            If `method` is unknown, `n_points` is not between 1 and the number of samples, or
            `preprocessing` is given beside the steps of a Pipeline.

        Notes
        -----
        In the paper's appendix E k-means gave the smallest retraining variability of the four.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
        rng = local_random_state(random_state)

        model, steps = last_step(model)
        if steps and preprocessing is not None:
            raise ValueError(
                "The steps of the Pipeline are the preprocessing that is recorded. Give "
                "preprocessing= only with the model itself, pipeline[-1], and its own inputs."
            )
        inputs = X
        for step in steps:
            inputs = step.transform(inputs)
        encoded = _check_array(model.transform(inputs), "model.transform(X)", "(n_samples, any)")
        _check_n_points(n_points, len(encoded))
        rows = choose_rows(encoded, n_points, method, rng)

        chosen, Z = _safe_indexing(inputs, rows), encoded[rows]
        posterior = model.encode(chosen) if hasattr(model, "encode") else None
        if steps:
            preprocessing = center_and_scale(np.asarray(X), np.asarray(inputs))
            preprocessing["steps"] = " -> ".join(repr(step) for step in steps)
        return cls(
            np.asarray(chosen),
            Z,
            # A model that does not return its posterior means has posteriors of something else.
            posterior=posterior if _has_means(posterior, Z) else None,
            preprocessing=preprocessing,
        )

    def preprocess(self, X):
        """Bring raw data into the space of the anchors' inputs.

        ``FunctionTransformer(points.preprocess)`` does so as the first step of a Pipeline.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Raw data, in the units of the lab that made the anchors.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            ``(X - center) / scale``, or X itself where no preprocessing is recorded.

        Raises
        ------
        ValueError
            If `X` has another width than the anchors, or if the preprocessing recorded is not a
            centre and a scale.
        """
        X = _as_float_array(X, "X")
        if X.ndim != 2 or X.shape[1] != self.X.shape[1]:
            raise ValueError(
                f"X must have the anchors' {self.X.shape[1]} features; got shape {X.shape}."
            )
        if self.preprocessing is None:
            return X
        if not {"center", "scale"} & self.preprocessing.keys():
            raise ValueError(
                "The preprocessing of these anchors is not a centre and a scale, so it cannot be "
                f"applied from here. What was recorded: {self.preprocessing}."
            )
        center = self.preprocessing.get("center", 0.0)
        scale = self.preprocessing.get("scale", 1.0)
        return ((X - center) / scale).astype(X.dtype, copy=False)

    def save(self, path):
        """Save to one safetensors file: arrays, versions and a content hash, no pickle.

        Parameters
        ----------
        path : str or path-like
            The file to write. An existing one is replaced, atomically.
        """
        arrays, metadata = self._content()
        write_file(path, arrays, metadata, kind=_KIND, schema_version=_SCHEMA_VERSION)

    @property
    def content_hash(self):
        """SHA-256 of the content, in hexadecimal: equal anchors have equal hashes."""
        arrays, metadata = self._content()
        return content_hash(arrays, metadata)

    def _content(self):
        """All there is, as arrays and what JSON can hold."""
        arrays = {"X": self.X, "Z": self.Z}
        if self.posterior is not None:
            name = "log_var" if self.posterior.is_diagonal else "scale_tril"
            arrays[f"posterior.{name}"] = getattr(self.posterior, name)
        notes = None
        if self.preprocessing is not None:
            notes = {k: v for k, v in self.preprocessing.items() if isinstance(v, str)}
            numeric = self.preprocessing.keys() - notes.keys()
            arrays |= {f"preprocessing.{key}": self.preprocessing[key] for key in sorted(numeric)}
        return arrays, {"preprocessing": notes}

    @classmethod
    def load(cls, path):
        """Load anchors saved by :meth:`save`.

        Parameters
        ----------
        path : str or path-like
            The file to read. Nothing in it is executed, whoever made it.

        Returns
        -------
        points : RosettaPoints
            Equal to the anchors that were saved.

        Raises
        ------
        ValueError
            If the file is truncated, tampered with, of a newer layout or not one of Rosetta
            points. The message says which.
        """
        arrays, envelope = read_file(path, kind=_KIND, schema_version=_SCHEMA_VERSION)
        try:
            preprocessing = envelope["metadata"]["preprocessing"]
            posterior = None
            for name in arrays:
                group, _, key = name.partition(".")
                if group == "posterior":
                    posterior = Posterior(arrays["Z"], **{key: arrays[name]})
                elif group == "preprocessing":
                    preprocessing[key] = arrays[name]
            return cls(arrays["X"], arrays["Z"], posterior=posterior, preprocessing=preprocessing)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{str(path)!r} was tampered with: its hash was made anew, but its content is not "
                f"that of Rosetta points ({error})."
            ) from error

    def to_frame(self):
        """Return the inputs and latent coordinates as one table.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_points, n_features + n_components)
            Columns x0, x1, ... are the inputs and z0, z1, ... the latent coordinates.
        """
        import pandas as pd

        names = [f"{name}{i}" for name in "xz" for i in range(getattr(self, name.upper()).shape[1])]
        dtype = np.result_type(self.X, self.Z)
        return pd.DataFrame(np.hstack([self.X, self.Z], dtype=dtype), columns=names)

    def __len__(self):
        return len(self.X)

    def __eq__(self, other):
        if not isinstance(other, RosettaPoints):
            return NotImplemented
        return (
            _same(self.X, other.X)
            and _same(self.Z, other.Z)
            and _same_posteriors(self.posterior, other.posterior)
            and _same_preprocessing(self.preprocessing, other.preprocessing)
        )

    # Equality is by content, and content can be edited in place.
    __hash__ = None

    def __repr__(self):
        return (
            f"RosettaPoints(n_points={len(self)}, n_features={self.X.shape[1]}, "
            f"n_components={self.Z.shape[1]})"
        )


def _check_array(array, name, shape):
    array = np.array(_as_float_array(array, name))
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name} must have shape {shape} with at least one row and one column, got "
            f"{array.shape}. Images are flattened, one row each."
        )
    _check_finite(array, name)
    return array


def _check_posterior(posterior, Z):
    if posterior is None:
        return None
    if not isinstance(posterior, Posterior):
        raise TypeError(
            f"posterior must be a Posterior, as encode returns it; got {type(posterior).__name__}."
        )
    if not _has_means(posterior, Z):
        raise ValueError(
            f"posterior, with means of shape {posterior.mean.shape}, must have Z, of shape "
            f"{Z.shape}, as its means; these are of other samples or of another model."
        )
    name = "log_var" if posterior.is_diagonal else "scale_tril"
    return Posterior(Z, **{name: getattr(posterior, name)})


def _has_means(posterior, Z):
    """Whether Z are the posterior's means, up to what batches change in single precision."""
    if posterior is None or posterior.mean.shape != Z.shape:
        return False
    return np.allclose(posterior.mean, Z, rtol=1e-3, atol=1e-3 * np.abs(Z).max())


def _check_preprocessing(preprocessing, n_features):
    if preprocessing is None:
        return None
    if isinstance(preprocessing, str):
        preprocessing = {"note": preprocessing}
    if not isinstance(preprocessing, dict) or any(
        not isinstance(key, str) for key in preprocessing
    ):
        raise TypeError(
            'preprocessing must be a string or a dict such as {"center": 0.0, "scale": 16.0}, got '
            f"{preprocessing!r}."
        )
    checked = {}
    for key, value in preprocessing.items():
        if isinstance(value, str):
            checked[key] = value
            continue
        array = np.array(_as_float_array(value, f"preprocessing[{key!r}]"))
        _check_finite(array, f"preprocessing[{key!r}]")
        if key in ("center", "scale"):
            if array.shape not in ((), (1,), (n_features,)):
                raise ValueError(
                    f"preprocessing[{key!r}] must be a number or have one for each of the "
                    f"{n_features} features of X, got shape {array.shape}."
                )
            array = np.array(np.broadcast_to(array, n_features), dtype=np.float64)
            if key == "scale" and not array.all():
                raise ValueError(
                    "preprocessing['scale'] must not be zero: inputs are divided by it."
                )
        checked[key] = array
    return checked


def _check_n_points(n_points, n_samples):
    if not isinstance(n_points, numbers.Integral) or not 1 <= n_points <= n_samples:
        raise ValueError(
            f"n_points must be an integer from 1 to the number of samples, {n_samples}, since each "
            f"anchor is a different sample; got {n_points!r}."
        )


def _same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


def _same_posteriors(a, b):
    if a is None or b is None:
        return a is b
    if a.is_diagonal != b.is_diagonal:
        return False
    name = "log_var" if a.is_diagonal else "scale_tril"
    return _same(getattr(a, name), getattr(b, name))


def _same_preprocessing(a, b):
    if a is None or b is None:
        return a is b
    if a.keys() != b.keys():
        return False
    return all(_same(np.asarray(a[key]), np.asarray(b[key])) for key in a)
