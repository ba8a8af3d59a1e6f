"""``python -m tests.typed_names`` writes, for type checkers, what the lazy tables say."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import sklatent

ROOT = Path(sklatent.__file__).parent
LAZY = sorted(path for path in ROOT.rglob("__init__.py") if "attach(" in path.read_text())
HEAD = "if TYPE_CHECKING:  # what the table below says, for editors and type checkers\n"


def wanted(path):
    """Return the imports that a package's lazy table stands for."""
    package = ".".join(["sklatent", *path.parent.relative_to(ROOT).parts])
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if ast.unparse(node.func) == "attach"]
    lines = {
        f"from {package}.{module} import {name} as {name}"
        for module, names in ast.literal_eval(call.args[1]).items()
        for name in names
    }
    for keyword in call.keywords:
        names = ast.literal_eval(keyword.value)
        lines |= {f"from {package} import {name} as {name}" for name in names}
    return lines


def found(path):
    """Return what stands under TYPE_CHECKING in a package."""
    blocks = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
    assert [ast.unparse(block.test) for block in blocks] == ["TYPE_CHECKING"]
    return {ast.unparse(line) for line in blocks[0].body}


def main():
    """Write the blocks anew, and have ruff put them in order."""
    for path in LAZY:
        block = HEAD + "".join(f"    {line}\n" for line in sorted(wanted(path))) + "\n"
        before, after = re.split(r"if TYPE_CHECKING:.*?\n\n(?=\S)", path.read_text(), flags=re.S)
        path.write_text(before + block + after)
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *map(str, LAZY)], check=True)


if __name__ == "__main__":
    main()
