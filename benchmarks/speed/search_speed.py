"""A search over candidates and folds: GridSearchCV, the fused search and halving, in processes.

Of the large grid GridSearchCV gets every seventh candidate, and its time is multiplied: its fits
are independent of each other. Everything is timed in turn, and medians are over rounds. ``--cpu``
is for a machine that others use as well: one process for each search, and seconds of processor
time. Stacks on a GPU are in ``gpu``.
"""

import time
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from joblib import parallel_config
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

from benchmarks._common import Report, median_ratio, parser, remark, time_interleaved
from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.model_selection import FusedGridSearchCV, FusedHalvingGridSearchCV, retrain
from sklatent.models import _inference, _members
from sklatent.models._fit_together import fit_models
from sklatent.nn.stacking.layers import affine, product
from sklatent.nn.training.net import LatentNet

LIMIT = 82e9  # floating-point operations a second that one core reached with a kernel by hand
RUNS = 12
FOLDS = 3
SETTINGS = {"random_state": 0, "early_stopping": False}
WAYS = {
    "GridSearchCV": GridSearchCV,
    "fused": FusedGridSearchCV,
    "halving": partial(FusedHalvingGridSearchCV, factor=3),
}
# Rows, candidates, epochs, and of how many candidates GridSearchCV gets one.
GRIDS = {"quick": (300, 3, 3, 1), "default": (2112, 231, 20, 7), "full": (2112, 231, 20, 1)}


def large_grid(size):
    """Data, model, values of beta, and of how many of them GridSearchCV gets one."""
    n_rows, n_candidates, epochs, every = GRIDS[size]
    X, _ = make_eight_gaussians(n_rows, random_state=0)
    model = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=epochs, **SETTINGS)
    return X, model, np.geomspace(0.1, 4.0, n_candidates), every


