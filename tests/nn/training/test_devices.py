"""Threads, devices, and a torch state of one's own."""

import threading

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.nn.training.devices import resolve_device, suitable_threads, work_of

X = np.random.default_rng(0).random((60, 6)).astype(np.float32)
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


@pytest.fixture
def two_threads():
    """Torch with two threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Watching(torch.nn.Module):
    """Notes how many threads there are while it runs."""

    def __init__(self, n, d, seen):
        super().__init__()
        self.layer, self.seen = torch.nn.Linear(n, d), seen

    def __deepcopy__(self, memo):
        copy = Watching(self.layer.in_features, self.layer.out_features, self.seen)
        copy.load_state_dict(self.state_dict())
        return copy

    def forward(self, x):
        self.seen.append(torch.get_num_threads())
        return self.layer(x)


def watched(seen):
    return VAE(
        2, architecture=lambda n, d, s: (Watching(n, 4, seen), torch.nn.Linear(d, n)), **SMALL
    )


def test_small_networks_train_and_encode_on_one_thread(two_threads):
    """And give back what they found."""
    seen = []
    model = watched(seen).fit(X)
    del seen[:2]  # tried out before training
    model.transform(X)
    model.score(X)
    assert set(seen[-6:]) == {1}
    assert torch.get_num_threads() == 2


def test_given_back_after_an_error(two_threads):
    """Whatever ends a fit."""

    def fail(parameters, lr):
        raise RuntimeError("no")

    with pytest.raises(ValueError, match="RuntimeError: no"):
        VAE(2, optimizer=fail, **SMALL).fit(X)
    assert torch.get_num_threads() == 2


def test_large_work_takes_what_there_is(two_threads):
    """The crossover is by the shapes."""
    with suitable_threads(1e12):
        assert torch.get_num_threads() == 2
    small = work_of(torch.nn.Linear(64, 32), 128)
    assert small < work_of(torch.nn.Linear(4096, 4096), 128)
    assert work_of(torch.nn.Conv2d(1, 1, 3), 1) == float("inf")


def test_a_limit_of_the_users_own_is_respected():
    """One stays one, for large work too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for work in (1.0, 1e12):
            with suitable_threads(work):
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_two_fits_at_once_in_two_threads(two_threads):
    """A Python thread that begins while another is limited inherits no limit."""
    inside, finish, found = threading.Event(), threading.Event(), {}

    def first():
        with suitable_threads(1.0):
            inside.set()
            finish.wait(10)
        found["first"] = torch.get_num_threads()

    def second():
        with suitable_threads(1.0):
            found["within"] = torch.get_num_threads()
        found["second"] = torch.get_num_threads()
        with suitable_threads(1e12):
            found["large"] = torch.get_num_threads()

    threads = [threading.Thread(target=target) for target in (first, second)]
    threads[0].start()
    inside.wait(10)
    threads[1].start()
    threads[1].join()
    finish.set()
    threads[0].join()
    found["main"] = torch.get_num_threads()
    fresh = threading.Thread(target=lambda: found.update(fresh=torch.get_num_threads()))
    fresh.start()
    fresh.join()
    expected = {"within": 1, "first": 2, "second": 2, "large": 2, "main": 2, "fresh": 2}
    assert found == expected


@pytest.mark.parametrize("device", ["mps", "meta", "nonsense", "xpu", 3.5])
def test_devices_that_are_not_there(device):
    """A ValueError in our words."""
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has an MPS device, which is then no wrong one")
    with pytest.raises(ValueError, match="device="):
        resolve_device(device)


@pytest.mark.parametrize("parameters", [{}, {"posterior": "full"}, {"early_stopping": True}])
def test_nothing_depends_on_the_callers_torch_state(parameters):
    """Defaults, modes and autocast of the caller's, in training and inference."""

    def results():
        model = VAE(2, **SMALL | parameters).fit(X)
        Z = model.transform(X)
        return [Z, model.inverse_transform(Z), model.score(X), model.sample(3, random_state=0)]

    def same(found):
        return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))

    expected = results()
    with torch.no_grad():
        assert same(results())
    with torch.inference_mode():
        assert same(results())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert same(results())
    try:
        torch.set_default_dtype(torch.float64)
        assert same(results())
        torch.set_default_dtype(torch.float32)
        torch.set_default_device("meta")
        assert same(results())
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def test_others_that_draw_change_no_initial_weights():
    """Another thread may draw from torch's global generator all the time."""
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            torch.rand(1)

    other = threading.Thread(target=draw)
    tiny = SMALL | {"max_epochs": 1, "hidden_layer_sizes": (64, 64), "init": "random"}
    expected = VAE(2, **tiny).fit(X).transform(X)
    other.start()
    try:
        for _ in range(10):
            np.testing.assert_array_equal(VAE(2, **tiny).fit(X).transform(X), expected)
    finally:
        stop.set()
        other.join()
