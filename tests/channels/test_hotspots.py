"""Planted groups are found, chance is not, and what is said about groups is so."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import OPTICS
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklatent.channels import ChannelFingerprints, ChannelHotspots, channel_similarity
from sklatent.channels._hotspots_null import (
    holm,
    n_models,
    pairs_between_models,
    random_set_similarity,
    similarity_to_others,
)


def planted(seed=0, n_groups=3, n_members=12, n_others=10, n_samples=150):
    """Return channels that share fragments, channels that share nothing, and silent ones."""
    rng = np.random.default_rng(seed)
    fragments = rng.uniform(-2, 2, size=(n_groups, n_samples))
    means = np.concatenate(
        [np.repeat(fragments, n_members, axis=0), rng.uniform(-2, 2, size=(n_others, n_samples))]
    )
    means *= rng.choice([-1, 1], size=(len(means), 1))
    means += 0.05 * rng.normal(size=means.shape)
    silent = 1e-3 * rng.normal(size=(5, n_samples))
    truth = np.r_[np.repeat(np.arange(n_groups), n_members), np.full(n_others + 5, -1)]
    means = np.concatenate([means, silent])
    order = rng.permutation(len(means))
    log_vars = np.full_like(means, -3.0)
    log_vars[-5:] = 0.0
    channels = ChannelFingerprints.from_posteriors(means, log_vars)[order]
    return channels, truth[order], fragments


@parametrize_with_checks(
    [
        ChannelHotspots(min_samples=5),
        ChannelHotspots("vi", min_samples=8, random_state=0),
    ]
)
def test_battery(estimator, check):
    check(estimator)


@pytest.mark.parametrize("metric", ["nmi", "vi"])
@pytest.mark.parametrize("seed", range(3))
def test_planted_groups_are_found(metric, seed):
    channels, truth, fragments = planted(seed)
    hotspots = ChannelHotspots(metric, min_samples=8, n_shuffles=2, random_state=0).fit(channels)
    assert len(hotspots.representatives_) == 3
    for group, representative in enumerate(hotspots.representatives_):
        assert hotspots.labels_[representative] == group
        assert truth[representative] >= 0
        members = truth == truth[representative]
        assert (hotspots.labels_[members] == group).all()
    assert (hotspots.labels_[truth == -1] == -1).mean() > 0.5
    assert (hotspots.group_similarity_ > hotspots.null_similarity_).all()
    # The fragments themselves as known factors: each group is most similar to its own.
    factors = np.digitize(fragments.T, np.linspace(-2, 2, 9))
    similarity = hotspots.factor_similarity(factors)
    assert similarity.shape == (3, 3)
    own = truth[hotspots.representatives_]
    np.testing.assert_array_equal(similarity.argmax(axis=1), own)


@pytest.mark.parametrize("seed", range(3))
def test_the_null_dissolves_what_chance_grouped(seed):
    rng = np.random.default_rng(seed)
    means = rng.uniform(-2, 2, size=(60, 100))
    channels = ChannelFingerprints.from_posteriors(means, np.full_like(means, -2.0))
    plain = ChannelHotspots(min_samples=5).fit(channels)
    judged = ChannelHotspots(min_samples=5, n_shuffles=3, random_state=0).fit(channels)
    np.testing.assert_array_equal(plain.labels_, plain.optics_labels_)
    np.testing.assert_array_equal(judged.optics_labels_, plain.optics_labels_)
    assert np.isnan(plain.null_similarity_)
    # OPTICS alone does group independent channels; that is what the null is for.
    assert (plain.labels_ >= 0).any()
    assert (judged.labels_ == -1).all()
    assert judged.representatives_.size == 0
    assert judged.factor_similarity(np.arange(100) % 2).shape == (0, 1)


@pytest.mark.parametrize("metric", ["nmi", "vi"])
def test_is_optics_on_the_published_distance(metric):
    channels, *_ = planted()
    hotspots = ChannelHotspots(metric, min_samples=6).fit(channels)
    kept = np.flatnonzero(channels.information >= 0.01)
    values = channel_similarity(channels[kept], metric=metric)
    distance = -np.log(np.maximum(values, 1e-4)) if metric == "nmi" else values
    optics = OPTICS(metric="precomputed", min_samples=6).fit(np.maximum(distance, 0))
    np.testing.assert_array_equal(hotspots.labels_[kept], optics.labels_)
    np.testing.assert_array_equal(hotspots.ordering_[: len(kept)], kept[optics.ordering_])
    np.testing.assert_allclose(hotspots.reachability_[kept], optics.reachability_, atol=1e-6)
    np.testing.assert_array_equal(np.sort(hotspots.ordering_), np.arange(len(channels)))
    np.testing.assert_array_equal(hotspots.fit_predict(channels), hotspots.labels_)


def test_representative_has_the_greatest_mean_similarity():
    channels, *_ = planted()
    hotspots = ChannelHotspots(min_samples=6).fit(channels)
    for group, representative in enumerate(hotspots.representatives_):
        members = np.flatnonzero(hotspots.labels_ == group)
        means = [np.mean([hotspots.similarity_[a, b] for b in members if b != a]) for a in members]
        assert representative == members[np.argmax(means)]
        assert hotspots.group_similarity_[group] == pytest.approx(np.mean(means))


def test_silent_channels_are_left_out():
    channels, _, _ = planted()
    hotspots = ChannelHotspots(min_samples=6).fit(channels)
    silent = channels.information < 0.01
    assert silent.sum() == 5
    assert (hotspots.labels_[silent] == -1).all()
    assert np.isnan(hotspots.similarity_[silent]).all()
    assert np.isinf(hotspots.reachability_[silent]).all()
    assert set(hotspots.ordering_[-5:]) == set(np.flatnonzero(silent))
    # Also where nothing is too little: what NMI is not defined for cannot be clustered.
    flat = ChannelFingerprints.from_posteriors(np.zeros((2, 150)), np.zeros((2, 150)))
    everything = ChannelHotspots(min_samples=6, min_information=0).fit(channels + flat)
    assert (everything.labels_[-2:] == -1).all()
    speaking = np.flatnonzero(~silent)
    assert np.isfinite(everything.similarity_[np.ix_(speaking, speaking)]).all()
    assert np.isnan(everything.similarity_[-2:]).all()


def test_whole_spaces_and_labels_cluster_as_well():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(2, 80, 3))
    means = np.repeat(base, 6, axis=0) + 0.05 * rng.normal(size=(12, 80, 3))
    channels = ChannelFingerprints.from_posteriors(means, np.full_like(means, -1.0))
    channels = channels + ChannelFingerprints.from_labels(rng.integers(0, 4, size=(80, 3)))
    labels = ChannelHotspots(min_samples=4).fit_predict(channels)
    assert adjusted_rand_score(labels[:12], np.repeat([0, 1], 6)) == 1.0


def test_a_plain_array_is_means_at_unit_variance():
    rng = np.random.default_rng(0)
    means = 3 * np.repeat(rng.normal(size=(2, 40)), 8, axis=0) + 0.1 * rng.normal(size=(16, 40))
    by_array = ChannelHotspots(min_samples=4).fit(means)
    channels = ChannelFingerprints.from_posteriors(means, np.zeros_like(means))
    by_channels = ChannelHotspots(min_samples=4).fit(channels)
    np.testing.assert_array_equal(by_array.labels_, by_channels.labels_)
    np.testing.assert_array_equal(by_array.similarity_, by_channels.similarity_)
    pipeline = make_pipeline(FunctionTransformer(), ChannelHotspots(min_samples=4))
    np.testing.assert_array_equal(pipeline.fit_predict(means), by_channels.labels_)


def test_repeats_and_leaves_the_global_state():
    channels, *_ = planted()
    hotspots = ChannelHotspots(min_samples=6, n_shuffles=1, random_state=4)
    first = hotspots.fit(channels).null_similarity_
    assert clone(hotspots).fit(channels).null_similarity_ == first
    before = np.random.get_state()[1].copy()
    ChannelHotspots(min_samples=6, n_shuffles=1).fit(channels)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def example(seed, n_members=15, n_others=10):
    """Two fragments of 15 channels each among 10 that say other things."""
    rng = np.random.default_rng(seed)
    fragments = rng.uniform(-2, 2, size=(2, 200))
    others = rng.uniform(-2, 2, size=(n_others, 200))
    means = np.concatenate([np.repeat(fragments, n_members, axis=0), others])
    means += 0.1 * rng.normal(size=means.shape)
    return means, np.full_like(means, -3.0)


def test_members_are_held_against_the_null():
    """OPTICS takes independent channels along in 9 seeds of 10; none is left."""
    taken = {0: 0, 2: 0}
    for seed in range(8):
        channels = ChannelFingerprints.from_posteriors(*example(seed))
        for n_shuffles in taken:
            hotspots = ChannelHotspots(min_samples=10, n_shuffles=n_shuffles, random_state=0).fit(
                channels
            )
            taken[n_shuffles] += int((hotspots.labels_[30:] >= 0).any())
            assert len(hotspots.representatives_) == 2
            assert (hotspots.labels_[:15] == hotspots.labels_[0]).all()
            assert (hotspots.labels_[15:30] == hotspots.labels_[15]).all()
    assert taken[0] >= 4
    assert taken[2] == 0


def test_xi_is_what_optics_takes_for_an_edge():
    means, log_vars = example(0)
    channels = ChannelFingerprints.from_posteriors(means, log_vars)
    found = [ChannelHotspots(min_samples=10, xi=xi).fit(channels) for xi in (0.05, 0.999)]
    assert [len(hotspots.representatives_) for hotspots in found] == [2, 1]
    with pytest.raises(ValueError, match="'xi' parameter"):
        ChannelHotspots(min_samples=10, xi=2.0).fit(channels)


def test_a_hotspot_holds_channels_of_several_models():
    means, log_vars = example(0)
    # The first fragment is one model's, whose components repeat each other; each other channel is
    # another model's.
    model = np.r_[np.zeros(15), np.arange(1, 26)].astype(int)
    channels = ChannelFingerprints.from_posteriors(means, log_vars, model=model)
    for n_shuffles in (0, 1):
        found = {
            least: ChannelHotspots(
                min_samples=10, min_models=least, n_shuffles=n_shuffles, random_state=0
            ).fit(channels)
            for least in (1, 2, 15, 16)
        }
        assert len(found[2].representatives_) == 1
        assert (found[2].labels_[:15] == -1).all()
        assert (found[2].labels_[15:30] == 0).all()
        assert len(found[1].representatives_) == 2
        if n_shuffles:  # random sets say nothing of a group that is one model's
            assert np.isnan(found[1].p_values_).tolist() == [True, False]
    assert len(found[15].representatives_) == 1
    assert len(found[16].representatives_) == 0
    # Channels of no model count as one each.
    channels = ChannelFingerprints.from_posteriors(means, log_vars)
    assert len(ChannelHotspots(min_samples=10, min_models=15).fit(channels).representatives_) == 2


class TestRandomSets:
    """The null of random sets of equally informative channels."""

    def related(self, seed, n=60):
        """Channels that all share a weak signal, and their similarity."""
        rng = np.random.default_rng(seed)
        means = rng.normal(size=150) + 0.9 * rng.normal(size=(n, 150))
        channels = ChannelFingerprints.from_posteriors(means, np.full_like(means, -2.0))
        return channels, channel_similarity(channels)

    def test_has_the_power_that_independence_lacks(self):
        channels, similarity = self.related(0)
        shuffled = channel_similarity(channels.shuffled(0))
        pairs = np.triu_indices(60, 1)
        # Any set of these channels passes the null of independence.
        assert similarity[pairs].min() > np.percentile(shuffled[pairs], 99)

    def test_p_values_of_sets_drawn_at_random_are_uniform(self):
        channels, similarity = self.related(1)
        rng = np.random.RandomState(0)
        counts = pairs_between_models(channels.model)
        p_values = []
        for _ in range(200):
            members = rng.choice(60, size=8, replace=False)
            random = random_set_similarity(
                similarity, counts, channels.information, members, 199, rng
            )
            inside = np.ix_(members, members)
            observed = similarity_to_others(similarity[inside], counts[inside]).mean()
            p_values.append((1 + np.sum(random >= observed)) / 200)
        # 200 draws: 10 under 0.05 expected, with a standard error of 3.1, and 100 under a half.
        assert np.sum(np.less_equal(p_values, 0.05)) <= 20
        assert 75 <= np.sum(np.less_equal(p_values, 0.5)) <= 125

    def test_sets_have_the_information_of_the_group(self):
        rng = np.random.RandomState(0)
        information = np.arange(100.0)
        # The similarity of a pair says how informative both are: 0, 1 or 10.
        low = (information < 20).astype(float)
        similarity = np.outer(low, low) + 10 * np.outer(1 - low, 1 - low)
        counts = pairs_between_models(np.full(100, -1))
        means = random_set_similarity(similarity, counts, information, np.arange(10), 50, rng)
        np.testing.assert_allclose(means, 1.0)
        means = random_set_similarity(similarity, counts, information, np.arange(50, 60), 50, rng)
        np.testing.assert_allclose(means, 10.0)
        everything = random_set_similarity(similarity, counts, information, np.arange(99), 50, rng)
        assert everything.size == 0

    def test_pairs_within_a_model_do_not_count(self):
        counts = pairs_between_models(np.array([0, 0, 1, -1, -1]))
        expected = np.ones((5, 5), dtype=bool)
        np.fill_diagonal(expected, False)
        expected[0, 1] = expected[1, 0] = False
        np.testing.assert_array_equal(counts, expected)
        assert n_models(np.array([0, 0, 1, -1, -1])) == 4

    def test_holm(self):
        p_values = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
        np.testing.assert_allclose(holm(p_values), [0.04, np.nan, 0.09, 0.09, 0.5])
        assert holm(np.array([])).size == 0
        assert holm(np.array([0.9, 0.8])).max() <= 1


def test_bad_input():
    channels, *_ = planted()
    with pytest.raises(ValueError, match="lower min_samples to at most 10"):
        ChannelHotspots().fit(channels[:10])
    with pytest.raises(ValueError, match="NaN"):
        ChannelHotspots(min_samples=2).fit(np.full((5, 3), np.nan))
    with pytest.raises(ValueError, match="metric"):
        ChannelHotspots("cosine").fit(channels)
    with pytest.raises(ValueError, match="different lengths"):
        ChannelHotspots(min_samples=6).fit(channels).factor_similarity(np.arange(7))
    with pytest.warns(UserWarning, match="Lower min_samples or min_information"):
        hotspots = ChannelHotspots(min_samples=20, min_information=9).fit(channels)
    assert (hotspots.labels_ == -1).all()
