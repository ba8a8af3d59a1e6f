"""Write the pages of the API reference, one for each public object, from ``__all__``."""

import inspect
import re
from pathlib import Path

from tests.discovery import public_methods, public_objects

GUIDE = Path(__file__).parent / "guide"

# What a person wants to do, and the modules whose names serve it. A name belongs to the first group
# that has its module, so that a new one finds its place by itself.
GROUPS = {
    "Learn a space": [
        "models._vae",
        "models._autoencoder",
        "models._beta_tcvae",
        "models._factor_vae",
        "models._dip_vae",
        "_posterior",
    ],
    "What X is: counts, mixed tables, gaps": ["likelihoods"],
    "Keep a space: anchors, new data": [
        "rosetta",
        "models._rosetta",
        "model_selection._incremental_map",
    ],
    "Train several models that agree": ["models._ensemble"],
    "Known transformations": ["models._transform", "transformations"],
    "Save and share": ["persistence"],
    "Translate between spaces": ["alignment", "models._relative_autoencoder"],
    "Retrain and report": [
        "model_selection._retraining",
        "model_selection._reproducibility",
        "model_selection._sequential_study",
    ],
    "Choose: searches": ["model_selection"],
    "Choose: scorers for a search": [
        "metrics._scorers",
        "metrics._similarity_scorers",
        "metrics._factor_scorers",
        "metrics._neighborhood_scorers",
        "metrics._prediction_scorers",
    ],
    "Measure: disentanglement": [
        "metrics._disentanglement",
        "metrics._information",
        "metrics._intervention",
        "metrics._prediction",
        "metrics._ranking",
    ],
    "Measure: how far two spaces differ, and other metrics": ["metrics"],
    "Channels": ["channels"],
    "Draw": ["plotting"],
    "Data sets": ["datasets"],
    "Extend": ["models", "nn"],
}


def group_of(value):
    """Return the title of the group that an object belongs to: the longest module that fits."""
    module = value.__module__.removeprefix("sklatent.")
    fitting = [
        (len(prefix), title)
        for title, prefixes in GROUPS.items()
        for prefix in prefixes
        if f"{module}.".startswith(f"{prefix}.")
    ]
    if not fitting:
        raise ValueError(f"{value.__module__} is in no group of docs/api_reference.py; add it.")
    return max(fitting)[1]


def heading(text, line):
    """Underline a title."""
    return f"{text}\n{line * len(text)}\n"


def guide_pages():
    """Return, for each page of the guide, the last parts of the names that it refers to by role."""
    return {
        path.stem: {
            name.rpartition(".")[2]
            for name in re.findall(r":(?:class|func):`~?(sklatent[\w.]*)`", path.read_text())
        }
        for path in sorted(GUIDE.glob("*.rst"))
        if path.stem != "index"
    }


def object_page(name, value, guide):
    """Return the page of one class or function, with the guide's pages and examples that use it."""
    lines = [heading(name, "="), f".. currentmodule:: {name.rpartition('.')[0]}\n"]
    if inspect.isclass(value):
        lines += [f".. autoclass:: {name}"]
        if methods := public_methods(value):
            lines += [f"   :members: {', '.join(methods)}", "   :member-order: bysource"]
    else:
        lines += [f".. autofunction:: {name}"]
    lines += [""]
    short = name.rpartition(".")[2]
    if pages := [page for page, names in guide.items() if short in names]:
        links = ", ".join(f":doc:`/guide/{page}`" for page in pages)
        lines += [f".. rubric:: In the guide\n\n{links}\n"]
    lines += [f".. minigallery:: {name}\n   :add-heading: Examples\n   :heading-level: -\n"]
    return "\n".join(lines)


def index_page(objects):
    """Return the front page: the objects by what a person wants to do, each with its line."""
    lines = [heading("API reference", "="), "Every public name, by what it is for.\n"]
    groups = {title: [] for title in GROUPS}
    for name, value in objects.items():
        groups[group_of(value)].append(name)
    for title, names in groups.items():
        if names:
            lines += [
                heading(title, "-"),
                ".. autosummary::",
                "   :nosignatures:\n",
                *(f"   {name}" for name in names),
                "",
            ]
    lines += [".. toctree::", "   :hidden:\n", *(f"   generated/{name}" for name in objects)]
    return "\n".join(lines) + "\n"


def write(folder):
    """Write the whole reference, removing pages of what is no longer there."""
    objects = public_objects()
    guide = guide_pages()
    pages = {"index.rst": index_page(objects)}
    pages |= {
        f"generated/{name}.rst": object_page(name, value, guide) for name, value in objects.items()
    }
    old = {str(path.relative_to(folder)) for path in folder.rglob("*.rst")}
    for gone in old - pages.keys():
        (folder / gone).unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:  # what has not changed is not built again
            path.write_text(text)
