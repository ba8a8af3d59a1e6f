"""All pairs of channels by matrix products, beside the published loop over pairs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks._common import Report, median_ratio, parser, remark, time_interleaved
from sklatent.channels import (
    ChannelFingerprints,
    bhattacharyya_coefficients,
    channel_similarity,
)

# How many pairs of the loop are timed in a round; the loop's time is that of one pair, times pairs.
PAIRS_TIMED = 40


def make_channels(n_channels, n_samples, seed=0):
    """Make channels like those of beta-VAEs: nonlinear functions of a few factors, 0 to 4 bits."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(6, n_samples))
    means = np.tanh(rng.normal(size=(n_channels, 6)) @ factors)
    means *= rng.uniform(0.1, 2.0, size=(n_channels, 1))
    log_vars = rng.normal(-2.0, 1.0, size=(n_channels, 1)) + 0.3 * rng.normal(size=means.shape)
    return means, log_vars


def distances(means, log_vars, dtype):
    """Compute what the published code stores: a matrix of Bhattacharyya distances a channel."""
    with np.errstate(divide="ignore"):
        return [
            np.minimum(
                -np.log(bhattacharyya_coefficients(m[:, None], v[:, None])).astype(dtype), 80.0
            )
            for m, v in zip(means, log_vars, strict=True)
        ]


def bits(distance):
    """Return the information of a matrix of distances, as published."""
    return -np.mean(np.log2(np.mean(np.exp(-distance), axis=-1)))


def published_loop(stored):
    """Compute NMI of all pairs as published: a loop over pairs, each an N x N exponential."""
    alone = [bits(d) for d in stored]
    twice = [bits(2 * d) for d in stored]
    nmi = np.empty((len(stored), len(stored)))
    for i, a in enumerate(stored):
        for j in range(i, len(stored)):
            joint = bits(a + stored[j])
            own = (2 * alone[i] - twice[i]) * (2 * alone[j] - twice[j])
            nmi[i, j] = nmi[j, i] = (alone[i] + alone[j] - joint) / np.sqrt(own)
    return nmi


def timed_pairs(stored):
    """Return a function that runs the loop's body for some pairs."""

    def run():
        for k in range(PAIRS_TIMED):
            bits(stored[k % len(stored)] + stored[(3 * k + 1) % len(stored)])

    return run


def time_both_clocks(functions, repeats):
    """Time functions in turn by the wall and by the processor, all threads together."""
    wall, processor = ({name: [] for name in functions} for _ in range(2))
    for round_ in range(repeats + 1):
        for name, function in functions.items():
            clocks = time.perf_counter(), time.process_time()
            function()
            if round_:  # the first is to warm up
                wall[name].append(time.perf_counter() - clocks[0])
                processor[name].append(time.process_time() - clocks[1])
    return [{name: np.array(taken) for name, taken in each.items()} for each in (wall, processor)]


def compare_speed(report, n_channels, n_samples, repeats):
    """Time both ways in turn."""
    means, log_vars = make_channels(n_channels, n_samples)
    channels = ChannelFingerprints.from_posteriors(means, log_vars)
    some = distances(means[:16], log_vars[:16], np.float64)
    narrow = [d.astype(np.float32) for d in some]
    n_pairs = n_channels * (n_channels + 1) // 2
    wall, processor = time_both_clocks(
        {
            "loop, float64": timed_pairs(some),
            "loop, float32": timed_pairs(narrow),
            "float32": lambda: channel_similarity(channels),
            "float64": lambda: channel_similarity(channels, dtype="float64"),
        },
        repeats,
    )
    for clock in (wall, processor):
        for name in ("loop, float64", "loop, float32"):
            clock[name] = clock[name] * n_pairs / PAIRS_TIMED
    report.text(
        f"## All pairs, C = {n_channels} channels over N = {n_samples} samples\n\n"
        f"NMI of {n_pairs} pairs, {repeats} interleaved rounds. The loop's time is that of "
        f"{PAIRS_TIMED} pairs, scaled to all; it works in float64, as published (what it stores is "
        "float64), with each elementwise operation on one thread, as NumPy has it. Its matrices of "
        "distances are there beforehand; ours are computed on the way. Ratios are of times in the "
        "same round: median, smallest and largest. Processor seconds are those of all threads "
        "together, which a busy machine changes less: half of them is what two idle cores take."
    )
    report.table(
        [
            "way",
            "seconds (median)",
            "loop in float64 over it",
            "loop in float32 over it",
            "processor seconds",
            "loop in float64 over half of them",
        ],
        [
            [
                name,
                float(np.median(wall[name])),
                median_ratio(wall["loop, float64"], wall[name]),
                median_ratio(wall["loop, float32"], wall[name]),
                float(np.median(processor[name])),
                median_ratio(processor["loop, float64"], processor[name] / 2)
                if name.startswith("float")
                else "one thread",
            ]
            for name in wall
        ],
    )
    return {
        (loop, name): median_ratio(wall[f"loop, {loop}"], wall[name])
        for loop in ("float64", "float32")
        for name in ("float32", "float64")
    }


