"""What lies behind Pipelines and searches."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklatent._utils.pipelines import last_step

X = np.random.default_rng(0).normal(size=(30, 4))


def test_however_deep():
    """A search over a Pipeline in a Pipeline: the steps in their order."""
    inner = make_pipeline(StandardScaler(), PCA(2))
    search = GridSearchCV(inner, {"pca__whiten": [False]}, cv=2)
    outer = make_pipeline(MinMaxScaler(), "passthrough", search).fit(X)
    model, steps = last_step(outer)
    assert isinstance(model, PCA)
    assert [type(step) for step in steps] == [MinMaxScaler, StandardScaler]
    Z = X
    for step in steps:
        Z = step.transform(Z)
    np.testing.assert_allclose(model.transform(Z), outer.transform(X))


def test_a_model_is_itself():
    model = PCA(2).fit(X)
    assert last_step(model) == (model, [])


@pytest.mark.parametrize("wrong", [None, PCA, "PCA", make_pipeline("passthrough")])
def test_what_is_no_model(wrong):
    with pytest.raises(TypeError, match="transform"):
        last_step(wrong)
