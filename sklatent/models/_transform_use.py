"""What a model that knows transformations does with them: infer, apply, go between."""

from numbers import Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklatent.models._transform_views import validate_change, validate_views
from sklatent.nn.transform import move_latents

_FARTHEST = 1e30  # beyond the views, in their distance


class TransformationMixin:
    """Transformations of latents, once they are learned."""

    def infer_transformation(self, X_forward, X_inverse=None):
        """Infer the latent transformation between views: ``h_xi`` of their posterior means.

        Parameters
        ----------
        X_forward : array-like of shape (n_samples, n_features)
            Rows transformed. With `n_views`, a list of that many such arrays.
        X_inverse : array-like of shape (n_samples, n_features), default=None
            The same rows under the inverse of the same transformation. None with `n_views`.

        Returns
        -------
        T : ndarray of shape (n_samples, n_components)
            What is added to latents, or with ``latent_transformation="matrix"`` the matrices that
            multiply them, ``(n_samples, n_components, n_components)``, or with `latent_columns` as
            many rows as `z` has. With `n_views`, a list of such arrays, one for each view.
        """
        self._check_knows_transformations()
        Z = np.hstack(
            [self._encode_means(view) for view in validate_views(self, X_forward, X_inverse)]
        )
        changes = self._map_blocks(Z, lambda module, z: dict(enumerate(module.infer(z))))
        return changes[0] if self.n_views is None else list(changes.values())

    def apply_transformation(self, X, T, inverse=False):
        """Move rows by a latent transformation: encode, apply T, decode.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        T : array-like of shape (n_samples, n_components) or (n_components,)
            The transformation of each row, or one for all; with ``latent_transformation="matrix"``,
            each is ``(n_components, n_components)``, or as many rows and columns as `z` has rows.
            From :meth:`infer_transformation`, of these or other rows.
        inverse : bool, default=False
            Whether to apply the inverse transformation.

        Returns
        -------
        X_moved : ndarray of shape (n_samples, n_features)
            The likelihood's means at the moved latents.

        Raises
        ------
        ValueError
            If T has another shape, is not finite, or holds a matrix without an inverse.
        """
        if not isinstance(inverse, (bool, np.bool_)):
            raise TypeError(f"inverse must be True or False, got {inverse!r}.")
        X = self._validate_rows(X)
        self._check_knows_transformations()
        Z, told = self._encode_means(X), self._told(X)
        T = validate_change(self, T, X.shape[0], inverse).astype(Z.dtype)
        moved = move_latents(
            self.latent_transformation, torch.from_numpy(Z), torch.from_numpy(T), inverse
        )
        return self._decode_means(moved.numpy(), told)

    def interpolate(self, X_forward, X_inverse, weight=0.5):
        """Decode a point between the latents of two views (figure 4 of the paper).

        Parameters
        ----------
        X_forward : array-like of shape (n_samples, n_features)
            Views of some rows.
        X_inverse : array-like of shape (n_samples, n_features)
            Other views of the same rows.
        weight : float, default=0.5
            Where between: 0 is the first view, 1 the second, and with opposite views the middle is
            where the row itself should be.

        Returns
        -------
        X_between : ndarray of shape (n_samples, n_features)
            The likelihood's means there.
        """
        if not isinstance(weight, Real) or not abs(weight) < _FARTHEST:
            raise ValueError(f"weight={weight!r} must be a finite number, such as 0.5.")
        weight = float(weight)
        views = [self._validate_rows(X) for X in (X_forward, X_inverse)]
        first, second = (self._encode_means(view) for view in views)
        if len(first) != len(second):
            raise ValueError(
                f"X_forward has {len(first)} rows and X_inverse {len(second)}; give two views of "
                "each row."
            )
        return self._decode_means((1 - weight) * first + weight * second, self._told(views[0]))

    def _check_knows_transformations(self):
        check_is_fitted(self)
        if self.n_views_ == 0:
            raise ValueError(
                "This model was trained without transformations, as a plain VAE. Set "
                "transformation and fit it again, or use fit_triplets."
            )