def compare_results(report, n_channels, n_samples):
    """Hold both types against the loop over all pairs."""
    means, log_vars = make_channels(n_channels, n_samples, seed=1)
    channels = ChannelFingerprints.from_posteriors(means, log_vars)
    stored = distances(means, log_vars, np.float64)
    start = time.perf_counter()
    expected = published_loop(stored)
    loop = time.perf_counter() - start
    joint = np.array([[bits(a + b) for b in stored] for a in stored])
    twice = np.diagonal(joint)
    vi = 2 * joint - twice[:, None] - twice
    rows, apart = [], {}
    for dtype in ("float32", "float64"):
        start = time.perf_counter()
        found = channel_similarity(channels, dtype=dtype)
        taken = time.perf_counter() - start
        found_vi = channel_similarity(channels, metric="vi", dtype=dtype)
        apart[dtype] = float(np.abs(found_vi - vi).max())
        rows.append(
            [
                dtype,
                f"{apart[dtype]:.1e}",
                f"{np.abs(found - expected).max():.1e}",
                f"{loop / taken:.0f}",
            ]
        )
    report.text(
        f"## Agreement, C = {n_channels}, N = {n_samples}\n\n"
        "Largest differences from the published loop run whole in float64, over all pairs, and the "
        "ratio of the times of that one run. The bound is 1e-4 bits in float32 and 1e-10 in "
        "float64. NMI divides by little where channels say little: the least here says "
        f"{channels.information.min():.3f} bits."
    )
    report.table(["type", "VI (bits)", "NMI", "loop's time over ours"], rows)
    return apart


def show_scaling(report, quick):
    """Time against C and against N, and the constant beside that of a matrix product."""
    A = np.random.default_rng(0).random((500, 1000), dtype=np.float32)
    B = A[::-1].copy()
    rows = []
    sizes = [(100, 500), (200, 500), (400, 500), (800, 500), (400, 250), (400, 1000), (400, 2000)]
    for n_channels, n_samples in sizes[:2] if quick else sizes:
        channels = ChannelFingerprints.from_posteriors(*make_channels(n_channels, n_samples))
        seconds = time_interleaved(
            {
                "ours": lambda channels=channels: channel_similarity(channels),
                "product": lambda: [A @ B.T for _ in range(20)],
            },
            repeats=3,
        )
        rate = 20 * 2 * 500 * 500 * 1000 / np.median(seconds["product"]) / 1e9
        ours = float(np.median(seconds["ours"]))
        equivalent = 2 * n_channels**2 * n_samples**2 / ours / 1e9
        rows.append([n_channels, n_samples, ours, equivalent, rate, equivalent / rate])
    report.text(
        "## Growth\n\n"
        "C^2 N^2 multiplications and additions each, in float32, beside a general matrix product "
        "of 500 x 1000 by 1000 x 500 timed in the same rounds. A symmetric product does half the "
        "work of a general one, so that up to 2 would be possible if exponentials and logarithms "
        "were free. Where C is small they are not: their cost grows as C N^2."
    )
    report.table(
        ["C", "N", "seconds", "GFLOP/s, as 2 C^2 N^2", "GFLOP/s of a product", "ratio"], rows
    )
    return {(n_channels, n_samples): ratio for n_channels, n_samples, *_, ratio in rows}


def peak_kilobytes():
    """Return this process's peak of resident memory; `getrusage` would count its parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("This system does not tell the peak of resident memory.")


def peak_memory(n_channels, n_samples):
    """Measure the additional peak of resident memory, in MB, in an interpreter of its own."""
    code = f"""
from benchmarks.speed.channels_speed import make_channels, peak_kilobytes
from sklatent.channels import ChannelFingerprints, channel_similarity
channel_similarity(ChannelFingerprints.from_posteriors(*make_channels(20, 50)))
channels = ChannelFingerprints.from_posteriors(*make_channels({n_channels}, {n_samples}))
before = peak_kilobytes()
channel_similarity(channels)
print(before, peak_kilobytes())
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    before, after = map(int, printed.split())
    return before / 1024, after / 1024


