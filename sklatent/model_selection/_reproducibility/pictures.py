"""The pictures of a reproducibility report, as SVG that takes its colours from the page."""

import io
import re

import numpy as np

# Drawn in these, and replaced by what the page says they are.
_INK, _ACCENT, _MUTED = "#010203", "#010204", "#010205"
_OF_THE_PAGE = {_INK: "currentColor", _ACCENT: "var(--accent)", _MUTED: "var(--muted)"}
# Of middling lightness, to be told apart on white and on black; shapes say the same.
_QUARTERS = (("#c0392b", "o"), ("#2e7fc1", "s"), ("#3c8d40", "^"), ("#9b59b6", "D"))
_MAX_POINTS = 300
_MAX_PANELS = 4
_LEFT = -1.0  # of the picture of R²
_WIDTH = 4.6  # inches; narrow, so that letters can be read on a telephone


def levels_picture(table, min_r2):
    """Each score with its interval, what chance gives, and what is asked."""
    maps = [row for row in table if row["level"] != "neighbors"]

    def draw(figure):
        ax = figure.add_subplot()
        places = np.arange(len(maps))[::-1]
        # What lies left of the picture is drawn at its edge, as a triangle.
        value, low, high = (
            np.maximum([row[name] for row in maps], _LEFT) for name in ("value", "low", "high")
        )
        ax.errorbar(
            value,
            places,
            xerr=np.maximum([value - low, high - value], 0),
            fmt="o",
            color=_ACCENT,
            capsize=3,
            label="between runs",
        )
        floor = [row["floor"] for row in maps]
        ax.plot(floor, places, "x", color=_INK, label="by chance")
        ax.axvline(min_r2, color=_MUTED, linestyle="--", linewidth=1, label="asked")
        ax.set_yticks(places, [row["level"] for row in maps])
        ax.set_ylim(-0.6, len(maps) - 0.4)
        beyond = value <= _LEFT
        ax.plot(value[beyond], places[beyond], "<", color=_ACCENT, markersize=9)
        ax.set_xlim(_LEFT - 0.1, 1.05)
        ax.set_xlabel("R²")
        figure.legend(loc="outside upper center", ncols=3, frameon=False)

    return _svg(draw, 2.4, "levels", "R² between runs for each kind of map, with its interval.")


def spaces_picture(latents, shown):
    """The first runs' latents on two components, coloured by the quarter of the first run.

    Parameters
    ----------
    latents : ndarray of shape (n_models, n_samples, n_components)
        The spaces.
    shown : tuple of (int, int)
        Which components.
    """
    panels = latents[:_MAX_PANELS, :_MAX_POINTS][:, :, list(shown)]
    middle = np.median(panels[0], axis=0)
    quarter = (panels[0] > middle) @ np.array([1, 2])

    def draw(figure):
        rows = -(-len(panels) // 2)
        axes = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for number, (ax, Z) in enumerate(zip(axes, panels, strict=False), start=1):
            for q, (color, marker) in enumerate(_QUARTERS):
                ax.plot(*Z[quarter == q].T, marker, color=color, markersize=3, markeredgewidth=0)
            ax.set_title(f"run {number}", fontsize=10)
        for ax in axes[len(panels) :]:
            ax.set_visible(False)
        figure.supxlabel(f"component {shown[0] + 1}", fontsize=10)
        figure.supylabel(f"component {shown[1] + 1}", fontsize=10)

    height = 2.3 * -(-len(panels) // 2) + 0.4
    text = (
        f"The same samples in {len(panels)} runs, on components {shown[0] + 1} and {shown[1] + 1}; "
        "colours and shapes are the quarters of run 1."
    )
    return _svg(draw, height, "spaces", text)


def runs_picture(pairwise):
    """R² of each run with each other one, without a map: one that differs stands out."""

    def draw(figure):
        ax = figure.add_subplot()
        for run, row in enumerate(pairwise, start=1):
            others = np.delete(row, run - 1)
            ax.plot([run] * len(others), others, "o", color=_ACCENT, markersize=4, alpha=0.6)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel("run")
        ax.set_ylabel("R² with other runs")

    return _svg(draw, 2.4, "runs", "R² of each run's coordinates with those of each other run.")


def _svg(draw, height, name, text):
    """Draw on a figure of our own settings; return SVG to stand in a page."""
    import matplotlib
    from matplotlib.figure import Figure

    # Not pyplot, and none of the caller's settings: the same numbers are the same bytes.
    skipped = {"backend", "interactive", "toolbar", "timezone"}
    settings = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in skipped}
    colored = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings |= dict.fromkeys(colored, _INK)
    settings |= {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 10}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="none")
        draw(figure)
        for ax in figure.axes:
            ax.patch.set_visible(False)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
    found = re.search(r"<svg.*</svg>", file.getvalue(), re.DOTALL).group()
    opening = re.match(r"<svg[^>]*>", found).group()
    box = re.search(r'viewBox="[^"]*"', opening).group()
    for ink, color in _OF_THE_PAGE.items():
        found = found.replace(ink, color)
    # HTML knows the namespaces by itself.
    body = re.sub(r"xlink:href=", "href=", found[len(opening) :])
    # Two pictures of one page must not share names.
    body = re.sub(r'id="', f'id="{name}-', body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    return f'<svg role="img" aria-label="{text}" {box}>{body}'
