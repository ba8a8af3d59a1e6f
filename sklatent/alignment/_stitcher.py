"""One model's encoder and another's decoder, with an aligner between them, as one estimator."""

import copy

import numpy as np
from sklearn.base import _fit_context, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_array, check_is_fitted

from sklatent.alignment._base import BaseAligner, variance_weighted_r2
from sklatent.alignment._checks import check_finite_rows, plain_latents
from sklatent.alignment._linear import LinearAligner
from sklatent.alignment._moments import float_type

_PARTS = ("encoder", "aligner", "decoder")


def is_fitted(part):
    """Say whether an estimator is fitted, or is none that would have to be.

    Parameters
    ----------
    part : object
        An estimator, or anything with the methods that its place asks for.

    Returns
    -------
    fitted : bool
        False only for an estimator that has not been fitted.
    """
    if not hasattr(part, "fit"):
        return True
    try:
        check_is_fitted(part)
    except NotFittedError:
        return False
    return True


def latent_width(model):
    """Return how many columns a fitted model's `transform` gives, or None if it does not say.

    Parameters
    ----------
    model : estimator
        A fitted model, or a Pipeline of some.

    Returns
    -------
    width : int or None
        The number of columns.
    """
    if hasattr(model, "_n_features_out"):
        return int(model._n_features_out)
    try:
        return len(model.get_feature_names_out())
    except AttributeError:
        return None


