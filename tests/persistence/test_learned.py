"""What estimators learn is what their lines say, in every way in which they may be made."""

import numpy as np
import pytest

import sklatent
from sklatent import RelativeAutoencoder, RelativeProjection

X = np.random.default_rng(0).random((40, 6))
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}


@pytest.mark.parametrize("anchors", [None, [0, 3, 5], X[:7] + 1], ids=["drawn", "rows", "given"])
@pytest.mark.parametrize("cls", [RelativeProjection, RelativeAutoencoder])
def test_anchors_of_every_kind(cls, anchors, tmp_path):
    """As many as were given, though n_anchors has its default."""
    settings = {"anchors": anchors} if anchors is not None else {"n_anchors": 5, "random_state": 0}
    settings |= SMALL if cls is RelativeAutoencoder else {}
    model = cls(**settings).fit(X)
    sklatent.save(model, tmp_path / "model.safetensors")
    found = sklatent.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(found.transform(X), model.transform(X))
    np.testing.assert_array_equal(found.anchors_, model.anchors_)