def show_memory(report, n_channels, n_samples):
    """Report the peak."""
    before, after = peak_memory(n_channels, n_samples)
    every = n_channels * n_samples**2 * 4 / 2**20
    report.text(
        f"## Memory, C = {n_channels}, N = {n_samples}\n\n"
        f"Peak resident memory of a process of its own: {after:.0f} MB, of which {before:.0f} MB "
        f"were there before the call (interpreter, libraries, fingerprints). All coefficients at "
        f"once would be {every:.0f} MB. The bound is 1,000 MB."
    )
    return after


def show_fingerprints(report, quick):
    """Time the fingerprint of many models beside their encoders."""
    from sklatent import VAE
    from sklatent.model_selection import retrain

    n_models, n_samples = (4, 100) if quick else (50, 1000)
    X = np.random.default_rng(0).random((n_samples, 784)).astype(np.float32)
    model = VAE(10, max_epochs=1)
    models = retrain(model, X[:256], n_runs=n_models, random_state=0)
    seconds = time_interleaved(
        {
            "encoders": lambda: [each.encode(X) for each in models],
            "fingerprints": lambda: ChannelFingerprints.from_models(models, X),
            "information": lambda: ChannelFingerprints.from_models(models, X).information,
        },
        repeats=3 if quick else 5,
    )
    report.text(
        f"## Fingerprints of {n_models} models x 10 components over {n_samples} samples\n\n"
        "Models with two layers of 256 on 784 features. `fingerprints` is "
        "`ChannelFingerprints.from_models`, encoding included; `information` is that and the "
        "information of every channel, in float64."
    )
    report.table(
        ["what", "seconds (median)", "over the encoders"],
        [
            [name, float(np.median(taken)), median_ratio(taken, seconds["encoders"])]
            for name, taken in seconds.items()
        ],
    )
    return {name: median_ratio(taken, seconds["encoders"]) for name, taken in seconds.items()}


def remarks(ratios, apart, growth, peak, fingerprints):
    """Whether the bounds are kept, and where the time goes."""
    for loop, told in (("float64", "the published loop"), ("float32", "a loop in float32")):
        ratio = ratios[loop, "float32"]
        numbers = f"{ratio.middle:.0f} times (in the least of the rounds {ratio.low:.0f})"
        yield remark(
            ratio.low >= 60,
            f"Ours in float32 takes at most a sixtieth of the time of {told}: {numbers}.",
        )
        yield remark(
            ratio.low < 60,
            f"Ours in float32 is not in each round 60 times as fast as {told}: {numbers}.",
        )
    kept = apart["float32"] < 1e-4 and apart["float64"] < 1e-10
    errors = f"{apart['float32']:.1e} bits in float32, {apart['float64']:.1e} in float64"
    yield remark(kept, f"Both types are within their bounds: {errors}.")
    yield remark(not kept, f"A type is outside its bound: {errors}.")
    yield remark(peak < 1000, f"Memory is within its bound: {peak:.0f} MB.")
    yield remark(peak >= 1000, f"Memory is above its bound: {peak:.0f} MB.")
    many = {size: ratio for size, ratio in growth.items() if min(size) >= 400}
    few = {size: ratio for size, ratio in growth.items() if size[0] <= 100}
    if many and few:
        yield remark(
            min(many.values()) > 1 > max(few.values()),
            "Of the rate of a general matrix product, from 400 channels and samples on "
            f"{min(many.values()):.1f} to {max(many.values()):.1f} times is reached; with 100, "
            f"where exponentials weigh more, {max(few.values()):.1f} times.",
        )
    for name, words in (("fingerprints", "Fingerprints"), ("information", "With information they")):
        ratio = fingerprints[name]
        yield remark(ratio.above(1.0), f"{words} cost {ratio:.2f} times what the encoders do.")


def main(argv=None):
    """Run all of it."""
    options = parser(__doc__).parse_args(argv)
    report = Report("Similarity of all pairs of channels: speed", options.out, keeps_remarks=False)
    report.text(
        "Load of the machine at the start (runnable processes, mean of a minute): "
        f"{os.getloadavg()[0]:.1f}.\n\n"
        "The bounds: at least 60 times the published loop at C = 500, N = 1,000 on two cores, "
        "aiming at 100; 1e-4 bits in float32 and 1e-10 in float64; under 1 GB."
    )
    n_channels, n_samples = (60, 200) if options.quick else (500, 1000)
    found = (
        compare_speed(report, n_channels, n_samples, repeats=2 if options.quick else 5),
        compare_results(report, 20 if options.quick else 60, n_samples),
        show_scaling(report, options.quick),
        show_memory(report, n_channels, n_samples),
        show_fingerprints(report, options.quick),
    )
    report.remarks(remarks(*found), "What holds")
    report.write()


if __name__ == "__main__":
    main()
