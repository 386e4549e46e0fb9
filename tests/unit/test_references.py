"""Names of the library that docstrings and comments mention are in the code."""

import ast
import functools
import re

import pytest

from tests.rules import ROOT

LIBRARY = ROOT / "src"
REFERENCE = re.compile(r"`(deblend(?:\.\w+)+)`")


@functools.cache
def definitions(path):
    """Nodes of a module that define names, by name; None for names that it imports."""
    return of_body(ast.parse(path.read_text()).body)


def of_body(body):
    """Names that the statements of a module or a class define: see `definitions`."""
    found = {}
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name: None for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
            found |= dict.fromkeys(names)
    return found


def exists(name):
    """Whether a dotted name is that of a module, or of a definition in one or in a class."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        folder = LIBRARY.joinpath(*parts[:size])
        path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        if path.is_file():
            known = definitions(path)
            for part in parts[size:]:
                if part not in known:
                    return False
                node = known[part]
                known = of_body(node.body) if isinstance(node, ast.ClassDef) else {}
            return True
    return False


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deblend.training", True),
        ("deblend.training.loop", True),
        ("deblend.training.loop.Loop", True),
        ("deblend.training.loop.Loop.finish", True),
        ("deblend.training.loop.Loop.start", False),
        ("deblend.training.loop.Knot", False),
        ("deblend.training.knot", False),
    ],
)
def test_names_are_looked_up(name, expected):
    assert exists(name) == expected


def test_names_in_docstrings_and_comments_exist():
    found = {
        (name, str(path.relative_to(LIBRARY)))
        for path in LIBRARY.rglob("*.py")
        for name in REFERENCE.findall(path.read_text())
    }
    assert len(found) > 50
    assert {(name, path) for name, path in found if not exists(name)} == set()
