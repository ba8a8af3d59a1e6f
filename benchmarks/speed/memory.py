"""Memory that inference, training on a memory-mapped file and searches take beyond their start.

What counts is anonymous memory (RssAnon): pages of a mapped file belong to the system, which takes
them back when it needs them.
"""

import multiprocessing
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks._common import Report, listed, parser, remark
from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.model_selection import FusedGridSearchCV

N_FEATURES = 784
# MB: over the baseline for 2 GB in a mapped file; in all for 100,000 rows in CSR.
MAPPED_BAR, CSR_BAR = 300, 1000
# Rows, columns, candidates and the bar in MB of each search; epochs do not matter for memory.
SEARCHES = {
    "quick": [(300, 5, 4, 600), (300, 40, 4, 300)],
    "default": [(2112, 5, 231, 600), (6000, 40, 100, 300)],
}
SIZES = {"quick": 20_000, "default": 640_000, "full": 1_280_000}  # rows; the default is 2 GB


def anonymous_megabytes():
    """Anonymous memory of this process at this moment."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise OSError("the system does not tell anonymous memory")


class Peak:
    """Watches the peak of anonymous memory while a block runs, above what there was before."""

    def __enter__(self):
        self.start = time.perf_counter()
        self.before = self.peak = anonymous_megabytes()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self):
        while not self.done.wait(0.005):
            self.peak = max(self.peak, anonymous_megabytes())

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.start
        self.done.set()
        self.thread.join()
        self.rise = self.peak - self.before


def in_a_fresh_process(function, *args):
    """What a function returns: what a process has freed before would hide what it takes."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def write_mapped(path, n_rows, dtype):
    """Fill a mapped file block by block."""
    X = np.memmap(path, dtype=dtype, mode="w+", shape=(n_rows, N_FEATURES))
    block = np.random.default_rng(0).random((1000, N_FEATURES))
    block = block.astype(dtype) if np.dtype(dtype).kind == "f" else (255 * block).astype(dtype)
    for start in range(0, n_rows, 1000):
        X[start : start + 1000] = block[: n_rows - start]
    X.flush()
    return np.memmap(path, dtype=dtype, mode="r", shape=(n_rows, N_FEATURES))


def mapped_peaks(path, n_rows, dtype):
    """Rows of the table: transform of a mapped file, and an epoch on it."""
    X, rows = write_mapped(path, n_rows, dtype), []
    megabytes = X.nbytes / 2**20
    warm = np.asarray(X[:2000])
    model = VAE(10, max_epochs=1, batch_size=1024, random_state=0).fit(warm)
    model.transform(warm)
    for what, call in (("transform", model.transform), ("fit, one epoch", model.fit)):
        with Peak() as peak:
            call(X)
        rows.append([f"{dtype}, {megabytes:.0f} MB", what, f"{peak.rise:.0f}",
                     f"{peak.rise / megabytes:.3f}", f"{peak.seconds:.0f}"])  # fmt: skip
    return rows


def search_peak(n_rows, n_features, n_candidates):
    """Peak of a fused search with three folds, in this process."""
    X = make_eight_gaussians(n_rows, random_state=0)[0]
    if n_features != X.shape[1]:
        X = X @ np.random.default_rng(0).normal(size=(X.shape[1], n_features))
    model = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=2, early_stopping=False, random_state=0)
    FusedGridSearchCV(model, {"beta": [0.5, 1.0]}, cv=3, refit=False).fit(X[:200])
    grid = {"beta": list(np.geomspace(0.1, 1.0, n_candidates))}
    with Peak() as peak:
        FusedGridSearchCV(model, grid, cv=3, refit=False).fit(X)
    return peak.rise


def sparse_counts(n_rows, n_features=2000, density=0.05):
    """Whole counts of which 95 percent are zero, as CSR, made without a dense table."""
    rng = np.random.default_rng(0)
    per_row = int(density * n_features)
    columns = np.argsort(rng.random((64, n_features)), axis=1)[:, :per_row].astype(np.int32)
    columns = np.sort(columns, axis=1)[np.arange(n_rows) % 64]
    counts = rng.poisson(1.0, size=columns.size).astype(np.float32) + 1
    ends = np.arange(0, columns.size + 1, per_row)
    return sparse.csr_matrix((counts, columns.ravel(), ends), shape=(n_rows, n_features))


