"""The rules of the house that no other tool checks."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "sklatent").rglob("*.py"))
MAX_LINES = 450

# What a package may import from its siblings, at the top of a module or inside a function.
LAYERS = {
    "likelihoods": {"likelihoods"},
    "nn": {"nn", "likelihoods"},
    "datasets": {"datasets", "transformations"},
    "channels": {"channels", "nn"},
    "metrics": {"metrics", "channels"},
    "alignment": {"alignment", "metrics", "nn"},
    "models": {"models", "nn", "likelihoods", "rosetta", "transformations", "alignment", "metrics"},
}


def sibling_imports(path):
    """Yield the first part below ``sklatent`` of everything that a file imports from sklatent."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sklatent":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "sklatent" and len(parts) > 1:
                    yield parts[1]


def calls(path):
    """Yield the dotted name of everything that a file calls."""
    for node in ast.walk(ast.parse(path.read_text())):
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


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
class TestEachFile:
    def test_holds_one_idea(self, path):
        assert len(path.read_text().splitlines()) <= MAX_LINES

    def test_imports_go_one_way(self, path):
        package = path.relative_to(ROOT / "sklatent").parts[0]
        if package in LAYERS:
            private = {name for name in sibling_imports(path) if name.startswith("_")}
            assert set(sibling_imports(path)) - private <= LAYERS[package]

    def test_no_pickle_and_no_global_randomness(self, path):
        source = path.read_text()
        tree = ast.parse(source)
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
