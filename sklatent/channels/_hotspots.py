"""Pieces of information that many models learn: dense groups of channels."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.cluster import OPTICS
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklatent._utils.random import local_random_state
from sklatent._utils.warn import warn_caller
from sklatent.channels._arrays import check_whole_number, readable
from sklatent.channels._fingerprints import ChannelFingerprints
from sklatent.channels._hotspots_null import (
    holm,
    n_models,
    pairs_between_models,
    random_set_similarity,
    similarity_to_others,
)
from sklatent.channels._similarity import channel_similarity

# Appendix E: NMI becomes a distance as -log max(NMI, 1e-4).
_SMALLEST_NMI = 1e-4

_NULL_PERCENTILE = 99

_N_SETS = 999


class ChannelHotspots(ClusterMixin, BaseEstimator):
    """Find groups of channels that carry the same information, by OPTICS.

    Channels of an ensemble of models are clustered by the similarity of what they say, without
    any labels. A group is a fragment of information that training finds again and again. OPTICS
    groups half or more of purely independent channels as well, so hold groups against chance,
    `n_shuffles`, in two ways. The same analysis is run on channels whose samples are shuffled: a
    group counts when its mean similarity exceeds the 99th percentile of similarities within groups
    found there, which channels that are related anyhow pass easily. So a group is also compared
    with random sets of as many, equally informative channels. Members are held against
    both, and those that don't belong are left out.

    Parameters
    ----------
    metric : {"nmi", "vi"}, default="nmi"
        Distance between channels: -log max(NMI, 1e-4), or the variation of information in bits.

    min_samples : int, default=20
        Number of channels in the neighbourhood of a core channel, and of the smallest group. With
        50 models, 20 asks for a fragment that two models in five found.

    min_information : float, default=0.01
        Channels that carry less, in bits, are left out and labelled -1.

    min_models : int, default=2
        Number of models that a group must have channels of. A channel of no model counts as one.

    n_shuffles : int, default=0
        Number of times that the shuffled null is drawn. At 0 nothing is held against chance: the
        groups are what OPTICS says. Each draw costs as much as the analysis itself.

    alpha : float, default=0.05
        Largest p-value of a group against random sets, corrected for the number of groups.

    xi : float, default=0.05
        Least relative fall of reachability that OPTICS takes for the edge of a group. Many models
        fill the gaps between groups: where a hundred show none, try 0.01.

    random_state : int, RandomState instance or None, default=None
        Determines shuffles and random sets. Pass an int for reproducible results.

    Attributes
    ----------
    labels_ : ndarray of shape (n_channels,)
        Group of each channel; -1 for channels in no group, of too little information, in a group
        of too few models or no better than chance, or no better in their group than chance.
        Held against chance, a group has at least `min_samples` members left.

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
        What similarity shuffled channels reach; NaN if `n_shuffles=0`.

    p_values_ : ndarray of shape (n_groups,)
        Share of random sets of channels that are as similar as the group, by Holm's
        correction for the number of groups that OPTICS found. NaN if `n_shuffles=0` or if there are
        hardly any other channels, or if all of a group are one model's.

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
    Random sets have as many channels of each fifth of information (fewer parts of few channels) as
    the group has, and only pairs between models count, here and there: two components of one
    model are less alike than those of two. 999 sets are drawn, so that
    p-values are at least 0.001 times the number of groups.

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
    >>> hotspots.p_values_.round(3)
    array([0.002, 0.002])
    >>> (hotspots.labels_[-10:] == -1).all()
    np.True_
    """

    _parameter_constraints = {
        "metric": [StrOptions({"nmi", "vi"})],
        "min_samples": [Interval(Integral, 2, None, closed="left")],
        "min_information": [Interval(Real, 0.0, None, closed="left")],
        "min_models": [Interval(Integral, 1, None, closed="left")],
        "n_shuffles": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0.0, 1.0, closed="neither")],
        "xi": [Interval(Real, 0.0, 1.0, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        metric="nmi",
        min_samples=20,
        min_information=0.01,
        min_models=2,
        *,
        n_shuffles=0,
        alpha=0.05,
        xi=0.05,
        random_state=None,
    ):
        self.metric = metric
        self.min_samples = min_samples
        self.min_information = min_information
        self.min_models = min_models
        self.n_shuffles = n_shuffles
        self.alpha = alpha
        self.xi = xi
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
        for name, smallest in (("min_samples", 2), ("min_models", 1), ("n_shuffles", 0)):
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
        rng = local_random_state(self.random_state)
        kept = np.flatnonzero(self.information_ >= self.min_information)
        if len(kept):
            similarity = self._similarity(fingerprints[kept])
            defined = ~np.isnan(np.diagonal(similarity))
            kept, similarity = kept[defined], similarity[np.ix_(defined, defined)]
            self.similarity_[np.ix_(kept, kept)] = similarity
        left_out = np.setdiff1d(np.arange(n_channels), kept)
        self.ordering_ = np.concatenate([kept, left_out])
        if len(kept) < self.min_samples:
            warn_caller(
                f"Only {len(kept)} of {n_channels} channels carry at least {self.min_information} "
                f"bits, fewer than min_samples={self.min_samples}, so that there are no groups. "
                "Lower min_samples or min_information."
            )
        else:
            order, reachability, labels = self._optics(similarity)
            self.reachability_[kept] = reachability
            self.optics_labels_[kept] = labels
            self.ordering_ = np.concatenate([kept[order], left_out])
            if self.n_shuffles:
                self.null_similarity_ = self._null_similarity(fingerprints[kept], rng)
        self._keep_groups(kept, rng)
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
        optics = OPTICS(metric="precomputed", min_samples=self.min_samples, xi=self.xi)
        # Channels that say exactly the same have distance zero, by which OPTICS divides.
        with np.errstate(divide="ignore", invalid="ignore"):
            optics.fit(np.maximum(distance, 0.0))
        return optics.ordering_, optics.reachability_, optics.labels_

    def _null_similarity(self, informative, rng):
        """What similarity within groups chance alone reaches, up to one in a hundred pairs."""
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

    def _keep_groups(self, kept, rng):
        """Labels, representatives and similarities of the groups that are no chance."""
        model = self.fingerprints_.model
        found = [np.flatnonzero(self.optics_labels_ == g) for g in range(self._n_optics_groups())]
        p_values = np.full(len(found), np.nan)
        if self.n_shuffles:
            counts = pairs_between_models(model[kept])
            for number, members in enumerate(found):
                found[number], p_values[number] = self._judged(members, kept, counts, rng)
        corrected = holm(p_values)
        self.labels_ = np.full_like(self.optics_labels_, -1)
        representatives, group_similarity, p_values = [], [], []
        for members, p_value in zip(found, corrected, strict=True):
            # Of what chance grouped, a few pairs that are alike are always left.
            least = self.min_samples if self.n_shuffles else 2
            if p_value > self.alpha or len(members) < least:
                continue
            if n_models(model[members]) < self.min_models:
                continue
            to_others = self._to_others(members)
            self.labels_[members] = len(representatives)
            representatives.append(members[to_others.argmax()])
            group_similarity.append(to_others.mean())
            p_values.append(p_value)
        self.representatives_ = np.array(representatives, dtype=np.intp)
        self.group_similarity_ = np.array(group_similarity, dtype=np.float64)
        self.p_values_ = np.array(p_values, dtype=np.float64)

    def _n_optics_groups(self):
        return self.optics_labels_.max() + 1

    def _to_others(self, members):
        """Mean similarity of each member to the others."""
        similarity = self.similarity_[np.ix_(members, members)]
        return (similarity.sum(axis=1) - np.diagonal(similarity)) / (len(members) - 1)

    def _judged(self, members, kept, counts, rng):
        """Members that are no chance, and their p-value against random sets of others."""
        members = self._trimmed(members, self.null_similarity_)
        if len(members) < 2:
            return members, np.nan
        own = np.searchsorted(kept, members)
        inside = np.ix_(own, own)
        if not counts[inside].any():
            return members, np.nan  # all of one model, of which random sets say nothing
        similarity = self.similarity_[np.ix_(kept, kept)]
        random = random_set_similarity(
            similarity, counts, self.information_[kept], own, _N_SETS, rng
        )
        if not random.size:
            return members, np.nan
        observed = np.nanmean(similarity_to_others(similarity[inside], counts[inside]))
        p_value = (1 + np.sum(random >= observed)) / (1 + len(random))
        return self._trimmed(members, np.percentile(random, 100 * (1 - self.alpha))), p_value

    def _trimmed(self, members, chance):
        """Leave out, worst first, who is no more similar to the others than chance."""
        while len(members) > 1:
            to_others = self._to_others(members)
            if to_others.min() > chance:
                break
            members = np.delete(members, to_others.argmin())
        return members


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
            f"X holds channels of {X.n_samples} samples, but {type(estimator).__name__} was fitted "
            f"to channels of {estimator.n_features_in_}."
        )
    return X
