"""Speed and memory of fitting linear and rigid aligners to a million rows in a memory map.

Beside the bare matrix products that the fit can't do without, scikit-learn's LinearRegression and
scipy's orthogonal_procrustes, on the same arrays. Then many spaces brought into one, in processor
time.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import LinearRegression

from benchmarks._common import Report, listed, median_ratio, parser, remark
from benchmarks.speed.memory import Peak
from sklatent.alignment import GroupAligner, LinearAligner, RigidAligner

WIDTH = 128
SIZES = {"quick": 50_000, "default": 1_000_000, "full": 4_000_000}  # rows
BLOCK = 10_000
# What is wanted: over the bare products; MB over the input; processor seconds of many spaces.
BAR, MEGABYTES, SECONDS = 1.5, 300, 10
SPACES = {"quick": (10, 1_000), "default": (100, 10_000), "full": (100, 10_000)}  # of 32 columns


def write_pair(folder, n_rows):
    """Fill two mapped files with latents that a linear map relates, far from the origin."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((WIDTH, WIDTH), dtype=np.float32) / np.sqrt(WIDTH)
    files = [
        np.lib.format.open_memmap(folder / name, "w+", np.float32, (n_rows, WIDTH))
        for name in ("x.npy", "y.npy")
    ]
    for start in range(0, n_rows, BLOCK):
        rows = slice(start, min(start + BLOCK, n_rows))
        x = rng.standard_normal((rows.stop - start, WIDTH), dtype=np.float32)
        noise = rng.standard_normal(x.shape, dtype=np.float32)
        files[0][rows] = x + 3
        files[1][rows] = x @ matrix + 0.1 * noise
    for file in files:
        file.flush()


