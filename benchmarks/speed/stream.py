"""A stream past a process's memory: blocks of a file through dask-ml's Incremental, by its start.

A LocalCluster of one worker, which has less memory than the file. Rows drift: what varies in the
first blocks is not what varies in all of them. Needs `sklatent[dask-ml]`.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import IncrementalPCA

from benchmarks._common import Report, parser
from sklatent import VAE

N_FEATURES, N_LATENT, N_GROUPS = 100, 6, 20
# Rows, and the worker's memory in MB.
SIZES = {"quick": (20_000, 1500), "default": (3_000_000, 1000), "full": (10_000_000, 1500)}
PASSES = 2
JUDGED = 5  # one block of so many is what the bound is taken over


def write(path, n_rows, block_rows):
    """Fill a file of float32 with groups of rows, one after the other, each with its own centre."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(N_LATENT, N_FEATURES))
    centers = 3.0 * rng.normal(size=(N_GROUPS, N_LATENT))
    with path.open("wb") as file:
        for start in range(0, n_rows, block_rows):
            n = min(block_rows, n_rows - start)
            group = (np.arange(start, start + n) * N_GROUPS) // n_rows
            z = centers[group] + 0.5 * rng.normal(size=(n, N_LATENT))
            rows = z @ mixing + 0.5 * rng.normal(size=(n, N_FEATURES))
            rows.astype(np.float32).tofile(file)


def read(path, block_info=None):
    """One block of the file, read when it is asked for."""
    (start, stop), _ = block_info[None]["array-location"]
    count = (stop - start) * N_FEATURES
    rows = np.fromfile(path, np.float32, count, offset=4 * start * N_FEATURES)
    return rows.reshape(-1, N_FEATURES)


def blocks_of(path, n_rows, block_rows):
    """The file as a dask array."""
    import dask.array as da

    sizes = tuple(min(block_rows, n_rows - start) for start in range(0, n_rows, block_rows))
    return da.map_blocks(
        read, str(path), chunks=(sizes, (N_FEATURES,)), dtype=np.float32,
        meta=np.empty((0, N_FEATURES), np.float32),
    )  # fmt: skip


def peak():
    """The most memory that a process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decomposed(rows):
    """Axes of all blocks, one after the other."""
    axes = IncrementalPCA(N_LATENT)
    for block in rows.blocks:
        axes.partial_fit(block.compute(scheduler="synchronous"))
    return axes


def train(rows, init):
    """Passes of a stream through one model; its bound after each, in nats a row."""
    from dask_ml.wrappers import Incremental

    model = VAE(N_LATENT, init=init, hidden_layer_sizes=(64, 64), batch_size=1024, random_state=0)
    stream = Incremental(model, random_state=0, shuffle_blocks=False)
    stream.fit(rows)
    judged = rows.blocks[::JUDGED]
    scores = [stream.estimator_.score(judged)]
    for _ in range(PASSES - 1):
        stream.partial_fit(rows)
        scores.append(stream.estimator_.score(judged))
    return stream.estimator_, scores


def main(argv=None):
    """Write the file, train by each start, and report bounds, time and memory."""
    options = parser(__doc__).parse_args(argv)
    from dask.distributed import Client, LocalCluster

    n_rows, limit = SIZES[options.size]
    block_rows = max(n_rows // 100, 1000)
    report = Report("Streams", options.out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.f32"
        write(path, n_rows, block_rows)
        megabytes = path.stat().st_size / 1e6
        rows = blocks_of(path, n_rows, block_rows)
        report.text(
            f"{n_rows} x {N_FEATURES} float32 numbers in a file of {megabytes:.0f} MB, "
            f"{rows.numblocks[0]} blocks, {PASSES} passes by dask-ml's Incremental on a "
            f"LocalCluster whose one worker may have {limit} MB. The bound is over the rows "
            f"of one block in {JUDGED}, in nats a row; the history has a row for each block and "
            "pass."
        )
        with (
            LocalCluster(
                n_workers=1, threads_per_worker=1, memory_limit=f"{limit}MB", dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            before = max(client.run(peak).values())
            start = time.perf_counter()
            axes = decomposed(rows)
            seconds = time.perf_counter() - start
            table = []
            for name, init, own in (
                ("the first block", "pca", 0.0),
                ("all blocks (IncrementalPCA)", axes, seconds),
            ):
                start = time.perf_counter()
                model, scores = train(rows, init)
                spent = own + time.perf_counter() - start
                shape = model.transform(rows).shape
                top = max(client.run(peak).values())
                table.append([name, *scores, len(model.history_), str(shape), spent, top])
                print(table[-1], flush=True)
        passes = [f"bound after pass {k + 1}" for k in range(PASSES)]
        report.table(
            ["start", *passes, "history", "transform's shape", "s", "worker's peak, MB"], table
        )
        report.text(f"The worker had {before:.0f} MB before it got its first block.")
    report.write()


if __name__ == "__main__":
    main()
