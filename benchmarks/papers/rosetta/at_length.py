"""Table 2 on MNIST with as many rows and steps as the paper: one training of each model."""

from functools import partial

from benchmarks._common import PAPERS, kept, remark
from benchmarks.papers.rosetta.measures import column, differences
from benchmarks.papers.rosetta.sequential import sequential
from benchmarks.papers.rosetta.study import MNIST, MODELS, load

# 60 percent of MNIST, as the paper trains on, and the fewer of its epochs.
ROWS, EPOCHS, REPEATS = 36_000, 200, 5


def at_length(keep, rows=ROWS, epochs=EPOCHS, repeats=REPEATS):
    """Results of each repeat, as of `sequential`."""
    study = MNIST._replace(n_runs=1)
    model = PAPERS | study.settings | {"max_epochs": epochs}
    key = (model, study.main_n_points, study.rho, study.beta)

    def measured(seed):
        return sequential(study, load(study, rows, seed), model, seed)

    results = []
    for seed in range(repeats):
        name = f"rosetta at length {key} {rows} {seed}"
        results.append(kept(keep, name, partial(measured, seed)))
        print(f"({study.name} at length, repeat {seed + 1} of {repeats})", flush=True)
    return results


def report_at_length(report, results, rows=ROWS, epochs=EPOCHS):
    """Table 2, and what it says."""
    steps = epochs * -(-rows // 2 // 128)
    report.text(
        f"### Distortion to the joint model (table 2) at the paper's size\n\n{rows} rows of both "
        f"labs and {epochs} epochs, {steps} steps for each lab; one training of each model in "
        f"{len(results)} repeats, measured on the test rows. Else as above, the papers' start."
    )
    published = MNIST.published
    report.table(
        ["model", "D1 - VAE", "published", "D2 - VAE", "published", "D1, share of variance",
         "D2, share of variance", "D1 from lab A's, unmapped"],
        [
            [
                name,
                differences(results, name, "D1"),
                published["D1"][name],
                differences(results, name, "D2"),
                published["D2"][name],
                column(results, name, "D1 share"),
                column(results, name, "D2 share"),
                column(results, name, "unmapped"),
            ]
            for name in MODELS
        ],
    )  # fmt: skip
    return remarks(results)


def remarks(results):
    """Whether the Rosetta VAE is nearer to the joint model than the others."""
    if len(results) < 2:
        return
    for name in MODELS[1:]:
        for part in ("D1", "D2"):
            found = differences(results, name, part)
            said = f"MNIST at the paper's size, {part}: the distortion of the {name} is"
            yield remark(found.below(), f"{said} below the VAE's ({found}).")
            yield remark(found.above(), f"{said} above the VAE's ({found}).")
            yield remark(found.holds(), f"{said} not told from the VAE's ({found}).")


if __name__ == "__main__":
    from benchmarks._common import KEPT

    at_length(KEPT / "rosetta_tables")