class LatentStitcher(BaseAligner):
    """Translate by one model's encoder, an aligner, and another model's decoder.

    Inputs of the source model go through its `transform`, through the aligner into the target
    model's latent space, and through the target model's `inverse_transform` into its inputs.

    Parameters
    ----------
    encoder : estimator, default=None
        The source model, or a Pipeline that ends in it: its `transform` is used. None where X is
        latents already.

    aligner : estimator, default=None
        Any aligner. None is ``LinearAligner()``.

    decoder : estimator, default=None
        The target model, or a Pipeline that ends in it: its `inverse_transform` is used, and its
        `transform` where the aligner is fitted here. None where latents of the target space are
        wanted.

    Attributes
    ----------
    encoder_ : estimator or None
        The fitted encoder.

    aligner_ : estimator
        The fitted aligner.

    decoder_ : estimator or None
        The fitted decoder.

    n_targets_ : int
        Width of what comes out.

    n_features_in_ : int
        Width of X.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    See Also
    --------
    LinearAligner : Usually the aligner to begin with.

    Notes
    -----
    A part that is fitted is kept as it is, by `fit` and by :func:`sklearn.base.clone`, which wraps
    it in :class:`~sklearn.frozen.FrozenEstimator`; so two trained models can be stitched inside
    ``cross_val_score`` without being trained again. A part that is not fitted is fitted by `fit`:
    the encoder on X, the decoder on y, and then the aligner on the latents of both. With all three
    fitted, there is no need to call `fit`.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", figure 2 a and b.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklatent.alignment import LatentStitcher, LinearAligner
    >>> X, _ = load_digits(return_X_y=True)
    >>> source = PCA(n_components=8).fit(X)
    >>> target = PCA(n_components=8, whiten=True).fit(X)
    >>> stitcher = LatentStitcher(source, LinearAligner(), target)
    >>> stitcher.fit(X).predict(X).shape
    (1797, 64)
    >>> scores = cross_val_score(stitcher, X, X, cv=3, scoring="neg_mean_squared_error")
    >>> print(f"{scores.mean():.1f} where the mean digit has {-X.var(axis=0).mean():.1f}")
    -6.1 where the mean digit has -18.8
    """

    _parameter_constraints: dict = {
        "encoder": [HasMethods("transform"), None],
        "aligner": [HasMethods("transform"), None],
        "decoder": [HasMethods("inverse_transform"), None],
    }
    _target_ndim = 2

    def __init__(self, encoder=None, aligner=None, decoder=None):
        self.encoder = encoder
        self.aligner = aligner
        self.decoder = decoder

    def __sklearn_clone__(self):
        # What is trained stays trained: scikit-learn clones a frozen estimator to itself.
        frozen = copy.copy(self)
        for name in _PARTS:
            part = getattr(self, name)
            if part is not None and hasattr(part, "fit") and is_fitted(part):
                already = isinstance(part, FrozenEstimator)
                setattr(frozen, name, part if already else FrozenEstimator(part))
        return super(LatentStitcher, frozen).__sklearn_clone__()

    def __sklearn_is_fitted__(self):
        if hasattr(self, "aligner_"):
            return True
        parts = [part for part in (self.encoder, self.decoder) if part is not None]
        return self.aligner is not None and all(map(is_fitted, [*parts, self.aligner]))

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the parts that are not fitted yet, and see that all of them fit together.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs of the source model.

        y : array-like of shape (n_samples, n_targets) or (n_samples,), default=None
            Inputs of the target model for the same samples. None where both models take the same
            inputs.

        Returns
        -------
        self : LatentStitcher
            The fitted stitcher.

        Raises
        ------
        ValueError
            If a part's width does not fit its neighbour's.

        TypeError
            If the aligner is not fitted and the decoder has no `transform` to fit it with.
        """
        if y is None:
            valid, y = self._validate_source(X), X
            targets, self._target_ndim = valid, 2
        else:
            valid, targets = self._validate_pair(X, y)
        check_finite_rows(valid, "X")
        check_finite_rows(targets, "y")
        y = targets if self._target_ndim == 1 else y

        for name in _PARTS:
            if hasattr(getattr(self, name), "iloc"):
                raise TypeError(
                    f"{name} must be an estimator, got a {type(getattr(self, name)).__name__}."
                )
        self.encoder_ = self._fitted(self.encoder, X)
        self.decoder_ = self._fitted(self.decoder, y)
        latents = self._encode(X, valid)
        aligner = LinearAligner() if self.aligner is None else self.aligner
        if is_fitted(aligner):
            self.aligner_ = aligner
        else:
            if self.decoder_ is not None and not hasattr(self.decoder_, "transform"):
                raise TypeError(
                    f"The aligner is not fitted, and to fit it here the decoder must have a "
                    f"transform; {type(self.decoder_).__name__} has none. Fit the aligner first."
                )
            goal = targets if self.decoder_ is None else np.asarray(self.decoder_.transform(y))
            self.aligner_ = clone(aligner).fit(latents, goal)
        self._check_widths(latents)
        self.n_targets_ = self._decode(latents[:1], valid.dtype).shape[1]
        return self

    @staticmethod
    def _fitted(part, data):
        return part if part is None or is_fitted(part) else clone(part).fit(data)

    def _check_widths(self, latents):
        expected = getattr(self.aligner_, "n_features_in_", latents.shape[1])
        if latents.shape[1] != expected:
            raise ValueError(
                f"The encoder gives {latents.shape[1]} latents, but the aligner was fitted on "
                f"{expected}. Fit it on this encoder's latents, or pass it unfitted."
            )
        width = None if self.decoder_ is None else latent_width(self.decoder_)
        given = np.asarray(self.aligner_.transform(latents[:1])).shape[1]
        if width is not None and given != width:
            raise ValueError(
                f"The aligner maps to {given} latents, but the decoder takes {width}. Fit it to "
                "this decoder's latents, or pass it unfitted."
            )

    def _part(self, name):
        return getattr(self, f"{name}_", getattr(self, name))

    def _encode(self, X, valid):
        encoder = self._part("encoder")
        # The encoder sees X itself, since it may know its columns by name.
        return valid if encoder is None else np.asarray(encoder.transform(X))

    def _decode(self, latents, dtype):
        result = np.asarray(self._part("aligner").transform(latents))
        decoder = self._part("decoder")
        if decoder is not None:
            result = np.asarray(decoder.inverse_transform(result))
        return result.astype(float_type(dtype), copy=False)

    def _translate(self, X):
        valid = self._validate_new(X, "transform")
        return self._decode(self._encode(X, valid), valid.dtype)

    def transform(self, X):
        """Translate inputs of the source model into inputs of the target model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs of the source model.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_targets)
            What the target model's decoder makes of them, always 2-D.
        """
        return self._translate(X)

    def predict(self, X):
        """Translate inputs of the source model, in the number of dimensions that y had.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs of the source model.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets) or (n_samples,)
            What `transform` gives; 1-D where `fit` was given a 1-D y.
        """
        Y = self._translate(X)
        return Y[:, 0] if self._target_ndim == 1 else Y

    def inverse_transform(self, X):
        """Translate the other way: target encoder, inverse of the aligner, source decoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_targets)
            Inputs of the target model.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            What the source model's decoder makes of them. Takes a decoder with `transform`, an
            aligner and an encoder with `inverse_transform`.
        """
        check_is_fitted(self)
        X = plain_latents(X, "X")
        valid = check_array(X, dtype="numeric", ensure_all_finite=False, estimator=self)
        check_finite_rows(valid, "X")
        decoder, encoder = self._part("decoder"), self._part("encoder")
        latents = valid if decoder is None else np.asarray(decoder.transform(X))
        result = np.asarray(self._part("aligner").inverse_transform(latents))
        if encoder is not None:
            result = np.asarray(encoder.inverse_transform(result))
        return result.astype(float_type(valid.dtype), copy=False)

    def score(self, X, y=None, sample_weight=None):
        """Compute R^2 of the translation, columns weighed by their variance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs of the source model.

        y : array-like of shape (n_samples, n_targets) or (n_samples,), default=None
            What should come out; None where both models take the same inputs.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        score : float
            At most 1, greater is better; 0 is what the mean would score.
        """
        y = X if y is None else y
        return variance_weighted_r2(y, self._translate(X), sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
