"""K models as one stack on a GPU: against one by one and two processes, and captured as a graph.

Runs unchanged on a machine without one: then everything is on the CPU, and the columns of CUDA
graphs are empty.
"""

import time

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.base import clone

from benchmarks._common import Report, parser
from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.models._fit_together import fit_models
from sklatent.nn.objectives import elbo_terms
from sklatent.nn.stacking.modules import stack_modules

BATCH = 128
SINGLE = 4  # models that are trained one by one; the others cost the same
GRAPH_STEPS = 50


def cases(size):
    """Name, data, model and numbers of models."""
    n, few = {"quick": (256, 256), "default": (2560, 1280), "full": (12_800, 6400)}[size]
    most = {"quick": 2, "default": 256, "full": 1024}[size]
    counts = [k for k in (1, 2, 4, 16, 64, 256, 1024) if k <= most]
    small, _ = make_eight_gaussians(n, random_state=0)
    images = np.random.default_rng(0).uniform(size=(few, 784)).astype(np.float32)
    settings = {"max_epochs": 1 if size == "quick" else 3, "batch_size": BATCH,
                "early_stopping": False}  # fmt: skip
    conv = VAE(10, architecture="conv", image_shape=(1, 28, 28), **settings)
    return [
        ("MLP, 5-32-32-2", small, VAE(2, hidden_layer_sizes=(32, 32), **settings), counts),
        ("MLP, 784-256-256-10", images, VAE(10, **settings), [k for k in counts if k <= 256]),
        ("conv, 28x28", images, conv, [k for k in counts if k <= 64]),
    ]


def copies(model, n_models, device):
    """Models that differ in their seeds."""
    return [clone(model).set_params(device=device, random_state=k) for k in range(n_models)]


def waited(device):
    """The clock, once a GPU has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


def stacked(model, X, n_models, device):
    """Seconds of training all models as one stack."""
    models = copies(model, n_models, device)
    start = waited(device)
    fit_models(models, X)
    return waited(device) - start


def one_by_one(model, X, n_models, device):
    """Seconds of training them one after the other, from a few of them."""
    models = copies(model, min(n_models, SINGLE), device)
    start = waited(device)
    for one in models:
        one.fit(X)
    return (waited(device) - start) * n_models / len(models)


def _train_some(model, X, seeds, device):
    for one in copies(model, len(seeds), device):
        one.fit(X)


def two_processes(model, X, n_models, device):
    """Seconds of training them in two processes, from a few of them."""
    few = min(n_models, 2 * SINGLE)
    halves = [range(few)[k::2] for k in range(2)]
    with Parallel(n_jobs=2) as parallel:
        run = [delayed(_train_some)(model, X, half, device) for half in halves if len(half)]
        parallel(delayed(_train_some)(model, X[:BATCH], range(1), device) for _ in range(2))
        start = time.perf_counter()
        parallel(run)
        return (time.perf_counter() - start) * n_models / few


class Steps:
    """Steps of a stack's training on one batch that stays where it is, as a graph needs it.

    Parameters
    ----------
    model : VAE
        Not fitted.
    X : ndarray of shape (n_samples, n_features)
        Of which the first batch is taken.
    n_models : int
        In the stack.
    device : str
        Where.
    """

    def __init__(self, model, X, n_models, device):
        fitted = clone(model).set_params(max_epochs=1, device="cpu", random_state=0).fit(X[:BATCH])
        self.module = stack_modules([fitted.net_.module_] * n_models).to(device).train()
        x = torch.as_tensor(X[:BATCH], dtype=torch.float32, device=device)
        self.x = x.expand(n_models, *x.shape).contiguous()
        self.noise = torch.randn(n_models, len(x), model.n_components, device=device)
        graph = device.startswith("cuda")
        self.optimizer = torch.optim.Adam(
            self.module.parameters(), lr=1e-3, fused=True, capturable=graph
        )

    def __call__(self):
        """One step; its loss, summed over models."""
        self.optimizer.zero_grad(set_to_none=True)
        posterior = self.module.encode(self.x)
        output = self.module.decode(posterior.sample(self.noise))
        log_likelihood = self.module.likelihood.log_prob(self.x, output)
        terms = elbo_terms(log_likelihood, posterior.kl(), 1.0, lambda rows: rows.mean(-1))
        loss = sum(terms.values()).sum()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def captured(self):
        """The same as a CUDA graph: what launches all of a step's kernels at once."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self()
        return graph.replay


def seconds_of_steps(step, device, n_steps=GRAPH_STEPS):
    """Seconds of one step, of many in a row."""
    step()
    start = waited(device)
    for _ in range(n_steps):
        step()
    return (waited(device) - start) / n_steps


def main(argv=None):
    """Train by each way, and report microseconds of a step of one model."""
    arguments = parser(__doc__)
    arguments.add_argument("--device", help="where, if not on a GPU that is there")
    options = arguments.parse_args(argv)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    graphs = device.startswith("cuda")
    report = Report("Stacks on a GPU", options.out)
    report.text(
        f"Microseconds of a step of one model on {device}, batches of {BATCH}, everything "
        f"included: K models as one stack, one by one and in two processes (from {SINGLE} models "
        "for each). Then steps alone, of one batch that stays on the device: as torch runs them, "
        "and captured as a CUDA graph, which is what a graph could save."
    )
    rows = []
    for name, X, model, counts in cases(options.size):
        steps = -(-len(X) // BATCH) * model.max_epochs
        for n_models in counts:
            ways = [way(model, X, n_models, device) for way in (stacked, one_by_one, two_processes)]
            step = Steps(model, X, n_models, device)
            n = 3 if options.size == "quick" else GRAPH_STEPS
            alone = 1e6 * seconds_of_steps(step, device, n) / n_models
            graph = 1e6 * seconds_of_steps(step.captured(), device, n) / n_models if graphs else "-"
            each = [1e6 * seconds / n_models / steps for seconds in ways]
            rows.append([name, n_models, *each, alone, graph])
            print(rows[-1], flush=True)
    report.table(
        ["network", "K", "one stack", "one by one", "two processes", "steps alone", "CUDA graph"],
        rows,
    )
    report.write()


if __name__ == "__main__":
    main()
