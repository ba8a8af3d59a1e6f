"""The README's example prints what the README says."""

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_example(tmp_path, monkeypatch):
    ((program, expected),) = re.findall(
        r"```python\n(.*?)```\s*```text\n(.*?)```", README, flags=re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "__main__"})
    assert printed.getvalue() == expected
    assert (tmp_path / "anchors.safetensors").is_file()


def test_files_that_it_names_exist():
    root = Path(__file__).parents[1]
    for name in re.findall(r"\]\(([^):]+)\)", README):
        assert (root / name).is_file(), name


def test_names_that_it_names_exist():
    import sklatent

    table = README.partition("## See it")[0]
    for dotted in re.findall(r"`([\w.]+)`", table):
        value = sklatent
        for part in dotted.removeprefix("sklatent.").split("."):
            value = getattr(value, part)


def test_commands_are_in_the_makefile():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    commands = re.findall(r"make (\w+)", README)
    assert {"demo", "test", "docs"} <= set(commands)
    for command in commands:
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE)
