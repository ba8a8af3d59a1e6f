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


# Each makes f, which differs where {v} does.
KINDS = {
    "dataclass": "@dataclass\nclass C:\n    a: float = {v}\n    def __call__(self, x):\n"
    "        return x * self.a\nf = C()",
    "factory": "@dataclass\nclass C:\n    a: list = field(default_factory=lambda: [{v}])\nf = C",
    "enum": "class E(enum.Enum):\n    A = {v}\ndef f(x):\n    return E.A.value",
    "constant set": "def f(x):\n    return x in {{'a', 'b', 'c', 'd', {v}}}",
    "import inside": "def f(x):\n    import own_one\n    return own_one.g(x) + {v}",
    "own module": "import own_one\ndef f(x):\n    return own_one.g(x) + {v}",
    "set in a module": "import own_one\nown_one.K = {v}\ndef f(x):\n    return own_one.g(x)",
    "cached": "class C:\n    @functools.cached_property\n    def a(self):\n        return {v}\n"
    "f = C()",
    "lru_cache": "@functools.lru_cache\ndef f(x):\n    return {v}",
    "metaclass": "class M(type):\n    a = {v}\nclass f(metaclass=M):\n    pass",
    "protocol": "class P(typing.Protocol):\n    def g(self): ...\nclass f(P):\n    def g(self):\n"
    "        return {v}",
    "attribute of a function": "def f(x):\n    return x * f.a\nf.a = {v}",
    "closure of a library": "from torch.optim.swa_utils import get_ema_multi_avg_fn\n"
    "f = get_ema_multi_avg_fn(0.{v})",
    "itemgetter": "f = operator.itemgetter({v})",
    "pattern": "f = re.compile('a{{{v}}}')",
    "date": "f = datetime.date(2020, 1, {v})",
    "defaultdict": "f = collections.defaultdict(lambda: {v})",
    "mapping": "f = types.MappingProxyType({{'a': {v}}})",
    "range": "f = range({v})",
    "ufunc": "f = [np.tanh, np.sin, np.cos][{v}]",
    "numpy's generator": "f = np.random.default_rng({v})",
    "python's generator": "f = random.Random({v})",
    "long numbers": "f = torch.tensor([2**53 + {v}])",
    "doubles": "f = torch.tensor([1 + {v}e-12], dtype=torch.float64)",
    "mask": "f = np.ma.array([1, 2], mask=[{v} == 1, False])",
    "frame": "f = pandas.DataFrame({{'a': [1, {v}]}})",
    "fitted": "f = StandardScaler().fit(np.array([[0.0], [{v}]]))",
    "hook": "f = torch.nn.ReLU()\n_ = f.register_forward_hook(lambda *a: {v})",
    "logger": "log = logging.getLogger('a')\ndef f(x):\n    log.info(x)\n    return {v}",
}
HEAD = (
    "import collections, datetime, enum, functools, json, logging, operator, random, re, types\n"
    "import typing\nimport numpy as np, pandas, torch\nfrom dataclasses import dataclass, field\n"
    "from sklearn.preprocessing import StandardScaler\n"
)


def test_alike_in_another_process_and_told_apart(tmp_path):
    """Nothing depends on addresses or the order of hashes; what own modules import counts."""
    file, other = tmp_path / "script.py", tmp_path / "own_two.py"
    file.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{HEAD}import own_one\n"
        "from sklatent.nn.training.identity import identify\n"
        f"KINDS = {KINDS!r}\n"
        "for number in ('1', '1.5'):\n"
        f"    own_one.K, found = 1, {{}}\n    _ = open({str(other)!r}, 'w').write(\n"
        "        'def h(x): return x * ' + number)\n"
        "    for name, source in KINDS.items():\n        for v in (1, 2):\n"
        "            space = {**globals(), '__name__': '__main__'}\n"
        "            exec(compile(source.format(v=v), '<cell>', 'exec'), space)\n"
        "            found[f'{name} {v}'] = json.dumps(identify(space['f']))\n"
        "    print(json.dumps(found))\n"
    )
    (tmp_path / "own_one.py").write_text("import own_two\nK = 1\ndef g(x): return own_two.h(x)\n")
    runs = []
    for _ in range(2):
        other.write_text("def h(x): return x * 1")
        command = [sys.executable, "-B", "-W", "ignore", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        runs.append([json.loads(line) for line in done.stdout.splitlines()])
    assert runs[0] == runs[1]
    found, changed = runs[0]
    assert [name for name in KINDS if found[f"{name} 1"] == found[f"{name} 2"]] == []
    assert [name for name in found if found[name] != changed[name]] == [
        f"{name} {v}" for name in ("import inside", "own module", "set in a module") for v in (1, 2)
    ]


def test_what_cannot_be_known_is_said_and_not_resumed(tmp_path):
    """Compiled code with a state: no checkpoint, and a warning."""
    with pytest.raises(UnidentifiableError, match="generator"):
        identify(i for i in range(3))
    chain = []
    for _ in range(10_000):
        chain = [chain]
    with pytest.raises(UnidentifiableError, match="too much behind a list"):
        identify(chain)
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
