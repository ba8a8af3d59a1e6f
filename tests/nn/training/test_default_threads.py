"""What a newcomer meets, whose torch takes as many threads as there are cores."""

import io
import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import sys
import numpy as np, torch
from sklatent import VAE, VAEEnsemble
X = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
small = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}
found = []
for before in map(int, sys.argv[1:]):
    torch.set_num_threads(before)
    models = [VAE(2, **small), VAEEnsemble(2, n_estimators=2, **small)]
    found.append([model.fit(X).transform(X) for model in models])
    assert torch.get_num_threads() == before, (before, torch.get_num_threads())
    try:
        VAE(2, learning_rate=1e29, **small).fit(X)
    except ValueError:
        pass
    assert torch.get_num_threads() == before, "after an error"
np.save(sys.stdout.buffer, np.stack(found))
"""


def at(*n_threads):
    """Latents of small models, by threads, in a process of its own without our suite's limit."""
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    settings = {name: value for name, value in os.environ.items() if name not in limits}
    call = [sys.executable, "-W", "ignore", "-c", SCRIPT, *map(str, n_threads)]
    done = subprocess.run(call, env=settings, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return np.load(io.BytesIO(done.stdout))


def test_small_models_are_the_same_at_any_number_of_threads_which_is_given_back():
    four, one = at(4, 1)
    np.testing.assert_array_equal(four, one)
