"""From which work on a second thread pays: one step with one thread and with two, in turn."""

import subprocess
import sys

import numpy as np
import torch

from benchmarks._common import Report, median_ratio, parser, remark, time_interleaved
from sklatent import VAE
from sklatent.nn.training.devices import WORTH_THREADS, work_of

BATCH = 128
FEATURES = 64
SPIN = "import sys\nwhile True: pass"


def at_each_number_of_threads(width, n_steps):
    """Some epochs of one batch with one thread and with two, and the work of a step."""
    X = np.random.default_rng(0).normal(size=(BATCH, FEATURES)).astype(np.float32)
    model = VAE(
        8, hidden_layer_sizes=(width, width), batch_size=BATCH, max_epochs=1, random_state=0,
        early_stopping=False,
    ).fit(X)  # fmt: skip
    module = model.net_.module_
    x = torch.from_numpy(X)
    optimizer = torch.optim.Adam(module.parameters())

    def steps():
        for _ in range(n_steps):
            optimizer.zero_grad()
            encoded = module.encoder(x)[:, :8]
            (module.decoder(encoded) - x).square().mean().backward()
            optimizer.step()

    def with_threads(number):
        torch.set_num_threads(number)
        steps()

    ways = {number: lambda number=number: with_threads(number) for number in (1, 2)}
    return ways, work_of(module, BATCH)


def rows_of(widths, repeats):
    """A row for each width: its work, the time of a step, and two threads over one."""
    rows, gains = [], {}
    for width in widths:
        n_steps = max(1, int(2e9 / (6 * BATCH * width * (width + FEATURES))))
        n_steps = min(n_steps, 50)
        ways, work = at_each_number_of_threads(width, n_steps)
        seconds = time_interleaved(ways, repeats=repeats, warmup=2)
        gains[work] = median_ratio(seconds[1], seconds[2])
        rows.append([str(width), work, 1e3 * np.median(seconds[1]) / n_steps, gains[work]])
    return rows, gains


def main(argv=None):
    """Measure on the machine as it is, and beside a process that takes a core for itself."""
    options = parser(__doc__).parse_args(argv)
    widths = (32, 256) if options.quick else (32, 64, 128, 256, 512, 1024, 2048)
    repeats = 3 if options.quick else 41 if options.full else 15
    torch.manual_seed(0)
    report = Report("When a second thread pays", options.out, keeps_remarks=False)
    report.text(
        f"An autoencoder of {FEATURES}-w-w-8-w-w-{FEATURES}, batches of {BATCH} rows, Adam; one "
        f"thread and two in turn, medians over {repeats} rounds; times as fast with two: median "
        "[smallest, largest]. Work: multiply-adds of a step as `work_of` counts them; from "
        f"{WORTH_THREADS:.0e} on a model uses what torch is set to."
    )
    columns = ["w", "work", "ms a step, one thread", "two threads: times as fast"]
    before = torch.get_num_threads()
    try:
        rows, quiet = rows_of(widths, repeats)
        report.text("## By itself")
        report.table(columns, rows)
        with subprocess.Popen([sys.executable, "-c", SPIN]) as other:
            try:
                rows, busy = rows_of(widths, repeats)
            finally:
                other.kill()
        report.text("## Beside a process that never rests")
        report.table(columns, rows)
    finally:
        torch.set_num_threads(before)
    small = [work for work in quiet if work < WORTH_THREADS]
    large = [work for work in quiet if work >= WORTH_THREADS]
    lost = max((1 / busy[work].middle for work in small), default=0.0)
    missed = max((quiet[work].middle for work in small), default=0.0)
    report.remarks(
        [
            remark(
                missed < 1.5 < lost,
                f"Below {WORTH_THREADS:.0e} a second thread gains at most {missed:.2g} times where "
                f"the machine is quiet and costs up to {lost:.2g} times where it is not.",
            ),
            remark(
                bool(large) and all(quiet[work].middle > 1.0 for work in large),
                "Above it two threads are faster at every width on a quiet machine.",
            ),
        ]
    )
    report.write()


if __name__ == "__main__":
    main()