def larger_networks(size):
    """Name, data and model of searches in which a stack gains little or nothing."""
    n = {"quick": 150, "default": 1200, "full": 6000}[size]
    rng = np.random.default_rng(0)
    images, table = rng.uniform(size=(n, 784)), rng.normal(size=(n, 100))
    conv = {"architecture": "conv", "image_shape": (1, 28, 28)}
    return [
        ("100-256-256-10", table, VAE(10, max_epochs=2, **SETTINGS)),
        ("784-256-256-10", images, VAE(10, max_epochs=2, **SETTINGS)),
        ("784-1024-1024-10", images[: n // 2],
         VAE(10, hidden_layer_sizes=(1024, 1024), max_epochs=1, **SETTINGS)),
        ("conv, 28x28", images[: n // 6], VAE(10, max_epochs=1, **conv, **SETTINGS)),
    ]  # fmt: skip


def compare(X, model, betas, ways, n_jobs, repeats, every=1):
    """Seconds of each way, round by round, and the best score of each."""
    best = {}

    def search(name, kind):
        values = betas[::every] if name == "GridSearchCV" else betas
        found = kind(model, {"beta": list(values)}, cv=FOLDS, refit=False, n_jobs=n_jobs).fit(X)
        best[name] = found.best_score_

    seconds = in_turn({name: partial(search, name, WAYS[name]) for name in ways}, n_jobs, repeats)
    seconds["GridSearchCV"] = seconds["GridSearchCV"] * len(betas) / len(betas[::every])
    return seconds, best


def one_lost(X, model, betas, n_jobs, repeats):
    """Time of a search one of whose candidates fails, as a ratio to that of one where none does."""
    grids = {"all well": [*betas], "one lost": [*betas[:-1], 1e39]}
    calls = {
        name: partial(
            FusedGridSearchCV(model, {"beta": grid}, cv=FOLDS, refit=False, n_jobs=n_jobs).fit, X
        )
        for name, grid in grids.items()
    }
    seconds = in_turn(calls, n_jobs, repeats)
    return median_ratio(seconds["one lost"], seconds["all well"])


def in_turn(calls, n_jobs, repeats):
    """Seconds of calls, round by round; with one process they are those of its processor."""
    if n_jobs > 1:
        return time_interleaved(calls, repeats=repeats, warmup=0)
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


class Idle(BaseEstimator):
    """A model whose fit does nothing: what it costs is scikit-learn's own loop."""

    def __init__(self, beta=1.0):
        self.beta = beta

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def score(self, X, y=None):
        """Do nothing."""
        return 0.0


def own_loop(X, betas):
    """Milliseconds of processor time that scikit-learn's search takes for a fit of `Idle`."""
    start = time.process_time()
    GridSearchCV(Idle(), {"beta": list(betas)}, cv=FOLDS, refit=False).fit(X)
    return 1e3 * (time.process_time() - start) / (FOLDS * len(betas))


def kernels_alone(model, n_features, n_models=116, repeats=50):
    """Microseconds of a step of one model for products and activations alone, with caches warm."""
    widths = (n_features, *model.hidden_layer_sizes)
    shapes = [*pairwise(widths), (widths[-1], 2 * model.n_components)]
    shapes += [*pairwise((model.n_components, *reversed(model.hidden_layer_sizes), n_features))]
    hidden = [shape[1] for shape in shapes if shape[1] in model.hidden_layer_sizes]

    def least(call):
        seconds = []
        for _ in range(repeats):
            start = time.process_time()
            call()
            seconds.append(time.process_time() - start)
        return min(seconds)

    spent = 0.0
    for n_in, n_out in shapes:
        x, g = (torch.ones(n_models, model.batch_size, n) for n in (n_in, n_out))
        w, b = torch.ones(n_models, n_out, n_in), torch.ones(n_models, n_out)
        calls = [partial(affine, x, w, b), partial(product, g.mT, x)]
        if n_in != n_features:
            calls.append(partial(product, g, w))
        spent += sum(map(least, calls))
    for n in hidden:
        x, g = (torch.ones(n_models, model.batch_size, n) for _ in range(2))
        slope = partial(torch.ops.aten.silu_backward.grad_input, g, x, grad_input=g)
        spent += least(partial(torch.nn.functional.silu, x)) + least(slope)
    return 1e6 * spent / n_models


class Spent:
    """Processor time inside some functions, while a block runs."""

    def __init__(self, **places):
        self.places, self.seconds = places, dict.fromkeys(places, 0.0)
        self.originals = []

    def __enter__(self):
        for name, owners in self.places.items():
            for owner, attribute in owners:
                original = getattr(owner, attribute)
                self.originals.append((owner, attribute, original))
                setattr(owner, attribute, self._timed(name, original))
        return self

    def _timed(self, name, original):
        def timed(*args, **kwargs):
            start = time.process_time()
            try:
                return original(*args, **kwargs)
            finally:
                self.seconds[name] += time.process_time() - start

        return timed

    def __exit__(self, *error):
        for owner, attribute, original in self.originals:
            setattr(owner, attribute, original)


def anatomy(X, model, betas, repeats):
    """Where a fused search's processor time goes, in milliseconds of one process for each fit.

    Returns rows of (part, ms): the steps of training; what the networks compute for scores and for
    the look at the end of a fit; and all else, which is set-up.
    """
    n_fits, best = FOLDS * len(betas), None
    for _ in range(repeats):
        with (
            Spent(
                steps=[(LatentNet, "partial_fit")],
                inference=[(_inference, "map_in_blocks"), (_members, "map_in_blocks")],
            ) as spent,
            parallel_config(backend="sequential"),
        ):
            start = time.process_time()
            FusedGridSearchCV(model, {"beta": list(betas)}, cv=FOLDS, refit=False).fit(X)
            whole = time.process_time() - start
        parts = spent.seconds | {"set-up": whole - sum(spent.seconds.values())}
        best = parts if best is None or parts["set-up"] < best["set-up"] else best
    return [[name, 1e3 * seconds / n_fits] for name, seconds in best.items()]


def flops(model, n_features):
    """Floating-point operations of one step of one model."""
    X = np.random.default_rng(0).normal(size=(200, n_features))
    model = clone(model).set_params(max_epochs=1).fit(X)
    return 6.0 * model.batch_size * sum(p.numel() for p in model.net_.module_.parameters())


def n_steps(X, model):
    """Steps of a fit."""
    return -(-len(X) // model.batch_size) * model.max_epochs


def growth(size):
    """What grows, its value, microseconds of a step of one model in a stack, and the limit."""
    most = {"quick": 4, "default": 256, "full": 1024}[size]
    base = {"K": min(64, most), "rows": 1408, "width": 32, "epochs": 5}
    if size == "quick":
        base |= {"rows": 300, "epochs": 1}
    tried = {
        "K": [k for k in (1, 4, 16, 64, 256, 1024) if k <= most],
        "rows": [base["rows"] // 4, base["rows"], 4 * base["rows"]],
        "width": [16, 32, 64, 128, 256] if size != "quick" else [16, 32],
        "epochs": [1, base["epochs"], 4 * base["epochs"]],
    }
    for name, values in tried.items():
        for value in values:
            given = base | {name: value}
            X, _ = make_eight_gaussians(given["rows"], random_state=0)
            model = VAE(2, hidden_layer_sizes=(given["width"],) * 2, max_epochs=given["epochs"],
                        early_stopping=False)  # fmt: skip
            n_models = given["K"] if name != "width" else max(1, given["K"] // 4)
            models = [clone(model).set_params(random_state=k) for k in range(n_models)]
            start = time.process_time()
            fit_models(models, X)
            spent = time.process_time() - start
            limit = 1e6 * flops(model, X.shape[1]) / LIMIT
            yield [name, value, 1e6 * spent / n_models / n_steps(X, model), limit]


def remarks(found):
    """Which of the bars are met."""
    for name, what, bar, more_is_better in (
        ("faster", "The fused search is {:.3g} times as fast as GridSearchCV", 12.0, True),
        ("limit", "The fused search takes {:.3g} times the limit", 4.0, False),
        ("halving", "Halving takes {:.2g} of the fused search", 0.45, False),
        ("behind", "Halving's best candidate scores {:.2g} nats less", 0.005, False),
        ("least", "No larger network is searched at less than {:.3g} of the speed", 0.97, True),
        ("retrain", "`retrain` as one stack is {:.3g} times as fast", 5.0, True),
        ("set-up", "Set-up takes {:.3g} ms a fit", 0.5, False),
    ):
        met = found[name] >= bar if more_is_better else found[name] <= bar
        said = what.format(found[name])
        yield remark(met, f"{said}: the bar of {bar:g} is met.")
        yield remark(not met, f"{said}: the bar of {bar:g} is **not** met.")
    yield remark(
        found["limit"] > 4.0 and found["kernels"] > 1.5,
        f"Products and activations alone, with caches warm, take {found['kernels']:.2g} times the "
        "limit, which counts the products of weights at the speed of large ones.",
    )
    yield remark(
        found["set-up"] > 0.5 and found["own loop"] > 0.25,
        f"Of the set-up {found['own loop']:.2g} ms are scikit-learn's own; the rest is a "
        "candidate's start in closed form, what a fit warns of at its end, and data made ready.",
    )


def main(argv=None):
    """Time all ways in turn and report them beside the limit of the arithmetic."""
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, help="rounds, where not the usual number")
    arguments.add_argument("--n-jobs", type=int, default=2, help="processes of every search")
    arguments.add_argument("--cpu", action="store_true", help="seconds of one processor")
    options = arguments.parse_args(argv)
    size, n_jobs = options.size, 1 if options.cpu else options.n_jobs
    repeats = options.repeats or {"quick": 1, "default": 3, "full": 3}[size]
    report = Report("Searches", options.out, keeps_remarks=False)
    what = "Seconds of processor time" if options.cpu else "Seconds"
    ratios = "Ratios are within a round: the median, the smallest and the largest."
    X, model, betas, every = large_grid(size)
    share = "" if every == 1 else f" GridSearchCV got one candidate of {every}, times {every}."
    report.text(
        f"{what} of a search over {len(betas)} values of beta in {FOLDS} folds, "
        f"{model.max_epochs} epochs of 5-32-32-2 on {len(X)} rows, without the refit and with "
        f"n_jobs={n_jobs}: medians over {repeats} rounds in turn.{share} {ratios} The limit is the "
        "time that the arithmetic of all steps takes at 82 GFLOP/s on each core."
    )
    seconds, best = compare(X, model, betas, WAYS, n_jobs, repeats, every)
    print({way: times.round(2).tolist() for way, times in seconds.items()}, flush=True)
    work = flops(model, X.shape[1]) * n_steps(X[: len(X) * 2 // 3], model) * FOLDS * len(betas)
    limit = work / LIMIT / n_jobs
    report.table(
        ["way", "s", "times faster", "times the limit", "best score"],
        [
            [way, float(np.median(times)), median_ratio(seconds["GridSearchCV"], times),
             float(np.median(times)) / limit, best[way]]
            for way, times in seconds.items()
        ],
    )  # fmt: skip
    halving = median_ratio(seconds["halving"], seconds["fused"])
    faster = median_ratio(seconds["GridSearchCV"], seconds["fused"])
    found = {
        "faster": faster.middle,
        "limit": float(np.median(seconds["fused"])) / limit,
        "halving": halving.middle,
        "behind": best["fused"] - best["halving"],
    }
    report.text(
        f"The limit is {limit:.2f} s. Halving takes {halving} of the fused search; its best "
        f"candidate scores {best['halving'] - best['fused']:.2g} beside the fused search's."
    )

    report.text(
        f"Larger networks, three values of beta in {FOLDS} folds, {3 * repeats} rounds: never "
        f"slower. {ratios}"
    )
    rows = []
    for name, data, larger in larger_networks(size):
        ways = ("GridSearchCV", "fused")
        # They are short, and what they are to show is small.
        seconds, _ = compare(data, larger, np.array([0.5, 1.0, 2.0]), ways, n_jobs, 3 * repeats)
        print(name, {way: times.round(2).tolist() for way, times in seconds.items()}, flush=True)
        medians = [float(np.median(seconds[way])) for way in ways]
        rows.append([name, *medians, median_ratio(seconds[ways[0]], seconds[ways[1]])])
    report.table(["network", "GridSearchCV, s", "fused, s", "times faster"], rows)
    found["least"] = min(row[-1].middle for row in rows)

    calls = {
        way: partial(
            retrain, clone(model).set_params(max_epochs=min(model.max_epochs, 10)), X, n_runs=RUNS,
            fused=fused, random_state=0,
        )
        for way, fused in (("one by one", False), ("one stack", True))
    }  # fmt: skip
    times = in_turn(calls, n_jobs, max(repeats, 3) if size != "quick" else 1)
    faster = median_ratio(times["one by one"], times["one stack"])
    found["retrain"] = faster.middle
    report.text(f"`retrain(n_runs={RUNS})` of 5-32-32-2 as one stack: {faster} times one by one.")

    lost = one_lost(X, model, betas[:: -(-len(betas) // 60)], n_jobs, max(repeats, 3))
    report.text(
        "A search in which one value of beta is 1e39, whose loss becomes infinite, takes "
        f"{lost} of the time of the same one without it."
    )

    step = flops(model, X.shape[1])
    report.text(
        "What each fit of the large grid costs in one process, in milliseconds of its processor: "
        "steps of training, what the networks compute for scores and at the end of a fit, and all "
        f"else, which is set-up. {n_steps(X[: len(X) * 2 // 3], model)} steps of arithmetic take "
        f"{1e3 * step * n_steps(X[: len(X) * 2 // 3], model) / LIMIT:.2f} ms at 82 GFLOP/s; a "
        f"large product runs at {product_rate() / 1e9:.0f} GFLOP/s here and now."
    )
    parts = anatomy(X, model, betas, 1 if size == "quick" else 3)
    parts.append(["of which scikit-learn's own, by a fit that does nothing", own_loop(X, betas)])
    report.table(["part", "ms a fit"], parts)
    found |= {"set-up": parts[2][1], "own loop": parts[3][1]}
    found["kernels"] = kernels_alone(model, X.shape[1]) * LIMIT / step / 1e6
    report.text(
        "A step of one model in one stack, in microseconds of processor time of one process with "
        "everything in it, as one thing grows (64 models of 2x32 units, 1408 rows and 5 epochs; 16 "
        "where the width grows), and the limit."
    )
    report.table(["grows", "to", "us", "limit, us"], list(growth(size)))
    report.remarks(remarks(found))
    report.write()


if __name__ == "__main__":
    main()