def csr_peak(likelihood, n_rows):
    """Row of the table: an epoch on counts in a CSR matrix, which is not densified."""
    X = sparse_counts(n_rows)
    model = VAE(
        10, likelihood=likelihood, max_epochs=1, batch_size=1024, early_stopping=False,
        random_state=0,
    )  # fmt: skip
    model.fit(X[:2000])
    with Peak() as fit:
        model.fit(X)
    held = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 2**20
    megabytes = [f"{number:.0f}" for number in (held, fit.rise, fit.rise + held)]
    return [likelihood, *megabytes, f"{fit.seconds:.0f}"]


def training_on_csr(report, n_rows):
    """Peaks of an epoch on counts in a CSR matrix."""
    likelihoods = ("gaussian", "negative_binomial")
    rows = [in_a_fresh_process(csr_peak, likelihood, n_rows) for likelihood in likelihoods]
    report.text(
        f"## CSR\n\n{n_rows:,} rows of 2,000 features, 95 percent zeros, default networks, one "
        f"epoch. Dense, in float32, the table would take {n_rows * 8000 / 2**20:.0f} MB. The bar "
        "for 100,000 rows is 1,000 MB, the matrix itself included."
    )
    columns = ["likelihood", "the matrix, MB", "peak over baseline, MB", "together", "seconds"]
    report.table(columns, rows)
    return rows


def remarks(mapped, searches, csr):
    """Which peaks are under their bars; rows as they are reported."""
    measured = [(f"{what} of {data}", int(peak), MAPPED_BAR) for data, what, peak, *_ in mapped]
    measured += [
        (f"a search of {fits} fits on {data}", int(peak), bar) for data, fits, peak, bar in searches
    ]
    measured += [
        (f"an epoch on CSR, {likelihood}, the matrix included", int(together), CSR_BAR)
        for likelihood, _, _, together, _ in csr
    ]
    for bar in dict.fromkeys(bar for _, _, bar in measured):
        found = [(what, peak) for what, peak, limit in measured if limit == bar]
        under = [f"{what} ({peak} MB)" for what, peak in found if peak < bar]
        over = [f"{what} ({peak} MB)" for what, peak in found if peak >= bar]
        yield remark(bool(under), f"Under {bar:,} MB: {listed(under)}.")
        yield remark(bool(over), f"**Not under {bar:,} MB**: {listed(over)}.")


def main(argv=None):
    """Print and write the peaks."""
    options = parser(__doc__).parse_args(argv)
    if not sys.platform.startswith("linux"):
        sys.exit("This benchmark reads /proc, which only Linux has.")
    n_rows = SIZES[options.size]
    report = Report("Memory on memory-mapped data", options.out, keeps_remarks=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("float32", "uint8"):
            rows += in_a_fresh_process(mapped_peaks, Path(folder) / "X", n_rows, dtype)
    report.text(
        f"{n_rows:,} rows of {N_FEATURES} features in a mapped file. The bar is 300 MB over the "
        "baseline for `transform` of 2 GB."
    )
    columns = ["data", "what", "peak over baseline, MB", "share of the data", "seconds"]
    report.table(columns, rows)
    report.text(
        "A fused search with three folds in one process (`n_jobs=None`), over what there was "
        "after a small search. Each line of these tables but the mapped files' is from a fresh "
        "process."
    )
    searches = []
    for n_rows, n_features, n_candidates, bar in SEARCHES["quick" if options.quick else "default"]:
        peak = in_a_fresh_process(search_peak, n_rows, n_features, n_candidates)
        data, fits = f"{n_rows:,} x {n_features}", f"{n_candidates} x 3"
        searches.append([data, fits, f"{peak:.0f}", bar])
    report.table(["data", "fits", "peak over baseline, MB", "bar, MB"], searches)
    csr = training_on_csr(report, 5_000 if options.quick else 100_000)
    report.remarks(remarks(rows, searches, csr))
    report.write()


if __name__ == "__main__":
    main()
