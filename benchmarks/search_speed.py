"""A search over candidates and folds: GridSearchCV, the fused search and halving, in processes.

``--device`` runs the last table (K models as one stack, by K) where it says, so that the same
script is for a GPU; the searches use processes and are left out there. ``--cpu`` is for a machine
that others use as well: one process for each search, and seconds of processor time.
"""

import time
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from benchmarks._common import Report, median_ratio, parser, time_interleaved
from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.model_selection import FusedGridSearchCV, FusedHalvingGridSearchCV, retrain
from sklatent.models._fit_together import fit_models

LIMIT = 82e9  # floating-point operations a second that one core reached with a kernel by hand
RUNS = 12
WAYS = {
    "GridSearchCV": GridSearchCV,
    "fused": FusedGridSearchCV,
    "halving": partial(FusedHalvingGridSearchCV, factor=3),
}


def searches(size):
    """Name, data, model, number of candidates and epochs of each search."""
    n_small, n_rows, epochs = {
        "quick": (3, 300, 3),
        "default": (12, 1500, 9),
        "full": (231, 2112, 20),
    }[size]
    small, _ = make_eight_gaussians(n_rows, random_state=0)
    wide = np.random.default_rng(0).uniform(size=(min(n_rows, 1500), 784))
    settings = {"random_state": 0, "early_stopping": False}
    return [
        ("8 Gaussians, 5-32-32-2", small,
         VAE(2, hidden_layer_sizes=(32, 32), max_epochs=epochs, **settings), n_small),
        ("784-256-256-10", wide,
         VAE(10, hidden_layer_sizes=(256, 256), max_epochs=min(epochs, 3), **settings), 3),
    ]  # fmt: skip


def compare(X, model, n_candidates, n_jobs, repeats):
    """Seconds of each way, round by round, and the best score of each."""
    grid = {"beta": list(np.geomspace(0.1, 4.0, n_candidates))}
    best = {}

    def search(name, kind):
        best[name] = kind(model, grid, cv=3, refit=False, n_jobs=n_jobs).fit(X).best_score_

    calls = {name: partial(search, name, kind) for name, kind in WAYS.items()}
    if n_candidates < 3 or model.max_epochs < 3:
        del calls["halving"]
    return in_turn(calls, n_jobs, repeats), best


def in_turn(calls, n_jobs, repeats):
    """Seconds of calls, round by round; with one process they are those of its processor."""
    if n_jobs > 1:
        return time_interleaved(calls, repeats=repeats, warmup=1)
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    return {name: np.array(times) for name, times in seconds.items()}


def product_rate():
    """Floating-point operations a second of one thread in a large product, here and now."""
    n, threads = 1024, torch.get_num_threads()
    torch.set_num_threads(1)
    a, best = torch.ones(n, n), 0.0
    for _ in range(5):
        start = time.process_time()
        a @ a
        best = max(best, 2.0 * n**3 / (time.process_time() - start))
    torch.set_num_threads(threads)
    return best


