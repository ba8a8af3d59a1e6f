"""The paper's figures 2, 3 and 4, drawn."""

from benchmarks.papers.transform.figure_2 import draw_labels
from benchmarks.papers.transform.measures import trained
from benchmarks.papers.transform.settings import images


def draw_figures(report, by_key, scale):
    """Save the paper's figures 2, 3 and 4."""
    import matplotlib as mpl

    mpl.use("Agg")
    from sklatent.plotting import TransformationDisplay

    report.out.parent.mkdir(parents=True, exist_ok=True)
    path = report.out.with_name(f"{report.out.stem}_labels.png")
    draw_labels(by_key, scale, path)
    report.text(f"![labels]({path.name})")
    models = {name: trained("MNIST", name, 10, 0, scale) for name in ("VAE", "VAE+", "T-VAE")}
    digits = images("MNIST").data_test[:12]
    for kind, compare in (
        ("transfer", None),
        ("interpolation", {"VAE": models["VAE"], "VAE+": models["VAE+"]}),
    ):
        display = TransformationDisplay.from_estimator(
            models["T-VAE"], digits, kind=kind, compare=compare, random_state=1
        )
        path = report.out.with_name(f"{report.out.stem}_{kind}.png")
        display.figure_.savefig(path, dpi=80)
        report.text(f"![{kind}]({path.name})")
