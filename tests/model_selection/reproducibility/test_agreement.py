"""Measures of agreement: spaces made to agree in one sense and no stricter one, and chance."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from sklatent.metrics import consistency_score, mutual_knn_score
from sklatent.model_selection._reproducibility.agreement import (
    LEVELS,
    MAPS,
    floors,
    interval,
    map_errors,
    mean_of_pairs,
    neighbor_errors,
    pair_scores,
)

N, D, K = 400, 5, 4


def spaces(sense, seed, n_models=K):
    """Noisy copies of one space that agree in a sense, and in no stricter one."""
    rng = np.random.RandomState(seed)
    base = rng.normal(size=(N, D)) * np.linspace(1.3, 0.7, D)
    found = []
    for number in range(n_models):
        Z = base + 0.1 * rng.normal(size=base.shape)
        if sense == "axes":
            Z = Z[:, np.roll(np.arange(D), number)] * (-1.0) ** (number + np.arange(D))
        elif sense == "rigid":
            Z = Z @ ortho_group.rvs(D, random_state=rng)
        elif sense == "linear":
            Z = Z @ (ortho_group.rvs(D, random_state=rng) * [3.0, 1, 1, 0.3, 0.3])
            Z = Z @ ortho_group.rvs(D, random_state=rng)
        elif sense == "nothing":
            Z = rng.permutation(Z)
        found.append(Z)
    return np.array(found), rng.permutation(N) % 10, rng


def scores_of(latents, blocks, rng):
    errors, totals = map_errors(latents, blocks)
    found = {kind: mean_of_pairs(pair_scores(errors[kind], totals)) for kind in MAPS}
    found["neighbors"] = mean_of_pairs(pair_scores(*neighbor_errors(latents, blocks, 10, rng)[:2]))
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sense", MAPS)
def test_scores_tell_in_which_sense_spaces_agree(sense, seed):
    found = scores_of(*spaces(sense, seed))
    place = MAPS.index(sense)
    assert all(found[kind] > 0.95 for kind in MAPS[place:])
    assert all(found[kind] < 0.9 for kind in MAPS[:place])


@pytest.mark.parametrize("seed", range(3))
def test_what_has_nothing_in_common_scores_nothing(seed):
    latents, blocks, rng = spaces("nothing", seed)
    found = scores_of(latents, blocks, rng)
    chance = floors(latents, 10, rng)
    assert found["linear"] == pytest.approx(chance["linear"], abs=0.03)
    assert found["neighbors"] == pytest.approx(chance["neighbors"], abs=0.01)


def test_maps_agree_with_the_metrics_up_to_rows_left_out():
    """Fitted to all rows these are public metrics; rows left out are a little worse."""
    latents, blocks, rng = spaces("rigid", 0)
    found = scores_of(latents, blocks, rng)
    for kind, maps in [("axes", "signed_permutation"), ("rigid", "rigid"), ("linear", "linear")]:
        whole = consistency_score(latents, maps=maps)
        assert whole - 0.03 < found[kind] <= whole + 1e-3
    shared = [
        mutual_knn_score(latents[i], latents[j], metric="euclidean")
        for i in range(K)
        for j in range(i)
    ]
    assert found["neighbors"] == pytest.approx(np.mean(shared), abs=1e-12)


def test_a_linear_map_is_judged_on_rows_that_it_has_not_seen():
    """With few rows least squares explains noise by heart; held-out rows show it."""
    rng = np.random.RandomState(0)
    latents = rng.normal(size=(3, 40, 12))
    errors, totals = map_errors(latents, np.arange(40) % 10)
    assert consistency_score(latents) > 0.2
    assert mean_of_pairs(pair_scores(errors["linear"], totals)) < 0


@pytest.mark.parametrize(
    ("sense", "level"), [("axes", "coordinates"), ("rigid", "axes"), ("linear", "rigid")]
)
def test_floors_are_what_the_weaker_sense_scores(sense, level):
    """Spaces that agree in the weaker sense only are below the floor about 19 times in 20."""
    below = 0
    for seed in range(20):
        latents, blocks, rng = spaces(sense, seed)
        if sense == "axes":  # in a random order and with random signs, as chance has it
            latents = np.array([Z[:, rng.permutation(D)] * rng.choice([-1, 1], D) for Z in latents])
        below += scores_of(latents, blocks, rng)[level] < floors(latents, 10, rng)[level]
    assert below >= 16


def test_floor_of_two_axes_agrees_with_the_closed_form():
    """A turn by any angle in the plane leaves 2 E[max(|cos|, |sin|)] - 1 = 0.80 on average."""
    Z = np.random.RandomState(0).normal(size=(5000, 2))
    many = floors(np.array([Z] * 10), 10, np.random.RandomState(0))["axes"]
    mean = 2 * np.sin(np.pi / 4) / (np.pi / 4) - 1
    assert mean < many < mean + 0.08
    # Between two spaces alone chance goes nearly all the way.
    assert floors(np.array([Z] * 2), 10, np.random.RandomState(0))["axes"] > 0.97


@pytest.mark.parametrize("n_models", [2, 3, 8])
def test_single_component(n_models):
    Z = np.random.RandomState(0).normal(size=(200, 1))
    chance = floors(np.array([Z] * n_models), 10, np.random.RandomState(0))
    # That two runs have one sign is a coin's toss, that eight do is not.
    assert chance["coordinates"] == (1.0 if n_models == 2 else pytest.approx(chance["coordinates"]))
    assert (chance["coordinates"] > 0.9) == (n_models < 6)
    assert chance["axes"] == chance["rigid"] == 0.0


@pytest.mark.parametrize(("spread", "least"), [(None, 270), (8.0, 270), (2.0, 255)])
def test_interval_holds_the_mean_about_as_often_as_it_says(spread, least):
    """Of 300 experiments 285 at 95 percent, 270 being 4 deviations below.

    Runs are equally noisy, or by a factor that is gamma distributed: the more of its variance lies
    in few runs, the less often six of them tell. Other rows each time.
    """
    rng = np.random.RandomState(0)

    def draw(n_models, n_rows):
        base = rng.normal(size=(n_rows, 3))
        noise = np.full(n_models, 0.2)
        if spread:
            noise = rng.gamma(spread, 0.2 / spread, size=n_models)
        return base + noise[:, None, None] * rng.normal(size=(n_models, n_rows, 3))

    def score(latents):
        blocks = latents.reshape(len(latents), 10, -1, 3)
        errors = ((blocks[None] - blocks[:, None]) ** 2).sum(axis=(3, 4))
        return errors, ((blocks - latents.mean(axis=1)[:, None, None]) ** 2).sum(axis=(2, 3))

    truth = np.mean([mean_of_pairs(pair_scores(*score(draw(40, 400)))) for _ in range(50)])
    held = 0
    for _ in range(300):
        low, high = interval(*score(draw(6, 100)), 0.95)
        held += low <= truth <= high
    assert held >= least


def test_interval_of_two_runs_is_that_of_rows_alone():
    errors, totals = (
        value for value in map_errors(spaces("coordinates", 0)[0][:2], np.arange(N) % 10)
    )
    low, high = interval(errors["rigid"], totals, 0.95)
    assert 0.95 < low < high <= 1


def test_equal_spaces():
    latents = np.array([spaces("coordinates", 0)[0][0]] * 3)
    errors, totals = map_errors(latents, np.arange(N) % 10)
    for kind in MAPS:
        low, high = interval(errors[kind], totals, 0.95)
        assert low == pytest.approx(1.0, abs=1e-12)
        assert high <= 1.0 + 1e-12
    assert set(floors(latents, 10, np.random.RandomState(0))) == set(LEVELS)


def test_many_rows_are_sampled_for_neighbours():
    latents = np.random.RandomState(0).normal(size=(2, 5_100, 2))
    errors, totals, n_rows = neighbor_errors(
        latents, np.arange(5_100) % 10, 5, np.random.RandomState(0)
    )
    assert n_rows == 5_000 == totals[0].sum()
    assert 0.99 < errors[0, 1].sum() / 5_000 <= 1