def anatomy(X, model, n_candidates, n_jobs, repeats):
    """Where a fused search's time goes: milliseconds of a fit beside its steps, and of each step.

    From searches of one epoch and of all: what does not grow with the epochs is set-up and scores.
    Returns rows of the least of `repeats`, in all processes together.
    """
    grid = {"beta": list(np.geomspace(0.1, 4.0, n_candidates))}
    stacks = {}

    def search(epochs):
        found = FusedGridSearchCV(
            clone(model).set_params(max_epochs=epochs), grid, cv=3, refit=False, n_jobs=n_jobs
        ).fit(X)
        stacks.setdefault(epochs, []).append(found.stacked_fit_time_)

    few, many = 1, max(model.max_epochs, 2)
    seconds = in_turn({n: partial(search, n) for n in (few, many)}, n_jobs, repeats)
    steps = -(-(len(X) * 2 // 3) // model.batch_size)
    n_fits = 3 * n_candidates
    for name, least in (
        ("whole search", {n: n_jobs * min(times) for n, times in seconds.items()}),
        ("stacks, without scores (on the clock)", {n: min(times) for n, times in stacks.items()}),
    ):
        epoch = (least[many] - least[few]) / (many - few)
        yield [name, 1e3 * (least[few] - epoch) / n_fits, 1e6 * epoch / steps / n_fits]


def flops(model, n_features):
    """Floating-point operations of one step of one model."""
    X = np.random.default_rng(0).normal(size=(200, n_features))
    model = clone(model).set_params(max_epochs=1).fit(X)
    return 6.0 * model.batch_size * sum(p.numel() for p in model.net_.module_.parameters())


def growth(counts, device, X, model):
    """Microseconds of a step of one model, by how many there are in the stack."""
    n_steps = -(-len(X) // model.batch_size) * model.max_epochs
    for n_models in counts:
        models = [clone(model).set_params(device=device, random_state=k) for k in range(n_models)]
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        start = time.perf_counter()
        fit_models(models, X)
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        yield n_models, 1e6 * (time.perf_counter() - start) / (n_models * n_steps)


def main(argv=None):
    """Time all ways in turn and report them beside the limit of the arithmetic."""
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, help="rounds, where not the usual number")
    arguments.add_argument("--n-jobs", type=int, default=2, help="processes of every search")
    arguments.add_argument("--device", default="cpu", help="where stacks by K are trained")
    arguments.add_argument("--cpu", action="store_true", help="seconds of one processor")
    options = arguments.parse_args(argv)
    n_jobs = 1 if options.cpu else options.n_jobs
    size = "quick" if options.quick else "full" if options.full else "default"
    repeats = options.repeats or {"quick": 1, "default": 3, "full": 3}[size]
    report = Report("Searches", options.out)
    if not options.device.startswith("cuda"):
        report.text(
            f"Seconds {'of processor time ' if options.cpu else ''}of a search with three folds, "
            f"without the refit, n_jobs={n_jobs} for each: medians over {repeats} rounds in "
            "turn. Ratios are to GridSearchCV within a round (median, smallest, largest): how many "
            "times faster. The limit is the time that "
            "the arithmetic of all steps takes at 82 GFLOP/s on each core."
        )
        rows, shares = [], []
        for name, X, model, n_candidates in searches(size):
            seconds, best = compare(X, model, n_candidates, n_jobs, repeats)
            print({way: times.round(2).tolist() for way, times in seconds.items()}, flush=True)
            n_steps = -(-(len(X) * 2 // 3) // model.batch_size) * model.max_epochs
            work = flops(model, X.shape[1]) * n_steps * 3 * n_candidates
            for way, times in seconds.items():
                ratio = median_ratio(seconds["GridSearchCV"], times)
                limit = work / LIMIT / n_jobs
                rows.append([name, 3 * n_candidates, model.max_epochs, way,
                             float(np.median(times)), ratio, limit, best[way]])  # fmt: skip
            if "halving" in seconds:
                shares.append([name, median_ratio(seconds["halving"], seconds["fused"])])
        report.table(
            ["network", "fits", "epochs", "way", "s", "times faster", "limit, s", "best score"],
            rows,
        )
        report.text("Halving's time as a share of the fused search's, within a round.")
        report.table(["network", "halving / fused"], shares)
        name, X, model, n_candidates = searches(size)[0]
        step = flops(model, X.shape[1])
        report.text(
            f"{name}: what a fit takes beside its steps (set-up, and scores where they are in it), "
            "and a step of one model, in all processes together. The arithmetic of a step takes "
            f"{1e6 * step / LIMIT:.0f} us at 82 GFLOP/s and {1e6 * step / product_rate():.0f} us "
            "at the rate of a large product here and now."
        )
        report.table(
            ["what", "ms a fit beside steps", "us a model-step"],
            list(anatomy(X, model, n_candidates, n_jobs, repeats)),
        )
        calls = {
            way: partial(retrain, model, X, n_runs=RUNS, fused=fused, random_state=0)
            for way, fused in (("one by one", False), ("one stack", True))
        }
        times = in_turn(calls, 1 if options.cpu else 2, repeats)
        report.text(f"`retrain(n_runs={RUNS})` in this process: one by one over one stack.")
        report.table(
            ["network", "times faster"],
            [[name, median_ratio(times["one by one"], times["one stack"])]],
        )
    report.text(
        f"K models of 5-32-32-2 as one stack on {options.device}: microseconds of a step of one "
        "model, everything included."
    )
    n_rows, epochs = (300, 1) if size == "quick" else (1408, 10)
    counts = {"quick": (1, 4), "default": (1, 4, 16, 64), "full": (1, 4, 16, 64, 256, 1024)}[size]
    X, _ = make_eight_gaussians(n_rows, random_state=0)
    model = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=epochs, early_stopping=False)
    report.table(["K", "us"], [list(row) for row in growth(counts, options.device, X, model)])
    report.write()


if __name__ == "__main__":
    main()
