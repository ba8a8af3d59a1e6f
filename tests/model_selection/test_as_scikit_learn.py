"""scikit-learn's own tests of its grid search, with the fused search in its place."""

import importlib.util
import sys
from unittest import mock

import pytest
import sklearn.model_selection

from sklatent.model_selection import FusedGridSearchCV

# Those of other searches, and one that wants no attribute beyond GridSearchCV's.
OTHERS = ("random", "halving", "sampler", "custom_run_search")
MARKS = {"parametrize", "filterwarnings", "skipif", "xfail", "usefixtures"}  # pytest's own
PINNED, N_TESTS = "1.9", 85


def own_tests():
    """Return the tests by name, made from scikit-learn's module with one class replaced."""
    path = importlib.util.find_spec("sklearn.model_selection.tests.test_search").origin
    spec = importlib.util.spec_from_file_location("scikit_learn_search_tests", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where pickle looks for its classes
    with mock.patch.object(sklearn.model_selection, "GridSearchCV", FusedGridSearchCV):
        spec.loader.exec_module(module)
    found = {}
    for name, test in vars(module).items():
        if name.startswith("test_") and not any(word in name for word in OTHERS):
            marks = [m for m in getattr(test, "pytestmark", []) if m.name in MARKS]
            test.pytestmark = [_without_others(mark) for mark in marks]
            found[name] = test
    return found


def _without_others(mark):
    """The mark without the cases of other searches."""
    if mark.name != "parametrize":
        return mark
    names, values, *rest = mark.args
    kept = [v for v in values if not any(w in repr(v).lower() for w in ("randomized", "halving"))]
    return pytest.mark.parametrize(names, kept, *rest, **mark.kwargs).mark


TESTS = own_tests()
globals().update(TESTS)


@pytest.mark.skipif(
    not sklearn.__version__.startswith(PINNED),
    reason="scikit-learn's own tests are counted in the pinned version; others have more or fewer",
)
def test_they_are_there():
    assert len(TESTS) == N_TESTS