def open_pair(folder):
    """Map both files, and read them once so that the disk is not what is measured."""
    pair = [np.load(Path(folder) / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    for array in pair:
        array.max()
    return pair


def procrustes(X, Y):
    """What RigidAligner does, by scipy: centre, then solve."""
    return orthogonal_procrustes(X - X.mean(axis=0), Y - Y.mean(axis=0))


PRODUCTS = {
    "X'X and X'Y": lambda X, Y: (X.T @ X, X.T @ Y),
    "X'Y": lambda X, Y: X.T @ Y,
}
NEEDED = {
    "LinearAligner": "X'X and X'Y",
    "RigidAligner": "X'Y",
    "LinearRegression": "X'X and X'Y",
    "orthogonal_procrustes": "X'Y",
}
FITS = {
    "LinearAligner": lambda X, Y: LinearAligner().fit(X, Y),
    "RigidAligner": lambda X, Y: RigidAligner().fit(X, Y),
    "LinearRegression": lambda X, Y: LinearRegression().fit(X, Y),
    "orthogonal_procrustes": procrustes,
}


def clock(function):
    """Wall-clock and processor seconds of one call; the latter of all threads together."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(folder, name, rounds, queue):
    """Memory and time of one fit beside the bare products, in a process of its own."""
    X, Y = open_pair(folder)
    fit = FITS[name]
    fit(X[:1000], Y[:1000])  # what the libraries take once
    with Peak() as peak:
        fit(X, Y)
    taken = {key: [] for key in ("fit", *PRODUCTS)}
    for _ in range(rounds):
        taken["fit"].append(clock(lambda: fit(X, Y)))
        for key, product in PRODUCTS.items():
            taken[key].append(clock(lambda product=product: product(X, Y)))
    queue.put((peak.rise, {key: np.array(values) for key, values in taken.items()}))


def measure_all(folder, rounds):
    """Measure each fit; the slow peer once."""
    context = multiprocessing.get_context("spawn")
    found = {}
    for name in FITS:
        queue = context.Queue()
        n = 1 if name == "LinearRegression" else rounds
        process = context.Process(target=measure, args=(folder, name, n, queue))
        process.start()
        found[name] = queue.get()
        process.join()
    return found


def agreement(X, Y):
    """Largest differences from scikit-learn's and from scipy's solution in float64."""
    rows = slice(0, 100_000)
    x, y = np.asarray(X[rows], np.float64), np.asarray(Y[rows], np.float64)
    linear = LinearAligner().fit(X[rows], Y[rows]).coef_ - LinearRegression().fit(x, y).coef_
    rigid = RigidAligner().fit(X[rows], Y[rows]).rotation_ - procrustes(x, y)[0]
    return np.abs(linear).max(), np.abs(rigid).max()


def many_spaces(n_spaces, n_rows):
    """Processor seconds of bringing noisy, turned spaces into one, beside one pass of products."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(n_rows, 32)) * np.exp(0.5 * rng.normal(size=32))
    spaces = []
    for k in range(n_spaces):
        turned = shared @ np.linalg.qr(rng.normal(size=(32, 32)))[0]
        spaces.append(turned + 0.5 * rng.normal(size=shared.shape) + k)
    _, product = clock(lambda: [space.T @ shared for space in spaces])
    rows = []
    for kind in ("rigid", "linear"):
        group = GroupAligner(kind=kind)
        _, seconds = clock(lambda group=group: group.fit(spaces))
        rows.append([kind, group.n_iter_, seconds, f"{seconds / product:.0f}"])
    return rows


def remarks_on_fits(rows):
    """Whether the fits are held to their bars, and what others take."""
    (*_, linear, _, rise), rigid, *peers = rows
    yield remark(
        linear.middle <= BAR,
        f"LinearAligner takes {linear.middle:.2f} times the bare products X'X and X'Y of processor "
        f"time; wanted {BAR} at most.",
    )
    yield remark(
        linear.middle > BAR,
        f"LinearAligner takes **{linear.middle:.2f} times** the bare products X'X and X'Y of "
        f"processor time; wanted {BAR} at most.",
    )
    most = max(rise, rigid[5])
    yield remark(most < MEGABYTES, f"{most:.0f} MB over the input; wanted under {MEGABYTES}.")
    yield remark(most >= MEGABYTES, f"**{most:.0f} MB** over the input; wanted under {MEGABYTES}.")
    for ours, peer in zip((rows[0], rigid), peers, strict=True):
        yield remark(
            peer[3].above(ours[3].high),
            f"{peer[0]} takes {peer[3].middle / ours[3].middle:.2g} times the processor time of "
            f"{ours[0]}, ranges apart, and {peer[5]:,.0f} MB over the input.",
        )
    disturbed = [
        f"{row[0]} ({row[2].high:.3g} times the products by the clock, {row[3].high:.3g} by the "
        "processor)"
        for row in rows
        if row[2].high > 2 * row[3].high
    ]
    yield remark(
        bool(disturbed),
        f"Rounds were disturbed: the slowest of {listed(disturbed)}. Read the processor's ratios.",
    )


def remarks_on_spaces(rows, n_spaces):
    """Whether many spaces are one in the time that is wanted."""
    for kind, passes, seconds, ratio in rows:
        told = f"{n_spaces} spaces, {kind}: {seconds:.1f} processor seconds in {passes} passes"
        wanted = f"{ratio} times one pass of products; wanted under {SECONDS} for 100"
        yield remark(seconds < SECONDS, f"{told}, {wanted}.")
        yield remark(seconds >= SECONDS, f"{told}, **too many**, {wanted}.")


def main():
    """Measure and report."""
    arguments = parser(__doc__.splitlines()[0]).parse_args()
    name = arguments.size
    n_rows = SIZES[name]
    title = "Speed and memory of closed-form aligners"
    report = Report(title, arguments.out, keeps_remarks=False)
    with tempfile.TemporaryDirectory() as folder:
        write_pair(Path(folder), n_rows)
        found = measure_all(folder, 2 if arguments.quick else 5)
        differences = agreement(*open_pair(folder))
    rows = []
    for key, (rise, taken) in found.items():
        own, both = taken[NEEDED[key]], taken["X'X and X'Y"]
        rows.append(
            [
                key,
                float(np.median(taken["fit"][:, 0])),
                median_ratio(taken["fit"][:, 0], both[:, 0]),
                median_ratio(taken["fit"][:, 1], both[:, 1]),
                f"{median_ratio(taken['fit'][:, 1], own[:, 1])} ({NEEDED[key]})",
                rise,
            ]
        )
    report.text(
        f"{n_rows} x {WIDTH} float32 rows on both sides, in memory-mapped files that the system "
        "holds in its cache. Each fit in a process of its own, in turn with the bare products: "
        "float32, over all rows at once, without centring. Ratios are medians over rounds with the "
        "smallest and the largest (LinearRegression: one round). Processor time is less disturbed "
        "than wall-clock time by whatever else the machine does. Memory is the rise of anonymous "
        "memory during the fit. Smaller inputs, up to 2^24 numbers on both sides together, are "
        "multiplied in float64 whatever their type."
    )
    report.table(
        [
            "fit",
            "seconds",
            "over X'X and X'Y, wall",
            "over X'X and X'Y, processor",
            "over the products it needs, processor",
            "MB over the input",
        ],
        rows,
    )
    said = list(remarks_on_fits(rows))
    report.text(
        "On the first 100,000 rows the coefficients differ from LinearRegression's in float64 by "
        f"at most {differences[0]:.1e}, the rotation from that of orthogonal_procrustes in float64 "
        f"by {differences[1]:.1e}."
    )
    n_spaces, n_rows = SPACES[name]
    rows = many_spaces(n_spaces, n_rows)
    report.text(
        f"{n_spaces} spaces of {n_rows} x 32 float64 rows, turned and with noise, into one by "
        "GroupAligner; beside it one pass of the products X'Y of all spaces with a common one. "
        "Processor time of all threads."
    )
    report.table(["kind", "passes", "processor seconds", "over one pass of products"], rows)
    report.remarks([*said, *remarks_on_spaces(rows, n_spaces)])
    report.write()


if __name__ == "__main__":
    main()
