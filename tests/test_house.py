"""The rules of the house that no other tool checks."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "sklatent").rglob("*.py"))
MAX_LINES = 450


# A module's tests lie in the file of its name, or of the longest beginning of its name: test_icp.py
# has those of _icp.py and _icp_starts.py. What is tested through something else says by what.
TESTED_BY = {
    "_utils/calling": "test_bad_calls",
    "_utils/limits": "test_bad_parameters",
    "_utils/options": "test_bad_calls",
    "model_selection/_chunk": "model_selection/test_stacks",
    "model_selection/_strategies": "model_selection/test_incremental_map",
    "models/_growth": "model_selection/test_new_covariates",
    "nn/training/pause": "model_selection/test_fused_halving",
    "nn/told": "models/test_covariates",
    "__main__": "persistence/test_card",
    "_utils/estimator_codec": "persistence/test_pipelines",
    "_utils/trusted": "persistence/test_pipelines",
    "_version": "test_kit",
    "alignment/_base": "alignment/test_with_scikit_learn",
    "alignment/_checks": "alignment/test_bad_input",
    "alignment/_consensus": "alignment/test_group",
    "alignment/_interval": "alignment/test_report",
    "alignment/_kinds": "alignment/test_report",
    "alignment/_support": "alignment/test_report",
    "channels/_arrays": "channels/test_bad_input",
    "channels/_content": "channels/test_fingerprints",
    "channels/_samples": "channels/test_fingerprints",
    "datasets/_dsprites": "datasets/test_sprites",
    "likelihoods/_base": "likelihoods/test_mixed",
    "likelihoods/_columns": "likelihoods/test_mixed",
    "likelihoods/_negative_binomial": "likelihoods/test_counts",
    "likelihoods/_poisson": "likelihoods/test_counts",
    "likelihoods/_rising": "likelihoods/test_counts",
    "metrics/_blocks": "metrics/test_similarity",
    "metrics/_factor_scorers": "metrics/test_scorers",
    "metrics/_factors": "metrics/test_conventions",
    "metrics/_neighborhood_scorers": "metrics/test_scorers",
    "metrics/_posterior": "metrics/test_polarized_regime",
    "metrics/_rsa": "metrics/test_neighborhoods",
    "metrics/_validation": "metrics/test_conventions",
    "models/_base": "models/test_check",
    "models/_beta_tcvae": "models/test_disentangling",
    "models/_dip_vae": "models/test_disentangling",
    "models/_factor_vae": "models/test_disentangling",
    "models/_fitting": "models/test_vae",
    "models/_trainable": "models/test_vae",
    "models/_training": "models/test_vae",
    "models/_run_identity": "models/test_checkpointing",
    "models/_held_out": "models/test_vae",
    "models/_in_blocks": "models/test_inference",
    "models/_nets": "models/test_continuation",
    "models/_relative_autoencoder": "models/test_autoencoder",
    "models/_rosetta": "models/test_rosetta_vae",
    "nn/autoencoder": "models/test_autoencoder",
    "nn/named_networks": "nn/test_architectures",
    "nn/stacking/kinds": "nn/stacking/test_modules",
    "nn/stacking/layers": "nn/stacking/test_modules",
    "nn/stacking/one_by_one": "nn/stacking/test_modules",
    "nn/stitching": "alignment/test_stitching",
    "nn/training/checkpoint": "models/test_checkpointing",
    "nn/transform": "models/test_transform",
    "nn/transform_objective": "models/test_transform",
    "nn/user_networks": "nn/test_architectures",
    "persistence/_earlier": "persistence/test_save_load",
    "persistence/_nets": "persistence/test_places",
    "plotting/_drawing": "plotting/test_displays",
    "plotting/_embedding": "plotting/test_displays",
    "plotting/_polarized_regime": "plotting/test_matrix_and_regime",
    "plotting/_reconstruction": "plotting/test_displays",
    "plotting/_search": "plotting/test_displays",
    "plotting/_similarity_matrix": "plotting/test_matrix_and_regime",
    "plotting/_traversal": "plotting/test_displays",
    "rosetta/_checks": "rosetta/test_points",
    "rosetta/_content": "rosetta/test_points",
    "rosetta/_distillation": "rosetta/test_points",
    "rosetta/_elsewhere": "models/test_rosetta_vae",
    "rosetta/_steps": "rosetta/test_names",
    "transformations/_base": "test_transformations",
    "transformations/_compose": "test_transformations",
    "transformations/_images": "test_transformations",
    "transformations/_vectors": "test_transformations",
    "transformations/_warps": "test_transformations",
}


@cache
def parsed(path):
    """Return a file's syntax tree; each is read once."""
    return ast.parse(path.read_text())


