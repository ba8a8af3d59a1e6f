"""Rosetta points: the few (input, latent) pairs that carry a latent space to another lab."""

import copy

import numpy as np
from sklearn.utils.validation import _get_feature_names

from sklatent._utils.files import content_hash, read_file, write_file
from sklatent.rosetta._checks import (
    check_array,
    check_decoded,
    check_encoded,
    check_feature_names,
    check_held_out,
    check_names,
    check_posterior,
    check_preprocessing,
    positions,
    same_points,
)
from sklatent.rosetta._content import arguments_from, content_of
from sklatent.rosetta._distillation import distilled
from sklatent.rosetta._steps import check_steps, preprocessed

__all__ = ["RosettaPoints"]

_NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)
_KIND = "Rosetta points"
_SCHEMA_VERSION = 5


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

    feature_names : array-like of str of shape (n_features,), default=None
        Names of the inputs. By them a model matches the columns of a frame, in whatever order they
        come. None takes those of `X` if it is a frame.

    steps : Pipeline, default=None
        Fitted steps that bring raw data to `X`, of scikit-learn's own transformers: they travel in
        the file by name and numbers, and :meth:`preprocess` applies them.

    encoded : array-like of shape (n_points, n_components), default=None
        Where the model encodes `X`, if that is not `Z`: the inputs are then what it decodes at `Z`,
        or were drawn around that.

    decoded : array-like of shape (n_points, n_features), default=None
        What the model decodes at `Z`, where `X` are real rows or drawn. None holds a decoder to `X`
        itself, as the paper does.

    held_out : RosettaPoints, default=None
        Further anchors of the same model, to judge by: no model trains on them.

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

    feature_names : ndarray of str of shape (n_features,) or None
        Names of the inputs.

    steps : Pipeline or None
        Fitted steps that bring raw data to `X`.

    encoded : ndarray of shape (n_points, n_components)
        Where the model encodes `X`, which is what an encoder is held to: `Z` itself unless the
        inputs were decoded.

    decoded : ndarray of shape (n_points, n_features)
        What a decoder is held to: without the rows' noise, or `X` itself.

    inputs : {"data", "decoded", "drawn"}
        Whether the inputs are real rows, or what the model decodes at `Z`, or draws from its
        likelihood around that: with noise, and no one's data.

    held_out : RosettaPoints or None
        Anchors that no model trains on. A scorer chooses rho by them, see
        :func:`~sklatent.metrics.make_rosetta_scorer`.

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

    def __init__(
        self,
        X,
        Z,
        *,
        posterior=None,
        preprocessing=None,
        feature_names=None,
        steps=None,
        encoded=None,
        decoded=None,
        held_out=None,
    ):
        if feature_names is None and hasattr(X, "columns"):
            feature_names = _get_feature_names(X)
        self.X = check_array(X, "X", "(n_points, n_features)")
        self.Z = check_array(Z, "Z", "(n_points, n_components)")
        if len(self.X) != len(self.Z):
            raise ValueError(
                "Each anchor is one input and its latent coordinates, so X and Z must have the "
                f"same number of rows; got shapes {self.X.shape} and {self.Z.shape}."
            )
        self.posterior = check_posterior(posterior, self.Z)
        self.preprocessing = check_preprocessing(preprocessing, self.X.shape[1])
        self.feature_names = check_feature_names(feature_names, self.X.shape[1])
        self.steps = check_steps(steps)
        kinds = ["data", "decoded"] if decoded is None else ["data", "drawn"]
        self.inputs = kinds[encoded is not None]
        self.encoded = self.Z if encoded is None else check_encoded(encoded, self.Z)
        self.decoded = self.X if decoded is None else check_decoded(decoded, self.X)
        self.held_out = check_held_out(held_out, self)

    @classmethod
    def distill(
        cls,
        model,
        X,
        n_points=64,
        method="kmeans",
        random_state=None,
        *,
        inputs="auto",
        held_out=0.25,
        preprocessing=None,
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
            last step, and what the steps before it do is recorded: in `steps` where they are
            scikit-learn's own, and in `preprocessing` as the centre and scale of each feature if
            that is what it amounts to on `X`.

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

        inputs : {"auto", "data", "decoded"}, default="auto"
            What an anchor's input is: a real row, as in the paper, or what the model decodes at its
            latents, which has none of the row's noise and is no one's data. ``"auto"`` takes
            decoded ones where linear maps through them place other rows plainly better, see Notes;
            and where it takes real rows, an encoder is held to those and a decoder to what is
            decoded, `points.decoded`. A model without posteriors (`encode`) has real ones for both.
            `points.inputs` says which it was.

        held_out : float, default=0.25
            How many further anchors there are to judge by, `points.held_out`, as a share of
            `n_points`: rows drawn at random among those that are no anchors, as far as there are
            any. 0 is none. Where the anchors' inputs are decoded, theirs are drawn from the model's
            likelihood around what is decoded (but for the papers' ``"unit_gaussian"``): an encoder
            that holds at means alone is found out by noise.

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
            If `method` or `inputs` is unknown, `n_points` is not between 1 and the number of
            samples, `held_out` is no share, `preprocessing` is given beside the steps of a
            Pipeline, or inputs are to be decoded by a model that can't.

        Notes
        -----
        In the paper's appendix E k-means gave the smallest retraining variability of the four.

        What is decoded at a code is not encoded to that code again: posterior means are drawn
        towards the prior. So decoded anchors hold a decoder to ``m(Z) = X`` and an encoder to
        ``mu(X) = encoded``, each what the first model does itself.

        ``inputs="auto"`` puts a ridge regression, as :class:`~sklatent.RosettaVAE` starts with,
        through both kinds of anchors and places rows that are neither anchors nor held out.
        Decoded inputs are taken if they leave less than half of the squared error and real ones
        more than a hundredth of the variance. On counts of single cells (64 anchors, 765 genes)
        real ones leave 18 percent and decoded ones 0.2; on the digits it is 0.3 and 0.4 percent.
        """
        return cls(
            **distilled(
                model, X, n_points, method, random_state, inputs, held_out, preprocessing, cls
            )
        )

    def preprocess(self, X):
        """Bring raw data into the space of the anchors' inputs.

        ``FunctionTransformer(points.preprocess)`` does so as the first step of a Pipeline.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_raw_features)
            Raw data, in the units of the lab that made the anchors. A frame's columns are matched
            by name, in whatever order they come, where the names are known.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            What `steps` make of X; without them ``(X - center) / scale``, or X itself where no
            preprocessing is recorded.

        Raises
        ------
        ValueError
            If `X` has another width than the raw data, lacks a column, or if the preprocessing
            recorded is nothing that can be applied.
        """
        return preprocessed(X, self)

    def for_features(self, names):
        """Return the same anchors for data whose columns have these names, in their order.

        Parameters
        ----------
        names : array-like of str or None
            Names of the columns. None, or anchors without names, leave the order as it is.

        Returns
        -------
        points : RosettaPoints
            These anchors, or a copy with its inputs in the other order.

        Raises
        ------
        ValueError
            If columns are missing; the message lists them.
        """
        if names is None or self.feature_names is None:
            return self
        names = check_names(names, "names")
        order = positions(self.feature_names, names, "X")
        positions(names, self.feature_names, "the anchors' file")
        if (order == np.arange(len(order))).all():
            return self
        moved = copy.copy(self)
        back = np.argsort(order)
        moved.X, moved.feature_names = self.X[:, back].copy(), self.feature_names[back]
        same = self.decoded is self.X
        moved.decoded = moved.X if same else self.decoded[:, back].copy()
        moved.preprocessing, moved.steps = None, None
        if self.held_out is not None:
            moved.held_out = self.held_out.for_features(names)
        return moved

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
        return content_of(self)

    @classmethod
    def _from_content(cls, arrays, metadata):
        return cls(**arguments_from(arrays, metadata, cls))

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
            return cls._from_content(arrays, envelope["metadata"])
        except _NONSENSE as error:
            raise ValueError(
                f"{str(path)!r} was tampered with: its hash was made anew, but its content is not "
                f"that of Rosetta points ({error})."
            ) from error

    def to_frame(self):
        """Return the inputs and latent coordinates as one table.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_points, n_features + n_components)
            Columns x0, x1, ..., or the features' own names, are the inputs, and z0, z1, ... the
            latent coordinates.
        """
        import pandas as pd

        names = [f"x{i}" for i in range(self.X.shape[1])]
        if self.feature_names is not None:
            names = list(self.feature_names)
        names += [f"z{i}" for i in range(self.Z.shape[1])]
        dtype = np.result_type(self.X, self.Z)
        return pd.DataFrame(np.hstack([self.X, self.Z], dtype=dtype), columns=names)

    def __len__(self):
        return len(self.X)

    def __eq__(self, other):
        if not isinstance(other, RosettaPoints):
            return NotImplemented
        return same_points(self, other)

    # Equality is by content, and content can be edited in place.
    __hash__ = None

    def __repr__(self):
        return (
            f"RosettaPoints(n_points={len(self)}, n_features={self.X.shape[1]}, "
            f"n_components={self.Z.shape[1]})"
        )
