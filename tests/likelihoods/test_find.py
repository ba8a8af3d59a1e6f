"""Likelihoods by name, or as they are."""

import numpy as np
import pytest

from sklatent import likelihoods
from sklatent.likelihoods import Bernoulli, Gaussian, Likelihood
from sklatent.likelihoods._find import find_likelihood


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("gaussian", "Gaussian"),
        ("unit_gaussian", "Gaussian"),
        ("bernoulli", "Bernoulli"),
        ("poisson", "Poisson"),
        ("negative_binomial", "NegativeBinomial"),
        ("categorical", "Categorical"),
    ],
)
def test_by_name(name, cls):
    assert type(find_likelihood(name)) is getattr(likelihoods, cls)


def test_the_papers_gaussian_has_unit_variance():
    assert find_likelihood("unit_gaussian").scale == 1.0
    assert find_likelihood("gaussian").get_params() == Gaussian().get_params()


def test_an_object_is_itself():
    own = Bernoulli()
    assert find_likelihood(own) is own


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ("gauss", ValueError, "unknown; use one of bernoulli, categorical, gaussian"),
        (Gaussian, TypeError, "is a class, not an object"),
        (np.zeros(3), TypeError, "lacks n_outputs"),
        (None, TypeError, "lacks n_outputs"),
        (type("Half", (Likelihood,), {"log_prob": None})(), TypeError, "lacks log_prob"),
    ],
)
def test_what_is_none(wrong, kind, message):
    with pytest.raises(kind, match=message):
        find_likelihood(wrong)
