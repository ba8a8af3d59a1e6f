"""Every function and estimator of channels against everything that users hand over by mistake."""

import re
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sklatent.channels import (
    ChannelFingerprints,
    ChannelHotspots,
    ChannelSynthesizer,
    bhattacharyya_coefficients,
    channel_information,
    channel_similarity,
    monte_carlo_information,
    neighbor_distance_variability,
    normalized_mutual_information,
    variation_of_information,
)

torch = pytest.importorskip("torch")

zeros = np.zeros((6, 4))
good = np.random.default_rng(0).normal(size=(6, 4))
channels = ChannelFingerprints.from_posteriors(good, zeros)
synthesizer = ChannelSynthesizer(max_epochs=2, random_state=0).fit(channels)
hotspots = ChannelHotspots(min_samples=3).fit(channels)


def holed(value):
    changed = good.copy()
    changed[1, 2] = value
    return changed


# Arrays that no function may take for real, finite numbers of the right shape.
BAD_ARRAYS = {
    "nan": holed(np.nan),
    "infinity": holed(np.inf),
    "1e300": holed(1e300),
    "complex": good + 1j,
    "dates": np.zeros((6, 4), dtype="M8[D]"),
    "strings": np.full((6, 4), "a"),
    "objects": np.full((6, 4), None),
    "mixed": pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
    "missing": pd.DataFrame({"a": [1, None, 3], "b": [1.0, 2.0, 3.0]}).convert_dtypes(),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}),
    "masked": np.ma.masked_greater(good, 0.5),
    "sparse": sparse.csr_matrix(good),
    "gradients": torch.full((6, 4), torch.nan, requires_grad=True),
    "zero rows": np.empty((0, 4)),
    "zero columns": np.empty((6, 0)),
    "ragged": [[1.0, 2.0], [1.0]],
    "three axes and more": np.zeros((2, 2, 2, 2)),
    "a number": 3.0,
    "none": None,
    "a dict": {"a": 1},
    "a generator": (value for value in good),
}
TAKES_ARRAYS = {
    "bhattacharyya_coefficients": lambda a: bhattacharyya_coefficients(a, zeros),
    "its log_var": lambda a: bhattacharyya_coefficients(good, a),
    "its covariance": lambda a: bhattacharyya_coefficients(good, covariance=a),
    "channel_information": channel_information,
    "normalized_mutual_information": lambda a: normalized_mutual_information(np.eye(4), a),
    "variation_of_information": lambda a: variation_of_information(a, np.eye(4)),
    "monte_carlo_information": lambda a: monte_carlo_information(a, zeros, n_draws=10),
    "its log_vars": lambda a: monte_carlo_information(good, a, n_draws=10),
    "neighbor_distance_variability": neighbor_distance_variability,
    "from_posteriors": lambda a: ChannelFingerprints.from_posteriors(a, zeros),
    "log_vars": lambda a: ChannelFingerprints.from_posteriors(good, a),
    "model": lambda a: ChannelFingerprints.from_posteriors(good, zeros, model=a),
    "ChannelHotspots.fit": lambda a: ChannelHotspots(min_samples=2).fit(a),
    "ChannelSynthesizer.fit": lambda a: ChannelSynthesizer(max_epochs=2).fit(a),
    "ChannelSynthesizer.score": synthesizer.score,
    "channel_similarity": channel_similarity,
    "other": lambda a: channel_similarity(channels, a),
}
# What is no mistake: functions without a second array whose scale matters, and defaults.
FINE = {
    ("neighbor_distance_variability", "1e300"),
    ("model", "none"),
    ("other", "none"),
}
RAW = re.compile(
    "could not convert|inhomogeneous|setting an array element|unsupported operand|not supported "
    "between|object is not|is not iterable|has no (attribute|len)|only integers, slices|must be "
    "real number|unhashable|required positional|truth value|operands could not"
)