def module_name(path):
    """Return what a file is imported as."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in LIBRARY}


def room(module):
    """Return the room that a module of sklatent lies in; the package itself is the door."""
    parts = module.split(".")
    if parts[1:2] == ["nn"]:
        inside = ".".join(parts[1:3])
        return inside if inside in ("nn.stacking", "nn.training") else "nn"
    return parts[1] if len(parts) > 1 else "the door"


def imports(path):
    """Yield (module, name) for all that a file imports from sklatent; name None for a module.

    Whatever the style, and inside functions too, but not what only a type checker reads.
    """
    package = module_name(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    stack = [parsed(path)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack += node.orelse
            continue
        stack += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from ((a.name, None) for a in node.names if a.name.split(".")[0] == "sklatent")
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                above = package[: len(package) + 1 - node.level]
                source = ".".join([*above, source] if source else above)
            if source.split(".")[0] == "sklatent":
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield (whole, None) if whole in MODULES else (source, alias.name)


def seen_from(target, here):
    """Return what a module of another room is called in the table: its room, or the module alone.

    A module with an underscore is its room's own affair, so that who uses it from outside says so.
    """
    other = room(target)
    if other == here:
        return None
    private = target.rpartition(".")[2]
    if private.startswith("_") and target.count(".") > 1:
        return f"{other}.{private}"
    return other


def table():
    """Return the rooms and what they import, as CONTRIBUTING.md has them."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    _, _, rest = text.partition("| room | holds | imports |")
    rows = [line.strip("|").split("|") for line in rest.strip().splitlines()]
    found = {}
    for row in rows[1:]:
        if len(row) != 3:
            break
        names = re.findall(r"`([^`]+)`", row[0]) or [row[0].strip()]
        found[names[0].rstrip("/").replace("/", ".")] = set(re.findall(r"`([^`]+)`", row[2]))
    return found


def circles(graph):
    """Return the modules that, by way of others, import themselves."""
    reached = {}
    for start in graph:
        seen, stack = set(), list(graph[start])
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += graph.get(node, ())
        reached[start] = seen
    return sorted(module for module, seen in reached.items() if module in seen)


def calls(path):
    """Yield the dotted name of everything that a file calls."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def tracked_text_files():
    """Return the files that git tracks and that are text."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listing.split("\0")):
        path = ROOT / name
        if path.is_file():
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_there_is_a_library():
    assert len(LIBRARY) > 30


def test_a_benchmark_holds_one_table():
    """Or one study: its tables that rest on the same trainings."""
    paths = (ROOT / "benchmarks").rglob("*.py")
    assert not {path.name for path in paths if len(path.read_text().splitlines()) > MAX_LINES}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
class TestEachFile:
    def test_holds_one_idea(self, path):
        assert len(path.read_text().splitlines()) <= MAX_LINES

    def test_a_name_with_an_underscore_stays_in_its_file(self, path):
        private = [f"{m}.{n}" for m, n in imports(path) if n and re.match("_[^_]", n)]
        assert not private

    def test_no_pickle_and_no_global_randomness(self, path):
        tree = parsed(path)
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        }
        assert not imported & {"pickle", "cloudpickle", "dill", "random"}
        forbidden = {"np.random.seed", "numpy.random.seed", "torch.load", "joblib.load", "eval"}
        assert not forbidden & set(calls(path))

    def test_nothing_is_left_for_later(self, path):
        source = path.read_text()
        for word in ("TODO", "FIXME", "XXX", "NotImplemented" + "Error", "no" + "qa", "pragma: no"):
            assert word not in source


def test_every_module_has_its_tests():
    """Where its name says, or where the table does; the table has no line in vain."""
    others = {}
    for path in LIBRARY:
        module = path.relative_to(ROOT / "sklatent").with_suffix("")
        words = module.name.strip("_").split("_")
        names = ["_".join(words[:n]) for n in range(len(words), 0, -1)]
        first, *rest = module.parent.parts or [""]
        here = ROOT.joinpath("tests", first, *(part.strip("_") for part in rest))
        if path.name != "__init__.py" and not any((here / f"test_{n}.py").exists() for n in names):
            others[module.as_posix()] = TESTED_BY.get(module.as_posix())
    assert not sorted(name for name, tests in others.items() if tests is None)
    assert not sorted(TESTED_BY.keys() - others.keys())
    for name, tests in others.items():
        assert (ROOT / "tests" / f"{tests}.py").is_file(), name


