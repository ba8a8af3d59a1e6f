"""Tables of several kinds: each part as it would be alone."""

import numpy as np
import polars as pl
import pytest
import torch

from sklatent import VAE, load, save
from sklatent.likelihoods import Bernoulli, Categorical, Gaussian, Mixed, NegativeBinomial, Poisson
from sklatent.likelihoods._bound import BoundLikelihood

PARTS = [
    ([5, 0], "gaussian"),
    (slice(1, 4), Categorical()),
    ([4], "bernoulli"),
    ([6, 7], NegativeBinomial(size_factor=None)),
]


def table(n=240):
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=n)
    category = np.digitize(hidden + 0.3 * rng.normal(size=n), [-0.5, 0.5])
    return np.column_stack(
        [
            3 * hidden + rng.normal(size=n),
            np.eye(3)[category],
            hidden > rng.normal(size=n),
            rng.normal(size=n) - hidden,
            rng.poisson(np.exp(1 + hidden)),
            rng.poisson(np.exp(2 - 0.5 * hidden)),
        ]
    )


NAMES = ["size", "red", "green", "blue", "alive", "loss", "eggs", "mites"]
NAMED = Mixed(
    [
        (["loss", "size"], "gaussian"),
        (["red", "green", "blue"], Categorical(groups=[["green", "red", "blue"]])),
        ("alive", "bernoulli"),
        (["eggs", "mites"], NegativeBinomial(size_factor=None)),
    ]
)


def test_parts_add_up():
    x, out = torch.tensor(table(6)), torch.tensor(np.random.default_rng(1).normal(size=(6, 8)))
    mixed, alone = Mixed(PARTS), [Gaussian(), Categorical(), Bernoulli()]
    alone.append(NegativeBinomial(size_factor=None))
    columns = [[5, 0], [1, 2, 3], [4], [6, 7]]
    places = [slice(0, 2), slice(2, 5), slice(5, 6), slice(6, 8)]
    for method in ("log_prob", "deviance"):
        expected = sum(
            getattr(own, method)(x[:, c], out[:, p])
            for own, c, p in zip(alone, columns, places, strict=True)
        )
        torch.testing.assert_close(getattr(mixed, method)(x, out), expected)
    entries = mixed.log_prob_of_entries(x, out)
    torch.testing.assert_close(entries.sum(-1), mixed.log_prob(x, out))
    mean, seen = mixed.mean(out), mixed.encoder_input(x)
    for own, c, p in zip(alone, columns, places, strict=True):
        torch.testing.assert_close(mean[:, c], own.mean(out[:, p]))
        torch.testing.assert_close(seen[:, c], own.encoder_input(x[:, c]))
    generator = torch.Generator().manual_seed(0)
    mixed.check(mixed.sample(out, generator).numpy(), "draws")
    assert mixed.n_outputs(8) == 8


def test_learned_parameters_are_the_parts_own():
    bound = BoundLikelihood(Mixed([([0, 1], Gaussian("per_feature")), ([2], Poisson())]), 3)
    shapes = {name: tuple(value.shape) for name, value in bound.state_dict().items()}
    assert shapes == {
        "part0_log_var": (1, 2),
        "part0_least_log_var": (1, 1),
        "part1_typical_total": (1, 1),
    }
    x = np.random.default_rng(0).poisson(4, size=(50, 3)).astype(float)
    seen = bound.observe(lambda n: iter([x]), 3)
    bound.start(np.array([1.0, 4.0, 9.0]), np.full(3, 10.0), seen)
    np.testing.assert_allclose(bound.part0_log_var.detach()[0], np.log([1, 4]), atol=1e-3)
    assert bound.part1_typical_total.item() == np.median(x[:, 2])


def test_a_table_with_names(tmp_path):
    X = table()
    frame = pl.DataFrame(X, schema=NAMES)
    options = {"max_epochs": 15, "early_stopping": False, "random_state": 0}
    model = VAE(2, likelihood=NAMED, **options).fit(frame)
    at_start = VAE(2, likelihood=NAMED, **options | {"max_epochs": 1, "learning_rate": 1e-12})
    assert model.score(frame) > at_start.fit(frame).score(frame) + 0.1
    positions = VAE(2, likelihood=Mixed(PARTS), **options).fit(X)
    np.testing.assert_allclose(positions.transform(X), model.transform(frame), atol=1e-5)
    decoded = model.inverse_transform(model.transform(frame))
    np.testing.assert_allclose(decoded[:, 1:4].sum(axis=1), 1, rtol=1e-5)
    assert np.corrcoef(decoded[:, 6], X[:, 6])[0, 1] > 0.7
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.score_samples(frame), model.score_samples(frame))


def test_bad_parts():
    frame = pl.DataFrame(table(20), schema=NAMES)
    with pytest.raises(ValueError, match=r"columns \[5, 6, 7\] are not named"):
        VAE(likelihood=Mixed([(slice(0, 5), "gaussian")])).fit(frame)
    with pytest.raises(ValueError, match="no column 'seeds'"):
        VAE(likelihood=Mixed([(["seeds"], "gaussian")])).fit(frame)
    with pytest.raises(ValueError, match=r"list of pairs \(columns, likelihood\)"):
        VAE(likelihood=Mixed(["gaussian"])).fit(frame)
    with pytest.raises(ValueError, match="'gauss' is unknown"):
        VAE(likelihood=Mixed([(slice(0, 8), "gauss")])).fit(frame)
    with pytest.raises(ValueError, match=r"Poisson needs counts, but part 0 of X has"):
        VAE(likelihood=Mixed([(slice(0, 8), "poisson")])).fit(frame)
    with pytest.raises(TypeError, match="lacks n_outputs"):
        VAE(likelihood=Mixed([(slice(0, 8), object())])).fit(frame)
