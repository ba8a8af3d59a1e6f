"""Means of terms over an epoch, weighted by the batches' sizes."""

import numpy as np
import torch

from sklatent.nn.training import means
from sklatent.nn.training.means import TermMeans


def test_one_model(monkeypatch):
    """Also where losses were read from the device in between."""
    rng = np.random.default_rng(0)
    values, sizes = rng.normal(size=(2, 7)), rng.integers(1, 9, size=7)
    for flush in (256, 3):
        monkeypatch.setattr(means, "_FLUSH", flush)
        sums = TermMeans(stacked=False)
        for a, b, size in zip(*values, sizes, strict=True):
            sums.add({"a": torch.tensor(a), "b": torch.tensor(b)}, size)
        found = sums.means()
        for name, own in zip("ab", values, strict=True):
            np.testing.assert_allclose(found[name], np.average(own, weights=sizes), rtol=1e-12)


def test_stacked_models_of_uneven_batches():
    """Each by its own sizes; a term that is one number is everyone's."""
    sums = TermMeans(stacked=True)
    sums.add({"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(5.0)}, np.array([2, 1]))
    sums.add({"a": torch.tensor([4.0, 8.0]), "b": torch.tensor(8.0)}, np.array([1, 1]))
    found = sums.means()
    np.testing.assert_allclose(found["a"], [2.0, 5.0])
    np.testing.assert_allclose(found["b"], [6.0, 6.5])


def test_terms_are_copied():
    """What a step has made is free to be used again, small as it is."""
    sums, term = TermMeans(stacked=False), torch.tensor(2.0)
    sums.add({"a": term, "b": torch.tensor(1.0)}, 3)
    term.fill_(100.0)
    sums.add({"a": torch.tensor(5.0), "b": torch.tensor(1.0)}, 1)
    assert sums.means() == {"a": 2.75, "b": 1.0}
