"""Modules as definitions: what each defines, and what it uses."""

import ast

import pytest
from deblend.run.parsed_code import build_module

SOURCE = """
'''A module.'''
import os
from math import sqrt
from .base import Base, marked

WIDTH = 3

@marked
class Panel(Base):
    edge: int = WIDTH

    def area(self, scale):
        from deblend.units import arcsec
        side = scale * self.edge
        return [sqrt(part) for part in (side, arcsec)]

os.environ["A"] = "1"
"""


@pytest.fixture
def module():
    return build_module(ast.parse(SOURCE), "deblend.draw", False)


def test_definitions_imports_and_statements_are_told_apart(module):
    assert set(module.definitions) == {"WIDTH", "Panel"}
    assert module.scope["sqrt"] == [("math", "sqrt")]
    assert module.scope["Base"] == [("deblend", "base", "Base")]
    assert module.statements.names == {("os", "environ")}
    # A decorator of the library may register it.
    assert module.registered == ["Panel"]


def test_names_that_a_definition_binds_itself_are_not_those_of_the_module(module):
    panel = module.definitions["Panel"]
    assert {("marked",), ("Base",), ("WIDTH",), ("sqrt",)} <= panel.names
    assert not {("side",), ("scale",), ("part",), ("self", "edge")} & panel.names
    assert ("arcsec", ("deblend", "units", "arcsec")) in panel.imported


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("'''A module.'''", "'''Another.'''  # comment", True),
        ("scale * self.edge", "(scale  *  self.edge)", True),
        ("scale * self.edge", "scale + self.edge", False),
        ("edge: int = WIDTH", "edge: int = 3", False),
    ],
)
def test_a_digest_changes_with_the_code_alone(module, old, new, is_same):
    assert old in SOURCE
    changed = build_module(ast.parse(SOURCE.replace(old, new)), "deblend.draw", False)
    same = changed.definitions["Panel"].digest == module.definitions["Panel"].digest
    assert same == is_same
