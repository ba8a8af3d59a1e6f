"""A reproducibility report as one HTML page that needs nothing else, on paper or on a telephone."""

from html import escape

from sklatent.model_selection._reproducibility.pictures import (
    levels_picture,
    runs_picture,
    spaces_picture,
)

# Text on ground, in the light and in the dark, with a contrast of 4.5 at least.
LIGHT = {"ground": "#ffffff", "ink": "#1b1f23", "muted": "#5b6168", "accent": "#1f5fa8"}
DARK = {"ground": "#15181b", "ink": "#e6e8ea", "muted": "#a3a9b0", "accent": "#7fb2e8"}


def _variables(colors):
    return "".join(f"--{name}:{value};" for name, value in colors.items())


_STYLE = f"""
:root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}}
main{{max-width:60rem;margin:0 auto;padding:1rem}}
h1{{font-size:1.6rem;line-height:1.2}}
h2{{font-size:1.2rem;margin-top:2.5rem}}
.verdict{{font-size:1.15rem;border-left:.3rem solid var(--accent);padding:.2rem 0 .2rem 1rem}}
.wide{{overflow-x:auto}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
th,td{{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0;
border-bottom:1px solid var(--muted)}}
.told{{color:var(--muted);max-width:34rem}}
td.number{{white-space:nowrap}}
figure{{margin:1.5rem 0}}
svg{{display:block;width:100%;max-width:34rem;height:auto}}
svg text{{fill:currentColor}}
figcaption{{color:var(--muted);max-width:34rem}}
code{{overflow-wrap:anywhere;font-size:.9em}}
table code{{white-space:nowrap}}
"""


def page(report, title, meanings):
    """Write a report as HTML.

    Parameters
    ----------
    report : ReproducibilityReport
        What to write.
    title : str
        Heading.
    meanings : dict of str to str
        What a reader may rely on, for each level.
    """
    made_of = report.provenance
    asked = made_of["min_r2"]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict">{escape(report.verdict)}</p>',
        _section("What a reader may rely on", _table(_reliance(report, meanings), "")),
        _section("Cautions", _list(report.cautions)),
        _section("The measures", _measures(report, made_of), _figure(*_levels(report, asked))),
        _section(
            "The runs beside each other",
            _figure(
                spaces_picture(report.latents, made_of["shown"]),
                "The same samples in the first runs, on the two components of largest variance. "
                "Colours and shapes are the quarters of run 1: where coordinates agree, they stay "
                "in their places.",
            ),
            _figure(
                runs_picture(report.pairwise),
                "R² of coordinates, without a map, of each run with each other one. A run that "
                "went elsewhere stands below the rest.",
            ),
        ),
        _section("Component by component", _table(report.components, _COMPONENTS)),
        _section("The runs", _table(report.runs, _RUNS)),
        _section("What was used", *_used(made_of)),
        _section(
            "How the numbers are made", *(f"<p>{escape(text)}</p>" for text in _method(made_of))
        ),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


_COMPONENTS = (
    "Of run 1, held against each other run: R² without a map (median), correlation with the "
    "component that matches best (median), the share of runs in which that is the component of the "
    "same number, and of the same sign. The start's gap and sign are what the data determine."
)
_RUNS = (
    "The content hash is what python -m sklatent prints of the saved model; the bound is the "
    "evidence lower bound in nats a row on these rows."
)


def _reliance(report, meanings):
    for row in report.table:
        yield {
            "may rely": row["holds"],
            "on": meanings[row["level"]][0],
            "that is": meanings[row["level"]][1],
        }


def _measures(report, made_of):
    confidence = f"{made_of['confidence']:.0%} interval"
    rows = [
        {
            "level": row["level"],
            "between runs": _number(row["value"]),
            confidence: f"{_number(row['low'])} to {_number(row['high'])}",
            "by chance": _number(row["floor"]),
            "asked": _number(row["asked"]),
        }
        for row in report.table
    ]
    return _table(
        rows,
        "R² between runs for the maps, the share of nearest neighbours in common for neighbors. "
        "Larger is better, 1 is perfect. A level holds where the interval lies above what is asked "
        "and above what chance gives.",
    )


def _levels(report, asked):
    return levels_picture(report.table, asked), (
        "Dots: between runs, with the interval. Crosses: what spaces score by chance that agree in "
        "the next weaker sense only; a score that is no better says nothing."
    )


def _used(made_of):
    data = made_of["data"]
    yield (
        f"<p>Data: {data['rows']:,} rows, {data['features']:,} features. SHA-256 "
        f"<code>{data['sha256']}</code> of <code>{escape(data['hashed'])}</code>.</p>"
    )
    if made_of["files"]:
        yield _table(made_of["files"], "Files that belong to this report.")
    yield _table(
        [{"parameter": name, "value": value} for name, value in made_of["parameters"].items()],
        "Parameters of run 1.",
    )
    versions = ", ".join(f"{name} {value}" for name, value in made_of["versions"].items())
    yield f"<p>Versions: {escape(versions)}.</p>"


def _method(made_of):
    yield (
        f"Rows are dealt into {made_of['n_blocks']} blocks at random. For each ordered pair of "
        "runs and each block, the best map of a kind is fitted on the other blocks and judged on "
        "this one: none at all (coordinates), an order and signs of the axes with a shift (axes), "
        "a rotation or reflection with a shift (rigid), least squares (linear). R² is one minus "
        "the squared error over the target's squared distance from its mean. Neighbours are the "
        f"{made_of['n_neighbors']} nearest other rows by Euclid, among "
        f"{made_of['neighbor_rows']:,} rows."
    )
    yield (
        "The interval is for the mean over pairs of runs. Its variance is the sum of two "
        "jackknives of what is left unexplained, on its logarithm, over runs (where there are "
        "three or more) and over blocks of rows. Chance is the 95th percentile of the same score "
        "over random changes of run 1 that leave the next weaker level intact: axes reordered and "
        "turned over, the space turned, the space mapped by a random matrix; for linear maps and "
        "neighbours the mean of rows that do not correspond."
    )
    yield (
        "The report speaks of runs that differ as these do, on these rows. It does not know which "
        "rows the models were trained on, and it says nothing of another lab's data."
    )


def _section(title, *parts):
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def _figure(picture, caption):
    return f"<figure>\n{picture}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def _list(texts):
    if not texts:
        return "<p>None.</p>"
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _table(rows, caption):
    """Rows of one set of keys as a table that scrolls by itself where it is too wide."""
    rows = list(rows)
    if not rows:
        return "<p>None.</p>"
    names = list(rows[0])
    head = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in names)
    body = "".join(f"<tr>{''.join(_cell(row[name]) for name in names)}</tr>\n" for row in rows)
    told = f'<p class="told">{escape(caption)}</p>\n' if caption else ""
    label = escape(caption.partition(".")[0] or "What a reader may rely on")
    return (
        f'{told}<div class="wide" tabindex="0" role="region" aria-label="{label}">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>"
    )


def _cell(value):
    if isinstance(value, str) and len(value) == 64:
        return f"<td><code>{escape(value)}</code></td>"
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    return f'<td class="number">{escape(_number(value))}</td>'


def _number(value):
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if abs(value) >= 1e6:
        return f"{value:.1e}".replace("-", "\N{MINUS SIGN}")
    return f"{value:.{3 if abs(value) < 10 else 1}f}".replace("-", "\N{MINUS SIGN}")
