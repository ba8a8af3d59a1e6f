"""The same numbers, however they lie in memory and in whatever frame they come."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

from sklatent import (
    VAE,
    ChannelFingerprints,
    RosettaPoints,
    retrain,
    retraining_report,
    sequential_study,
)
from sklatent.transformations import RandomShift
from tests.test_bad_parameters import quick
from tests.test_common import ESTIMATORS, make_data

X, Y = make_data()
LAYOUTS = {
    "rows turned round": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "columns turned round": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "flipped": lambda a: np.flip(np.flip(a).copy()),
    "Fortran's": np.asfortranarray,
    "every other row and column": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
}
MODELS = [name for name, cls in ESTIMATORS.items() if hasattr(cls, "partial_fit")]


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if hasattr(ESTIMATORS[name], "fit")])
@pytest.mark.filterwarnings("ignore")
def test_strides(name):
    """What is learned, to the bit where it is trained, and what is said of rows."""
    cls = ESTIMATORS[name]
    settings = quick(name)
    if name == "TransformVAE":
        settings |= {"transformation": RandomShift(0.1), "batch_size": 20}

    def said(rows, targets):
        estimator = cls(**settings).fit(rows, targets)
        found = []
        if hasattr(estimator, "transform"):
            found = [estimator.transform(rows), estimator.fit_transform(rows, targets)]
            if hasattr(estimator, "inverse_transform"):
                laid = [found[0][::-1][::-1], np.asfortranarray(found[0])]
                found += [estimator.inverse_transform(Z) for Z in laid]
        if hasattr(estimator, "score"):
            found.append(estimator.score(rows, targets))
        if name in MODELS:
            found.append(estimator.partial_fit(rows).transform(rows))
        if hasattr(estimator, "labels_"):
            found.append(estimator.labels_)
        return found

    expected = said(X, Y)
    for layout, lay in LAYOUTS.items():
        assert not np.shares_memory(lay(X), X) or lay(X).strides != X.strides
        for one, other in zip(expected, said(lay(X), lay(Y)), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9, err_msg=layout)


def frames():
    """A frame of floats, and the same numbers in others' types."""
    rng = np.random.default_rng(0)
    plain = pd.DataFrame(rng.uniform(size=(40, 4)), columns=list("abcd"))
    plain["b"] = (plain["b"] > 0.5).astype(float)
    plain["c"] = rng.integers(4, size=40).astype(float)
    return plain, {
        "bool beside float": plain.astype({"b": bool}),
        "Int64": plain.astype({"c": "Int64"}),
        "Float64": plain.astype({"a": "Float64", "d": "Float64"}),
        "boolean": plain.astype({"b": "boolean"}),
        "categories": plain.astype({"c": "category"}),
        "only categories": plain.astype("category"),
        "objects": plain.astype(object),
    }


PLAIN, FRAMES = frames()
SMALL = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, early_stopping=False, random_state=0)


@pytest.fixture(scope="module")
def runs():
    return retrain(SMALL, PLAIN, n_runs=4, random_state=0)


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_the_numbers_that_they_hold(kind, runs):
    frame = FRAMES[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of feature names
        np.testing.assert_array_equal(runs[0].transform(frame), runs[0].transform(PLAIN))
        model = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, random_state=0).fit(frame)
        expected = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, random_state=0).fit(PLAIN)
        np.testing.assert_array_equal(model.transform(frame), expected.transform(PLAIN))

        both = ChannelFingerprints.from_models(runs[0], frame)
        both = both + ChannelFingerprints.from_models(runs[1], PLAIN)
        assert len(both) == 4

        points = RosettaPoints.distill(runs[0], frame, 5, random_state=0)
        same = RosettaPoints.distill(runs[0], PLAIN, 5, random_state=0)
        np.testing.assert_array_equal(points.X, same.X)
        np.testing.assert_array_equal(points.preprocess(frame), PLAIN.to_numpy())
        assert points.feature_names.tolist() == list("abcd")

        report = retraining_report(runs, frame)
        pd.testing.assert_frame_equal(report, retraining_report(runs, PLAIN))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_study_of_frames():
    options = {"n_points": 5, "n_runs": 2, "beta": 0.01, "random_state": 0}
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=1)
    expected = sequential_study(model, PLAIN[:20], PLAIN[20:], **options)
    frame = FRAMES["bool beside float"].astype({"c": "Int64"})
    found = sequential_study(model, frame[:20], frame[20:], **options)
    for one, other in zip(_tables(expected), _tables(found), strict=True):
        pd.testing.assert_frame_equal(other, one)


def _tables(study):
    tables = study if isinstance(study, (list, tuple)) else list(vars(study).values() or [study])
    tables = study.values() if hasattr(study, "values") and not hasattr(study, "iloc") else tables
    return [table for table in tables if hasattr(table, "iloc")]


def test_every_estimator_has_a_fit():
    assert all("X" in inspect.signature(cls.fit).parameters for cls in ESTIMATORS.values())
