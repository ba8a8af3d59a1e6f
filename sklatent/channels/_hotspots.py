"""Pieces of information that many models learn: dense groups of channels."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.cluster import OPTICS
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklatent._utils.random import local_random_state
from sklatent.channels._arrays import check_whole_number, readable
from sklatent.channels._fingerprints import ChannelFingerprints
from sklatent.channels._similarity import channel_similarity

# Appendix E: NMI becomes a distance as -log max(NMI, 1e-4).
_SMALLEST_NMI = 1e-4

_NULL_PERCENTILE = 99


class ChannelHotspots(ClusterMixin, BaseEstimator):
    """Find groups of channels that carry the same information, by OPTICS.

    Channels of an ensemble of models are clustered by the similarity of what they say, without
    any labels. A group is a fragment of information that training finds again and again. OPTICS
    groups half or more of purely independent channels as well, so hold groups against chance:
    with `n_shuffles` the same analysis is run on channels whose samples are shuffled, and a group
    counts only when its mean similarity exceeds the 99th percentile of the similarities within the
    groups found there.

    Parameters
    ----------
    metric : {"nmi", "vi"}, default="nmi"
        Distance between channels: -log max(NMI, 1e-4), or the variation of information in bits.

    min_samples : int, default=20
        Number of channels in the neighbourhood of a core channel, and of the smallest group. With
        50 models, 20 asks for a fragment that about half of them found.

    min_information : float, default=0.01
        Channels that carry less, in bits, are left out and labelled -1.

    n_shuffles : int, default=0
        Number of times that the null is drawn. At 0 the groups are what OPTICS says. Each draw
        costs as much as the analysis itself.

    random_state : int, RandomState instance or None, default=None
        Determines the shuffles of the null. Pass an int for reproducible results.

    Attributes
    ----------
    labels_ : ndarray of shape (n_channels,)
        Group of each channel; -1 for channels in no group, of too little information, or in a group
        no better than the null.

    optics_labels_ : ndarray of shape (n_channels,)
        Groups before they were held against the null.

    ordering_ : ndarray of shape (n_channels,)
        Channels in the order in which OPTICS visits them, those that were left out at the end.

    reachability_ : ndarray of shape (n_channels,)
        Reachability distances, by channel; plot `reachability_[ordering_]`. Infinite for the first
        channel visited and for those that were left out.

    representatives_ : ndarray of shape (n_groups,)
        For each group the channel with the greatest mean similarity to the others of it.

    similarity_ : ndarray of shape (n_channels, n_channels)
        NMI, or exp(-VI) with VI in bits; greater is more similar. NaN for channels left out.

    group_similarity_ : ndarray of shape (n_groups,)
        Mean similarity between the channels of each group; greater is tighter.

    null_similarity_ : float
        What `group_similarity_` had to exceed; NaN if `n_shuffles=0`.

    information_ : ndarray of shape (n_channels,)
        Information of each channel in bits.

    fingerprints_ : ChannelFingerprints
        What was fitted.

    n_features_in_ : int
        Number of samples that the channels speak about.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the samples, if fitted on a data frame.

    Notes
    -----
    `fit` also takes a plain array, one row a channel: means of posteriors with unit variance. Two
    samples alone make one number of each channel, in which all say the same thing; the prior
    N(0, 1) is then taken along as a third message.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", section 3.3 and appendix E.

    Examples
    --------
    Two fragments of information, each learned by 15 models, among channels that say other things:

    >>> import numpy as np
    >>> from sklatent.channels import ChannelFingerprints, ChannelHotspots
    >>> rng = np.random.default_rng(0)
    >>> fragments = rng.uniform(-2.0, 2.0, size=(2, 200))
    >>> others = rng.uniform(-2.0, 2.0, size=(10, 200))
    >>> means = np.concatenate([np.repeat(fragments, 15, axis=0), others])
    >>> means += 0.1 * rng.standard_normal(means.shape)
    >>> channels = ChannelFingerprints.from_posteriors(means, np.full_like(means, -3.0))
    >>> hotspots = ChannelHotspots(min_samples=10, n_shuffles=2, random_state=0).fit(channels)
    >>> len(hotspots.representatives_)
    2
    >>> bool((hotspots.group_similarity_ > hotspots.null_similarity_).all())
    True
    """

    _parameter_constraints = {
        "metric": [StrOptions({"nmi", "vi"})],
        "min_samples": [Interval(Integral, 2, None, closed="left")],
        "min_information": [Interval(Real, 0.0, None, closed="left")],
        "n_shuffles": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        metric="nmi",
        min_samples=20,
        min_information=0.01,
        *,
        n_shuffles=0,
        random_state=None,
    ):
        self.metric = metric
        self.min_samples = min_samples
        self.min_information = min_information
        self.n_shuffles = n_shuffles
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Group channels.

        Parameters
        ----------
        X : ChannelFingerprints or array-like of shape (n_channels, n_samples)
            The channels; a plain array holds means of posteriors with unit variance.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        for name, smallest in (("min_samples", 2), ("n_shuffles", 0)):
            check_whole_number(getattr(self, name), name, smallest)
        fingerprints = read_channels(self, X, min_messages=3)
        n_channels = len(fingerprints)
        if n_channels < self.min_samples:
            raise ValueError(
                f"There are fewer channels than min_samples (n_samples={n_channels} channels, "
                f"min_samples={self.min_samples}): lower min_samples to at most {n_channels}, or "
                "give more channels."
            )
        self.fingerprints_ = fingerprints
        self.information_ = fingerprints.information
        self.similarity_ = np.full((n_channels, n_channels), np.nan)
        self.reachability_ = np.full(n_channels, np.inf)
        self.optics_labels_ = np.full(n_channels, -1)
        self.null_similarity_ = np.nan
        kept = np.flatnonzero(self.information_ >= self.min_information)
        if len(kept):
            similarity = self._similarity(fingerprints[kept])
            defined = ~np.isnan(np.diagonal(similarity))
            kept, similarity = kept[defined], similarity[np.ix_(defined, defined)]
            self.similarity_[np.ix_(kept, kept)] = similarity
        left_out = np.setdiff1d(np.arange(n_channels), kept)
        self.ordering_ = np.concatenate([kept, left_out])
        if len(kept) < self.min_samples:
            warnings.warn(
                f"Only {len(kept)} of {n_channels} channels carry at least {self.min_information} "
                f"bits, fewer than min_samples={self.min_samples}, so that there are no groups. "
                "Lower min_samples or min_information.",
                UserWarning,
                stacklevel=2,
            )
        else:
            order, reachability, labels = self._optics(similarity)
            self.reachability_[kept] = reachability
            self.optics_labels_[kept] = labels
            self.ordering_ = np.concatenate([kept[order], left_out])
            if self.n_shuffles:
                self.null_similarity_ = self._null_similarity(fingerprints[kept])
        self._keep_groups()
        return self

    def channel_factor_similarity(self, factors):
        """Similarity of each channel to known factors of the samples.

        Parameters
        ----------
        factors : ChannelFingerprints or array-like of shape (n_samples, n_factors)
            Factors as channels, or as labels, equal values being one cluster.

        Returns
        -------
        similarity : ndarray of shape (n_channels, n_factors)
            NMI, or exp(-VI), of each channel with each factor; greater is more similar. NaN for a
            channel that says nothing and for a factor that is constant.
        """
        check_is_fitted(self)
        if not isinstance(factors, ChannelFingerprints):
            factors = ChannelFingerprints.from_labels(factors)
        return self._similarity(self.fingerprints_, factors)

    def factor_similarity(self, factors):
        """Similarity of each group to known factors of the samples.

        Parameters
        ----------
        factors : ChannelFingerprints or array-like of shape (n_samples, n_factors)
            Factors as channels, or as labels, equal values being one cluster.

        Returns
        -------
        similarity : ndarray of shape (n_groups, n_factors)
            Means over each group's channels; greater is more similar.
        """
        by_channel = self.channel_factor_similarity(factors)
        groups = range(len(self.representatives_))
        means = [by_channel[self.labels_ == group].mean(axis=0) for group in groups]
        return np.reshape(means, (len(means), by_channel.shape[1]))

    def _similarity(self, fingerprints, other=None):
        values = channel_similarity(fingerprints, other, metric=self.metric)
        return values if self.metric == "nmi" else np.exp(-values)

    def _optics(self, similarity):
        distance = -np.log(
            np.maximum(similarity, _SMALLEST_NMI if self.metric == "nmi" else 1e-300)
        )
        # NMI can exceed 1 slightly.
        optics = OPTICS(metric="precomputed", min_samples=self.min_samples)
        # Channels that say exactly the same have distance zero, by which OPTICS divides.
        with np.errstate(divide="ignore", invalid="ignore"):
            optics.fit(np.maximum(distance, 0.0))
        return optics.ordering_, optics.reachability_, optics.labels_

    def _null_similarity(self, informative):
        """What similarity within groups chance alone reaches, up to one in a hundred pairs."""
        rng = local_random_state(self.random_state)
        within, anywhere = [], []
        for _ in range(self.n_shuffles):
            similarity = self._similarity(informative.shuffled(rng))
            labels = self._optics(similarity)[2]
            pairs = np.triu(np.ones_like(similarity, dtype=bool), 1)
            same = pairs & (labels[:, None] == labels) & (labels >= 0)
            within.append(similarity[same])
            anywhere.append(similarity[pairs])
        within = np.concatenate(within)
        # Where OPTICS never groups the null, any pair stands for it.
        return np.percentile(within if within.size else np.concatenate(anywhere), _NULL_PERCENTILE)

    def _keep_groups(self):
        """Labels, representatives and similarities of the groups that exceed the null."""
        self.labels_ = np.full_like(self.optics_labels_, -1)
        representatives, group_similarity = [], []
        for group in range(self.optics_labels_.max() + 1):
            members = np.flatnonzero(self.optics_labels_ == group)
            similarity = self.similarity_[np.ix_(members, members)]
            to_others = (similarity.sum(axis=1) - np.diagonal(similarity)) / (len(members) - 1)
            if self.n_shuffles and to_others.mean() <= self.null_similarity_:
                continue
            self.labels_[members] = len(representatives)
            representatives.append(members[to_others.argmax()])
            group_similarity.append(to_others.mean())
        self.representatives_ = np.array(representatives, dtype=np.intp)
        self.group_similarity_ = np.array(group_similarity, dtype=np.float64)


def read_channels(estimator, X, *, reset=True, min_messages=2):
    """Fingerprints as they are; a plain array as means of posteriors with unit variance.

    Where an array has fewer than `min_messages` columns, the prior N(0, 1) is one more of them.
    """
    if not isinstance(X, ChannelFingerprints):
        at_least = 2 if reset else 1
        means = validate_data(
            estimator,
            readable(X, "X"),
            dtype=np.float64,
            ensure_min_features=at_least,
            reset=reset,
        )
        if means.shape[1] < min_messages:
            means = np.column_stack([means, np.zeros(len(means))])
        return ChannelFingerprints.from_posteriors(means, np.zeros_like(means))
    if reset:
        estimator.n_features_in_ = X.n_samples
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif estimator.n_features_in_ != X.n_samples:
        raise ValueError(
            f"X speaks about {X.n_samples} samples, but {type(estimator).__name__} was fitted on "
            f"channels that speak about {estimator.n_features_in_}."
        )
    return X
