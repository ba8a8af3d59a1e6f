"""Synthesis: its loss is the library's similarity, and weak channels make a strong one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklatent.channels import (
    ChannelFingerprints,
    ChannelSynthesizer,
    bhattacharyya_coefficients,
    channel_similarity,
    neighbor_distance_variability,
)
from sklatent.datasets import make_hue_circle
from sklatent.nn.training.data import Batch

torch = pytest.importorskip("torch")


def scarred(n_channels, n_samples=48, seed=0):
    """Circles pressed onto a line: each torn open at a place of its own."""
    _, hue = make_hue_circle(n_samples)
    cuts = np.random.default_rng(seed).uniform(0, 2 * np.pi, size=(n_channels, 1))
    means = (hue - cuts) % (2 * np.pi) - np.pi
    return ChannelFingerprints.from_posteriors(means, np.full_like(means, -2.5))


@pytest.mark.filterwarnings("ignore:The new channel carries")
@parametrize_with_checks(
    [
        ChannelSynthesizer(max_epochs=2),
        ChannelSynthesizer(1, "vi", optimizer="sgd", batch_size=7, max_epochs=2, random_state=0),
    ]
)
def test_battery(estimator, check):
    check(estimator)


def published_nmi(own, reference):
    """The published code's similarity: natural logarithms of sums, not of means."""

    def information(bc):
        return -np.log(bc.sum(axis=1)).mean()

    once, twice = [information(bc) for bc in (own, reference)], information(own * reference)
    selves = [2 * i - information(b * b) for i, b in zip(once, (own, reference), strict=True)]
    return (sum(once) - twice) / np.sqrt(selves[0] * selves[1])


def test_the_loss_by_default_is_that_of_the_published_code():
    from sklatent.channels._synthesis_torch import Posteriors, _Dissimilarity

    channels = scarred(4)
    module = Posteriors(48, 3)
    with torch.no_grad():
        rng = np.random.default_rng(0)
        module.mean.copy_(torch.from_numpy(rng.normal(size=(48, 3))))
        module.log_var.copy_(torch.from_numpy(rng.normal(-2, 1, size=(48, 3))))
    batch = Batch(torch.empty(48, 0), rows=torch.arange(48))
    loss = sum(_Dissimilarity(channels, "nmi", "cpu")(module, batch, None).values()).item()
    own = bhattacharyya_coefficients(module.mean.detach().numpy(), module.log_var.detach().numpy())
    expected = np.mean([published_nmi(own, channels.coefficients(k)) for k in range(4)])
    assert loss == pytest.approx(-expected, abs=1e-4)


