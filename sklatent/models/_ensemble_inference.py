"""What an ensemble makes of rows, by its members, in the layout that `output` names."""

import numpy as np
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from sklatent._posterior import Posterior
from sklatent._utils.random import local_random_state


class EnsembleInferenceMixin:
    """Encode, decode, sample and score with ``estimators_`` and ``linear_maps_``."""

    @property
    def _n_features_out(self):
        return self.n_components_ * (len(self.estimators_) if self.output == "stack" else 1)

    def _encode_means(self, X):
        if self.output == "first":
            return self.estimators_[0]._encode_means(X)
        means = [member._encode_means(X) for member in self.estimators_]
        return np.hstack(means) if self.output == "stack" else self._average(means)

    def _reconstruct(self, X):
        return self.estimators_[0]._reconstruct(X)

    def _to_first(self, dtype):
        """Maps from every member to the first."""
        return self.linear_maps_[:, 0].astype(dtype)

    def _average(self, means):
        means = np.stack(means)
        return np.einsum("ikl,inl->nk", self._to_first(means.dtype), means) / len(means)

    def _decode_means(self, Z, covariates=None):
        if self.output != "stack":
            return self.estimators_[0]._decode_means(Z, covariates)
        parts = np.split(Z, len(self.estimators_), axis=1)
        pairs = zip(self.estimators_, parts, strict=True)
        return sum(member._decode_means(part, covariates) for member, part in pairs) / len(parts)

    def _firsts(self, Z):
        """The first member's latents."""
        return Z[:, : self.n_components_]

    def _decode_draws(self, Z, random_state, covariates=None):
        return self.estimators_[0]._decode_draws(self._firsts(Z), random_state, covariates)

    def _deviance(self, X, Z):
        return self.estimators_[0]._deviance(X, self._firsts(Z))

    def inverse_transform(self, X, covariates=None):
        """Decode latents in the layout that `output` names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components) or (n_samples, n_estimators * \
n_components)
            Latents, such as :meth:`transform` returns. The first member decodes "first" and "mean",
            which lie in its space; of "stack", every member decodes its own part, and the results
            are averaged.
        covariates : array-like of shape (n_samples, n_covariates) or (n_covariates,), default=None
            What to tell the decoders, as in :meth:`VAE.inverse_transform`.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Means in the data's space; probabilities for the Bernoulli likelihood.
        """
        return super().inverse_transform(X, covariates)

    def encode(self, X):
        """Encode X as whole posteriors, in the layout that `output` names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        posterior : Posterior
            Its mean is what :meth:`transform` returns. The first member's posterior; or the law of
            the average of one draw from each, taken to the first's space; or all of them side by
            side, independent of each other.
        """
        check_is_fitted(self)
        if self.output == "first":
            return self.estimators_[0].encode(X)
        posteriors = [member.encode(X) for member in self.estimators_]
        means = [posterior.mean for posterior in posteriors]
        if self.output == "mean":
            maps = self._to_first(means[0].dtype)
            mapped = np.stack(
                [m @ p.scale_tril for m, p in zip(maps, posteriors, strict=True)], axis=1
            )
            covariance = np.einsum("nikl,niml->nkm", mapped, mapped) / len(means) ** 2
            return Posterior(self._average(means), scale_tril=np.linalg.cholesky(covariance))
        if posteriors[0].is_diagonal:
            return Posterior(np.hstack(means), log_var=np.hstack([p.log_var for p in posteriors]))
        n, d = means[0].shape
        scale_tril = np.zeros((n, d * len(means), d * len(means)), dtype=means[0].dtype)
        for k, posterior in enumerate(posteriors):
            own = slice(k * d, (k + 1) * d)
            scale_tril[:, own, own] = posterior.scale_tril
        return Posterior(np.hstack(means), scale_tril=scale_tril)

    def sample(self, n_samples=1, random_state=None, noise=False, covariates=None):
        """Decode draws from the prior N(0, I), each by a member picked at random.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState instance or None, default=None
            Seeds the draw.
        noise : bool, default=False
            Whether to draw rows from the likelihood in place of its means.
        covariates : array-like of shape (n_samples, n_covariates) or (n_covariates,), default=None
            What to tell the decoders, as in :meth:`VAE.inverse_transform`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The likelihood's means at the draws, or rows around them.
        """
        check_is_fitted(self)
        random_state = local_random_state(random_state)
        settings = n_samples, random_state, noise, covariates
        drawn = np.stack([member.sample(*settings) for member in self.estimators_])
        picked = random_state.randint(len(drawn), size=n_samples)
        return drawn[picked, np.arange(n_samples)]

    def score_samples(self, X):
        """Evidence lower bound of each row, averaged over the members, with beta = 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
            In nats; greater is better. It bounds the log likelihood of the members' equal mixture
            from below.
        """
        check_is_fitted(self)
        return np.mean([member.score_samples(X) for member in self.estimators_], axis=0)

    def log_likelihood(self, X, n_importance_samples=100, random_state=0):
        """Importance-weighted estimate of each row's log likelihood under the members' mixture.

        ``log mean_i p_i(x)``, members estimated as :meth:`VAE.log_likelihood` does.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        n_importance_samples : int, default=100
            Draws for each row and member. More is tighter.
        random_state : int, RandomState instance or None, default=0
            Seeds the draws.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats; greater is better.
        """
        check_is_fitted(self)
        random_state = local_random_state(random_state)
        members = [
            member.log_likelihood(X, n_importance_samples, random_state)
            for member in self.estimators_
        ]
        return logsumexp(members, axis=0) - np.log(len(members), dtype=members[0].dtype)