def refuses(call, kinds=(ValueError, TypeError)):
    """Call what must fail: with the right type, in our words or those of scikit-learn's checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(kinds) as caught:
            call()
    last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    said = f"{type(caught.value).__name__}: {caught.value}"
    assert "/sklatent/" in last or "/sklearn/" in last, said
    assert not RAW.search(said), said


@pytest.mark.parametrize("array", BAD_ARRAYS)
@pytest.mark.parametrize("name", TAKES_ARRAYS)
def test_arrays(name, array):
    if (name, array) in FINE:
        TAKES_ARRAYS[name](BAD_ARRAYS[array])
    else:
        refuses(lambda: TAKES_ARRAYS[name](BAD_ARRAYS[array]))


# Each with the values that are not wrong there: some only take for ever.
WRONG = [True, 0, -1, 1.5, np.nan, np.inf, 10**9, "a", None, [1], np.zeros(2), object()]
PARAMETERS = {
    "ChannelSynthesizer.n_components": (
        lambda v: ChannelSynthesizer(n_components=v, max_epochs=2).fit(channels),
        (),
    ),
    "ChannelSynthesizer.metric": (
        lambda v: ChannelSynthesizer(metric=v, max_epochs=2).fit(channels),
        (),
    ),
    "ChannelSynthesizer.device": (
        lambda v: ChannelSynthesizer(device=v, max_epochs=2).fit(channels),
        (),
    ),
    "ChannelSynthesizer.batch_size": (
        lambda v: ChannelSynthesizer(batch_size=v, max_epochs=2).fit(channels),
        (10**9,),
    ),
    "ChannelHotspots.min_samples": (lambda v: ChannelHotspots(min_samples=v).fit(channels), ()),
    "ChannelHotspots.min_information": (
        lambda v: ChannelHotspots(min_samples=3, min_information=v).fit(channels),
        (True, 0, 1.5, 10**9),
    ),
    "ChannelHotspots.n_shuffles": (
        lambda v: ChannelHotspots(min_samples=3, n_shuffles=v).fit(channels),
        (0, 10**9),
    ),
    "channel_similarity.metric": (lambda v: channel_similarity(channels, metric=v), ()),
    "channel_similarity.dtype": (lambda v: channel_similarity(channels, dtype=v), ()),
    "channel_similarity.device": (lambda v: channel_similarity(channels, device=v), ()),
    "monte_carlo_information.n_draws": (
        lambda v: monte_carlo_information(good, zeros, n_draws=v),
        (10**9,),
    ),
    "coefficients.channel": (channels.coefficients, (0, -1)),
    "from_models.models": (lambda v: ChannelFingerprints.from_models(v, good), ()),
    "from_labels.names": (
        lambda v: ChannelFingerprints.from_labels(np.arange(6), names=v),
        (None,),
    ),
}


CASES = [
    (name, value)
    for name, (_, fine) in PARAMETERS.items()
    for value in WRONG
    if not any(type(value) is type(f) and np.array_equal(value, f) for f in fine)
]


def written(value):
    """Name of a case, the same in every process."""
    return str(value).split(" at 0x")[0][:40]


@pytest.mark.parametrize(("name", "value"), CASES, ids=written)
def test_parameters(name, value):
    refuses(lambda: PARAMETERS[name][0](value), (ValueError, TypeError, IndexError))


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", "mps:7", "", 3, torch])
def test_devices(device):
    refuses(lambda: ChannelSynthesizer(device=device, max_epochs=2).fit(channels))
    refuses(lambda: channel_similarity(channels, device=device))


def test_what_fits_in_no_memory():
    for size in (7, 10**9):
        with pytest.raises(ValueError, match=f"n_components={size} is more than the 4 samples"):
            ChannelSynthesizer(n_components=size, max_epochs=2).fit(channels)


def test_a_rate_at_which_it_diverges():
    with pytest.raises(ValueError, match="Lower learning_rate"):
        ChannelSynthesizer(optimizer="sgd", learning_rate=1e29, max_epochs=5, random_state=0).fit(
            channels
        )


@pytest.mark.parametrize("selection", ["a", 1.5, [9], [0.5], [True, False], None, {0}])
def test_selections(selection):
    with pytest.raises(IndexError, match=r"selected by|selection must"):
        channels[selection]


@pytest.mark.parametrize(
    "models", [3, "abc", None, ChannelHotspots, [ChannelHotspots], [None], [hotspots], {}]
)
def test_models(models):
    refuses(lambda: ChannelFingerprints.from_models(models, good))


class Odd(ChannelHotspots):
    """Something whose encode returns an array."""

    def encode(self, X):
        return np.asarray(X)


def test_what_encode_may_return():
    with pytest.raises(TypeError, match="returned a ndarray, not a posterior"):
        ChannelFingerprints.from_models(Odd(), good)


def test_unfitted():
    for call in (
        lambda: ChannelSynthesizer().score(channels),
        lambda: ChannelHotspots().factor_similarity(np.arange(4)),
    ):
        with pytest.raises(NotFittedError):
            call()
