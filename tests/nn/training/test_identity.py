"""Runs are known by the content of their parameters, code included."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.nn.training.identity import UnidentifiableError, identify


def defined(source, name="f", **names):
    """What a piece of code defines, as a cell of a notebook would."""
    space = {"__name__": "__main__", "torch": torch, **names}
    exec(compile(source, "<cell>", "exec"), space)
    return space[name]


OPTIMIZER = "def f(params, lr, weight_decay={}):\n    return torch.optim.Adam(params, lr)\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (defined(OPTIMIZER.format(0.0)), defined(OPTIMIZER.format(0.5))),
        (defined("def f(x):\n    return x * a", a=1), defined("def f(x):\n    return x * a", a=2)),
        (
            defined("def f(x, *, k=1):\n    return k"),
            defined("def f(x, *, k=2):\n    return k"),
        ),
        (
            defined("def g(x):\n    return x\ndef f(x):\n    return g(x)"),
            defined("def g(x):\n    return -x\ndef f(x):\n    return g(x)"),
        ),
        (
            defined("class f:\n    def run(self):\n        return 1"),
            defined("class f:\n    def run(self):\n        return 2"),
        ),
        (
            defined("class c:\n    def run(self):\n        return 1\nf = c()"),
            defined("class c:\n    def run(self):\n        return 2\nf = c()"),
        ),
        (
            defined("def f(x):\n    return [a for _ in x]", a=1),
            defined("def f(x):\n    return [a for _ in x]", a=2),
        ),
        (
            functools.partial(torch.optim.Adam, betas=(0.5, 0.9)),
            functools.partial(torch.optim.Adam, betas=(0.6, 0.9)),
        ),
        (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)),
        ({"a": np.arange(3)}, {"a": np.arange(3) + 1}),
        (np.random.RandomState(0), np.random.RandomState(1)),
    ],
)
def test_what_differs_is_told_apart(one, other):
    """Defaults, globals, helpers, methods, arguments, weights, arrays."""
    assert identify(one) != identify(other)
    assert json.dumps(identify(one)) == json.dumps(identify(one))


@pytest.mark.parametrize(
    "make",
    [
        lambda: defined(OPTIMIZER.format(0.0)),
        lambda: defined("\n\n" + OPTIMIZER.format(0.0)),
        lambda: functools.partial(defined(OPTIMIZER.format(0.0)), weight_decay=1.0),
        lambda: defined("class c:\n    k = 3\n    def run(self):\n        return 1\nf = c().run"),
        lambda: defined("class f:\n    def __call__(self):\n        return 1")(),
        lambda: {"a": (1, 2.5, None), "b": [torch.float32, np.float64(2)]},
    ],
)
def test_the_same_again_is_the_same(make):
    """Made anew, as in another process."""
    assert json.dumps(identify(make())) == json.dumps(identify(make()))


def test_lines_and_files_do_not_matter():
    """The next run of a notebook's cell stands elsewhere."""
    assert identify(defined(OPTIMIZER.format(0.0))) == identify(
        defined("\n\n\n" + OPTIMIZER.format(0.0))
    )


def test_alike_in_another_process():
    """Nothing depends on addresses or on the order of hashes."""
    code = (
        "import json, torch, functools\n"
        "from sklatent.nn.training.identity import identify\n"
        "def f(params, lr, names=frozenset({'a', 'b', 'c'})):\n    return params\n"
        "print(json.dumps(identify([f, functools.partial(f, lr=1), torch.optim.Adam])))\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout != ""


def test_what_cannot_be_known_is_said_and_not_resumed(tmp_path):
    """Compiled code with a state: no checkpoint, and a warning."""
    with pytest.raises(UnidentifiableError, match="generator"):
        identify(i for i in range(3))
    counter = defined("def f(x):\n    return next(state)", state=iter([1, 2]))
    with pytest.raises(UnidentifiableError):
        identify(counter)
    X = np.random.default_rng(0).random((40, 4))

    state = iter(())

    def optimizer(parameters, lr):
        next(state, None)
        return torch.optim.Adam(parameters, lr)

    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=1, random_state=0, optimizer=optimizer)
    with pytest.warns(UserWarning, match="checkpoint_dir is not used"):
        model.set_params(checkpoint_dir=tmp_path).fit(X)
    assert list(tmp_path.iterdir()) == []
