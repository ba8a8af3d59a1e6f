"""Write the pages of the API reference, one for each public object, from ``__all__``."""

import inspect

from tests.discovery import public_methods, public_modules, public_objects

TITLES = {
    "sklatent": "Models, anchors and files",
    "sklatent.models": "Models",
    "sklatent.rosetta": "Anchors",
    "sklatent.alignment": "Alignment",
    "sklatent.channels": "Channels",
    "sklatent.metrics": "Metrics and scorers",
    "sklatent.model_selection": "Model selection",
    "sklatent.plotting": "Plotting",
    "sklatent.transformations": "Transformations",
    "sklatent.datasets": "Datasets",
    "sklatent.persistence": "Persistence",
    "sklatent.nn": "Networks and objectives",
}


def heading(text, line):
    """Underline a title."""
    return f"{text}\n{line * len(text)}\n"


def object_page(name, value):
    """Return the page of one class or function."""
    lines = [heading(name, "="), f".. currentmodule:: {name.rpartition('.')[0]}\n"]
    if inspect.isclass(value):
        lines += [f".. autoclass:: {name}"]
        if methods := public_methods(value):
            lines += [f"   :members: {', '.join(methods)}", "   :member-order: bysource"]
    else:
        lines += [f".. autofunction:: {name}"]
    return "\n".join(lines) + "\n"


def index_page(objects):
    """Return the front page: a table of each module's objects, and the module's docstring."""
    lines = [heading("API reference", "=")]
    for module_name, module in public_modules().items():
        names = [name for name in objects if name.rpartition(".")[0] == module_name]
        if not names:
            continue
        title = TITLES.get(module_name, module_name)
        lines += [
            heading(title, "-"),
            f"``{module_name}``\n",
            inspect.getdoc(module).splitlines()[0] + "\n",
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
    pages = {"index.rst": index_page(objects)}
    pages |= {f"generated/{name}.rst": object_page(name, value) for name, value in objects.items()}
    old = {str(path.relative_to(folder)) for path in folder.rglob("*.rst")}
    for gone in old - pages.keys():
        (folder / gone).unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:  # what has not changed is not built again
            path.write_text(text)
