"""Bad parameters and calls: an error in our words."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import sklatent.models
from sklatent import VAE, Autoencoder, FactorVAE, RosettaVAE, TransformVAE
from sklatent.models import LatentModel
from sklatent.transformations import RandomShift

X = np.random.default_rng(0).random((40, 4)).astype(np.float32)
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (FactorVAE, "discriminator_layer_sizes", (0,)),
        (FactorVAE, "discriminator_layer_sizes", (-3,)),
        (FactorVAE, "discriminator_layer_sizes", ("a",)),
        (TransformVAE, "latent_layer_sizes", (2.5,)),
        (VAE, "hidden_layer_sizes", (True,)),
        (VAE, "hidden_layer_sizes", ((4, 4), (4, 4))),
        (VAE, "hidden_layer_sizes", (0,)),
        (VAE, "batch_size", True),
        (VAE, "max_epochs", True),
        (VAE, "beta", True),
        (VAE, "learning_rate", np.True_),
        (VAE, "warmup_epochs", -1),
        (VAE, "warmup_epochs", 1.5),
        (VAE, "checkpoint_dir", __file__),
    ],
)
def test_bad_values_name_the_parameter(cls, name, value):
    """As scikit-learn's own errors do."""
    with pytest.raises(ValueError, match=name):
        cls(2, **SMALL | {name: value}).fit(X)


@pytest.mark.parametrize("cls", [VAE, RosettaVAE, FactorVAE, Autoencoder])
def test_typos_name_the_class(cls):
    """And not its base."""
    with pytest.raises(TypeError, match=rf"^{cls.__name__}\.__init__"):
        cls(2, hiden_layer_sizes=(3,))

    class Own(cls):
        """A user's own model without a constructor of its own."""

    with pytest.raises(TypeError, match=r"Own\.__init__"):
        Own(2, hiden_layer_sizes=(3,))
    assert Own(3).get_params() == cls(3).get_params()


@pytest.mark.parametrize(
    ("n", "error"),
    [("a", TypeError), (2.5, TypeError), (True, TypeError), (None, TypeError), (0, ValueError)],
)
def test_numbers_of_draws(n, error):
    """Whole and positive."""
    model = VAE(2, **SMALL).fit(X)
    with pytest.raises(error, match="n_samples"):
        model.sample(n)
    with pytest.raises(error, match="n_importance_samples"):
        model.log_likelihood(X, n)
    assert model.sample(np.int64(2)).shape == (2, 4)


@pytest.mark.parametrize("cls", [VAE, Autoencoder])
def test_rows_without_a_finite_score_are_named(cls):
    """NaN is no score."""
    model = cls(2, **SMALL).fit(X)
    far = X.copy()
    far[3] *= 1e30
    for method in [model.score, model.score_samples]:
        with pytest.raises(ValueError, match="row 3"):
            method(far)


@pytest.mark.parametrize("weight", [np.nan, np.inf, "half", None])
def test_a_point_between_views_needs_a_number(weight):
    """Not NaN latents, and so NaN rows."""
    settings = SMALL | {"latent_layer_sizes": (4,), "batch_size": 20}
    model = TransformVAE(2, transformation=RandomShift(), **settings).fit(X)
    with pytest.raises(ValueError, match="weight"):
        model.interpolate(X, X, weight)


def test_rows_that_hardly_vary():
    """Their variance is zero in floating point, and they are not constant."""
    with pytest.raises(ValueError, match="Scale X"):
        VAE(2, **SMALL | {"precision": "float64"}).fit(np.float64(X) * 1e-310)


def test_tensors_that_record_gradients():
    """Are read as what they hold."""
    torch = pytest.importorskip("torch")
    model = VAE(2, **SMALL).fit(torch.tensor(X, requires_grad=True))
    np.testing.assert_array_equal(
        model.transform(torch.tensor(X, requires_grad=True)), model.transform(X)
    )


@pytest.mark.parametrize("name", sklatent.models.__all__)
def test_names_of_parameters_are_those_that_scikit_learn_reads(name):
    """They are kept for each class, a derived one's beside its base's."""
    cls = getattr(sklatent.models, name)
    if not isinstance(cls, type) or not issubclass(cls, LatentModel):
        return

    class Derived(cls):
        def __init__(self, n_components=2, *, weight=1.0):
            super().__init__(n_components)
            self.weight = weight

    for kind in (cls, Derived, cls):
        assert kind._get_param_names() == BaseEstimator._get_param_names.__func__(kind)