def test_rooms_import_what_contributing_says():
    """To the letter: a new arrow, and one that is gone, are a line in CONTRIBUTING.md."""
    found = {}
    for module, path in MODULES.items():
        here = room(module)
        arrows = {seen_from(target, here) for target, _ in imports(path)}
        found.setdefault(here, set()).update(arrows - {None})
    expected = table()
    assert set(found) == set(expected)
    wrong = [
        f"{here}: CONTRIBUTING.md lacks {sorted(arrows - expected[here])}, and has "
        f"{sorted(expected[here] - arrows)} in vain"
        for here, arrows in found.items()
        if arrows != expected[here]
    ]
    assert not wrong, "\n".join(wrong)


def test_files_that_contributing_names_exist():
    """In its table of where to go for what, and anywhere else."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    tasks = text.partition("| to | go to | held by |")[2].partition("## ")[0]
    assert tasks.count("\n| ") == 10
    named = re.findall(r"`([\w/]+(?:\.\w+|/))`", text)
    named = [name for name in named if "/" in name]
    assert len(named) > 20
    for name in named:
        places = (ROOT, ROOT / "sklatent", ROOT / "benchmarks")
        assert any((place / name).exists() for place in places), name


def test_decisions_rest_on_reports():
    """Every report that docs/decisions.rst names is there, and the code that it names too."""
    text = (ROOT / "docs" / "decisions.rst").read_text()
    reports = {name for line in re.findall(r"\((``[^)]*)\)", text) for name in
               re.findall(r"``(\w+)``", line)}  # fmt: skip
    paths = set(re.findall(r"``([\w/]+\.py)``", text))
    assert len(reports) >= 8
    for name in reports - {"WORTH_THREADS"}:
        assert (ROOT / "benchmarks" / "reports" / f"{name}.md").is_file(), name
    for path in paths - {"__init__.py"}:
        assert any((ROOT / place / path).is_file() for place in ("", "sklatent")), path


def test_no_circles():
    """Neither between files nor between rooms."""
    files = {module: {target for target, _ in imports(path)} for module, path in MODULES.items()}
    assert not circles(files)
    rooms = {}
    for module, targets in files.items():
        # The door has names only, and opens on first use.
        others = {room(target) for target in targets} - {room(module), "the door"}
        rooms.setdefault(room(module), set()).update(others)
    assert not circles(rooms)


def test_circles_are_found():
    """The test above could not fail otherwise."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "from sklatent.nn.training.net import LatentNet",
            ("sklatent.nn.training.net", "LatentNet"),
        ),
        ("from .training.net import LatentNet", ("sklatent.nn.training.net", "LatentNet")),
        ("from ..metrics import linear_cka", ("sklatent.metrics", "linear_cka")),
        ("from .. import metrics", ("sklatent.metrics", None)),
        ("import sklatent.metrics", ("sklatent.metrics", None)),
        ("def f():\n    from . import modules", ("sklatent.nn.modules", None)),
    ],
)
def test_imports_of_every_style_are_seen(tmp_path, monkeypatch, line, expected):
    path = tmp_path / "sklatent" / "nn" / "probe.py"
    path.parent.mkdir(parents=True)
    path.write_text(line)
    monkeypatch.setitem(imports.__globals__, "ROOT", tmp_path)
    assert list(imports(path)) == [expected]


def test_one_style_of_imports():
    """Whole names from the top, so that a reader finds the file."""
    relative = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for folder in ("sklatent", "tests", "benchmarks", "demo", "docs")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_no_path_of_one_machine():
    """Neither home folders nor places where somebody happened to work."""
    roots = tuple(f"/{name}/" for name in ("work", "root", "home", "tmp", "Users"))
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path, text in tracked_text_files()
        for line in text.splitlines()
        if any(root in line for root in roots)
    ]
    assert not found, "\n".join(found)


def test_pins_are_within_the_ranges():
    """constraints.txt pins every direct dependency, to a version that pyproject.toml allows."""
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().lower().splitlines()
        if line and not line.startswith("#")
    )
    for requirement in map(Requirement, wanted):
        if requirement.name != "sklatent":
            assert requirement.specifier.contains(pins[requirement.name.lower()])