@pytest.mark.parametrize("metric", ["nmi_printed", "vi"])
def test_the_loss_is_minus_the_mean_similarity(metric):
    from sklatent.channels._synthesis_torch import Posteriors, _Dissimilarity

    channels = scarred(5) + ChannelFingerprints.from_labels(np.arange(48) // 12)
    module = Posteriors(48, 3)
    with torch.no_grad():
        rng = np.random.default_rng(0)
        module.mean.copy_(torch.from_numpy(rng.normal(size=(48, 3))))
        module.log_var.copy_(torch.from_numpy(rng.normal(-2, 1, size=(48, 3))))
    own = ChannelFingerprints.from_posteriors(
        module.mean.detach().numpy()[None], module.log_var.detach().numpy()[None]
    )
    np.testing.assert_allclose(
        module(torch.arange(48)).detach().numpy(),
        bhattacharyya_coefficients(module.mean.detach().numpy(), module.log_var.detach().numpy()),
        atol=1e-5,
    )
    objective = _Dissimilarity(channels, metric, "cpu")
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    batch = Batch(torch.empty(48, 0), rows=order)
    loss = sum(objective(module, batch, None).values()).item()
    kind = metric.removesuffix("_printed")
    values = channel_similarity(own, channels, metric=kind, dtype="float64")
    expected = values if kind == "nmi" else np.exp(-values)
    assert loss == pytest.approx(-expected.mean(), abs=1e-4)
    # A batch is the same thing over its own samples.
    some = order[:20]
    rows = np.sort(some.numpy())
    some = Batch(torch.empty(20, 0), rows=some)
    loss = sum(_Dissimilarity(channels, metric, "cpu")(module, some, None).values()).item()
    assert loss != pytest.approx(-expected.mean(), abs=1e-3)
    part = _Dissimilarity(_at(channels, rows), metric, "cpu")
    module_part = Posteriors(20, 3)
    with torch.no_grad():
        module_part.mean.copy_(module.mean[rows])
        module_part.log_var.copy_(module.log_var[rows])
    whole = Batch(torch.empty(20, 0), rows=torch.arange(20))
    assert loss == pytest.approx(sum(part(module_part, whole, None).values()).item(), abs=1e-5)


def _at(channels, rows):
    from sklatent.channels._coefficients import reorder_samples

    blocks = [reorder_samples(block, rows[None]) for block in channels.blocks]
    return ChannelFingerprints(
        blocks, model=channels.model, component=channels.component, names=channels.names
    )


@pytest.mark.parametrize("metric", ["nmi", "vi"])
def test_many_scarred_lines_make_a_circle(metric):
    """Figure 6c, over seeds: more channels, more uniform, and more like channels not yet seen."""
    unseen = scarred(20, n_samples=36, seed=99)
    spacing, score = {}, {}
    for n_channels in (1, 12):
        synthesizer = ChannelSynthesizer(2, metric, learning_rate=7.0, max_epochs=500)
        fits = [
            clone(synthesizer)
            .set_params(random_state=seed)
            .fit(scarred(n_channels, n_samples=36, seed=seed))
            for seed in range(3)
        ]
        spacing[n_channels] = np.median(
            [neighbor_distance_variability(fit.posterior_.mean) for fit in fits]
        )
        score[n_channels] = np.median([fit.score(unseen) for fit in fits])
        # The shape comes with the bits, which is what the printed equation does not do.
        for fit in fits:
            assert fit.fingerprint_.information[0] > 0.8 * unseen.information.min()
    assert spacing[12] < spacing[1]
    assert score[12] > score[1]


def test_the_printed_equation_does_not_punish_noise():
    """What the notes say: the shape at low information has an NMI above 1, and is found."""
    channels = scarred(3)
    by_default, by_vi = (
        ChannelSynthesizer(2, metric, optimizer="adam", max_epochs=80, random_state=0).fit(channels)
        for metric in ("nmi", "vi")
    )
    with pytest.warns(UserWarning, match="less than a tenth of its members'"):
        printed = ChannelSynthesizer(
            2, "nmi_printed", optimizer="adam", max_epochs=200, random_state=0
        ).fit(channels)
    assert printed.similarity_.mean() > 1.0
    assert printed.fingerprint_.information[0] < 0.1 * channels.information.min()
    for fit in (by_default, by_vi):
        assert fit.fingerprint_.information[0] > 0.8 * channels.information.min()


@pytest.mark.parametrize(("n_samples", "batch_size", "rate"), [(48, 256, 2.88), (48, 20, 1.2)])
def test_the_rate_grows_with_the_samples_of_a_batch(n_samples, batch_size, rate):
    from sklatent.channels._synthesis_torch import _learning_rate

    synthesizer = ChannelSynthesizer(batch_size=batch_size)
    assert _learning_rate(synthesizer, n_samples) == pytest.approx(rate)
    assert _learning_rate(synthesizer.set_params(optimizer="adam"), n_samples) == 0.1
    assert _learning_rate(synthesizer.set_params(learning_rate=0.7), n_samples) == 0.7


def test_training_lowers_the_loss_and_is_quiet(capfd):
    channels = scarred(4)
    fit = ChannelSynthesizer(2, "vi", optimizer="adam", max_epochs=60, random_state=0).fit(channels)
    assert len(fit.history_) == 60
    assert fit.history_[-1]["train_loss"] < fit.history_[0]["train_loss"] - 0.3
    assert -fit.history_[-1]["train_loss"] == pytest.approx(fit.similarity_.mean(), abs=0.05)
    assert fit.score(channels) == pytest.approx(fit.similarity_.mean())
    assert capfd.readouterr() == ("", "")
    fit.set_params(verbose=1, max_epochs=2, learning_rate=10.0).fit(channels)
    assert "batch" in capfd.readouterr().err


@pytest.mark.parametrize("batch_size", [20, 48])
def test_batches_and_everything_at_once_learn(batch_size):
    fit = ChannelSynthesizer(
        3, optimizer="adam", batch_size=batch_size, max_epochs=60, random_state=0
    ).fit(scarred(6))
    assert fit.posterior_.mean.shape == (48, 3)
    assert fit.similarity_.mean() > 0.6


@pytest.mark.filterwarnings("ignore:The new channel carries")
def test_repeats_and_leaves_the_global_states():
    channels = scarred(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    synthesizer = ChannelSynthesizer(max_epochs=3, random_state=1)
    first = synthesizer.fit(channels).posterior_.mean
    np.testing.assert_array_equal(clone(synthesizer).fit(channels).posterior_.mean, first)
    ChannelSynthesizer(max_epochs=2).fit(channels)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (
        np.abs(
            clone(synthesizer).set_params(random_state=2).fit(channels).posterior_.mean - first
        ).max()
        > 0.01
    )


@pytest.mark.filterwarnings("ignore:The new channel carries")
def test_a_channel_that_says_nothing_is_like_none():
    channels = scarred(2)
    fit = ChannelSynthesizer(max_epochs=1, random_state=0).fit(channels)
    fit.fingerprint_ = ChannelFingerprints.from_posteriors(np.zeros((1, 48)), np.zeros((1, 48)))
    assert fit.score(channels) == 0.0


def test_the_new_channel_joins_the_others():
    channels = scarred(3)
    fit = ChannelSynthesizer(optimizer="adam", max_epochs=30, random_state=0).fit(channels)
    every = channels + fit.fingerprint_
    np.testing.assert_allclose(channel_similarity(every)[-1, :3], fit.similarity_, atol=1e-4)


def test_channels_without_information_are_passed_over():
    flat = ChannelFingerprints.from_posteriors(np.zeros((1, 48)), np.zeros((1, 48)))
    fit = ChannelSynthesizer(optimizer="adam", max_epochs=30, random_state=0).fit(scarred(2) + flat)
    np.testing.assert_array_equal(np.isnan(fit.similarity_), [False, False, True])
    with pytest.raises(ValueError, match="nothing to synthesise"):
        ChannelSynthesizer(max_epochs=2).fit(flat)
    with pytest.raises(ValueError, match="No channel of X"):
        fit.score(flat)
    with pytest.raises(ValueError, match="channels of 10 samples"):
        fit.score(scarred(2, n_samples=10))


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 30), st.floats(0.01, 100), st.integers(0, 2**32 - 1))
def test_uniformity_does_not_depend_on_scale_or_place(n, scale, seed):
    rng = np.random.default_rng(seed)
    X, _ = make_hue_circle(n)
    assert neighbor_distance_variability(scale * X + rng.normal(size=2)) < 1e-6
    means = rng.normal(size=(n, 2))
    value = neighbor_distance_variability(means)
    assert neighbor_distance_variability(scale * means[::-1]) == pytest.approx(value)
    distances = [np.linalg.norm(means[(i + 1) % n] - means[i]) for i in range(n)]
    assert value == pytest.approx(np.std(distances) / np.mean(distances))


def test_bad_means():
    with pytest.raises(ValueError, match="no spacing"):
        neighbor_distance_variability(np.ones((4, 2)))
    with pytest.raises(ValueError, match="minimum of 3"):
        neighbor_distance_variability(np.ones((2, 2)))
    assert neighbor_distance_variability([[0.0], [1.0], [2.0]], closed=False) == 0.0
