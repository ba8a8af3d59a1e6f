"""One call of the loop: plans of batches, warm-up, augmentation."""

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.nn.training.data import Rows
from sklatent.nn.training.randomness import RandomStreams
from sklatent.nn.training.run import TrainingRun

X = np.arange(20.0).reshape(10, 2)


def run_of(index=None, keys=None, **settings):
    rows = Rows(X, index, keys, torch.float64, "cpu")
    return TrainingRun(rows=rows, valid_rows=None, objective=None, hyper={}, **settings)


def streams(n_members=1):
    return RandomStreams(list(range(n_members)), torch.float64, "cpu", n_members > 1)


@pytest.mark.parametrize(
    ("batch_size", "least"), [(3, 1), (4, 1), (10, 1), (50, 1), (3, 2), (9, 2)]
)
def test_a_plan_is_every_row_once_in_batches_of_like_size(batch_size, least):
    plan = run_of().plan(streams(), batch_size, least)
    rows = torch.cat([positions for positions, _, _ in plan])
    assert sorted(rows.tolist()) == list(range(10))
    sizes = [size for _, _, size in plan]
    assert [len(positions) for positions, _, _ in plan] == sizes
    assert max(sizes) - min(sizes) <= max(1, 0.6 * max(sizes))
    assert min(sizes) >= least
    assert len(plan) <= -(-10 // batch_size)


def test_too_few_rows_for_batch_normalisation():
    with pytest.raises(ValueError, match="needs 2 rows in each batch"):
        run_of(index=np.array([0])).plan(streams(), 4, 2)


def test_uneven_batches_of_stacked_models_are_padded_by_nothing():
    """Every model has its own rows once, at shares that sum to one; padding weighs nothing."""
    index = np.array([[0, 1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8, 9]])
    run = run_of(index=index, keys=index.astype(np.uint64))
    plan = run.plan(streams(2), 3)
    seen = [[], []]
    for positions, weights, sizes in plan:
        for k in range(2):
            size = int(np.broadcast_to(sizes, 2)[k])
            seen[k] += positions[k, :size].tolist()
            if weights is not None:
                np.testing.assert_allclose(weights[k].numpy()[:size], 1 / size)
                assert not weights[k].numpy()[size:].any()
    assert [sorted(rows) for rows in seen] == [list(range(7))] * 2


@pytest.mark.parametrize(("n_rows", "share"), [(700, None), (1400, 0.5), (9000, 0.3)])
def test_noise_is_slow_where_an_epoch_has_many_steps(n_rows, share):
    """It takes seven of them, or three in ten."""
    rows = Rows(np.zeros((n_rows, 2)), None, None, torch.float64, "cpu")
    model = VAE(1, hidden_layer_sizes=(2,), max_epochs=1).fit(
        np.random.default_rng(0).random((20, 2))
    )
    module = model.net_.module_
    run = TrainingRun(rows=rows, valid_rows=None, objective=None, hyper={}, slow_noise=True)
    expected = [] if share is None else [(module.likelihood.log_var, share)]
    assert run.slower(module, 100) == expected
    assert run_of().slower(module, 1) == []


def test_terms_that_warm_up_rise_in_a_line():
    run = run_of(warming=("kl",), warmup_epochs=4)
    run.objective = lambda module, batch, step: {"kl": torch.tensor(8.0), "rest": torch.tensor(1.0)}
    batch = run.rows.take(torch.arange(2))
    epochs = (0, 1, 2.5, 4, 9)
    shares = [float(run.terms(None, batch, None, epoch)["kl"]) / 8 for epoch in epochs]
    assert shares == [0.0, 0.25, 0.625, 1.0, 1.0]
    assert float(run.terms(None, batch, None, 0)["rest"]) == 1.0


def test_a_batch_is_augmented_by_the_model_s_own_noise():
    run = run_of(augment=lambda x, generator: x + torch.rand(x.shape, generator=generator))
    batches = []
    for _ in range(2):
        own = streams()
        own.begin_epoch(run.rows.keys(), 2, 1)
        batches.append(run.batch(torch.tensor([1, 4]), None, own))
    assert torch.equal(batches[0].x, batches[1].x)
    assert not torch.equal(batches[0].x, torch.as_tensor(X[[1, 4]]))
    assert batches[0].rows.tolist() == [1, 4]


@pytest.mark.parametrize("seeds", [(5, 5, 5, 5), (5, 6, 5, 6), (1, 2, 3, 4)])
@pytest.mark.parametrize("index", [None, [[0, 1, 2, 3], [6, 7, 8, 9], [0, 1, 2, 3], [0, 1, 2, 3]]])
def test_stacked_models_take_the_rows_that_each_would_take_alone(index, seeds):
    """Whether they share an order and rows, one of them or neither; other fields as well."""
    index = index and np.array(index)
    extra = {"covariates": X[:, :1] + 100, "views": [X - 1, X + 1]}
    together = TrainingRun(Rows(X, index, None, torch.float64, "cpu", extra), None, None, {})
    several = RandomStreams(list(seeds), torch.float64, "cpu", stacked=True)
    batches = [together.batch(rows, w, several) for rows, w, _ in together.plan(several, 2)]
    for k, seed in enumerate(seeds):
        own = None if index is None else index[k]
        alone = TrainingRun(Rows(X, own, None, torch.float64, "cpu", extra), None, None, {})
        one = RandomStreams([seed], torch.float64, "cpu")
        for (rows, w, _), found in zip(alone.plan(one, 2), batches, strict=True):
            expected = alone.batch(rows, w, one)
            for name in ("x", "rows", "covariates"):
                assert torch.equal(getattr(found, name)[k], getattr(expected, name))
            for view, other in zip(found.views, expected.views, strict=True):
                assert torch.equal(view[k], other)
