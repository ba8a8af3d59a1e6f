"""What surrounds the code says what the code says: versions, systems, commands."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import sklatent

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def pinned(package):
    (version,) = re.findall(rf"^{package}==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)
    return version


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == sklatent.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= citation.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["license"] == project["license"]["text"]


def test_hooks_before_a_commit_are_those_of_make_lint():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    wanted = [f"ruff=={pinned('ruff')}"]
    ruff = [hook for hook in local["hooks"] if hook["entry"].startswith("ruff")]
    assert [hook["additional_dependencies"] for hook in ruff] == [wanted, wanted]
    makefile = (ROOT / "Makefile").read_text()
    assert "ruff check" in makefile
    assert "ruff format" in makefile


def test_the_matrix_has_old_and_new_on_three_systems():
    jobs = yaml.safe_load((GITHUB / "workflows" / "tests.yml").read_text())["jobs"]
    systems = jobs["latest"]["strategy"]["matrix"]["os"]
    assert {system.partition("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}
    oldest = " ".join(step.get("run", "") for step in jobs["oldest"]["steps"])
    assert "lowest" in oldest
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    floor = project["requires-python"].removeprefix(">=")
    assert floor in jobs["latest"]["strategy"]["matrix"]["python"]
    run = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for command in run:
        first = command.split()[0]
        assert first in ("python", "uv", "make") or (ROOT / first).is_file()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_whole(path):
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys()
    for field in form["body"]:
        assert {"type", "id", "attributes"} <= field.keys()
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_promises_about_files_name_what_is_there():
    text = (ROOT / "SECURITY.md").read_text()
    for dotted in re.findall(r"`((?:sklatent|RosettaPoints|ChannelFingerprints)\.\w+)`", text):
        value = sklatent
        for part in dotted.removeprefix("sklatent.").split("."):
            value = getattr(value, part)
        assert callable(value)
    assert (ROOT / "benchmarks" / "file_fuzz.py").is_file()
