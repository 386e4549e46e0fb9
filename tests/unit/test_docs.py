"""The documentation: pages that are made from the rules, and the site."""

import importlib.util
import subprocess
import sys

import pytest

from tests.rules import ROOT, declared


def test_pages_are_those_of_the_rules(tmp_path):
    """If this fails, run: make docs."""
    command = [sys.executable, ROOT / "tools/document_workflow.py", tmp_path]
    subprocess.run(command, check=True)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 10
    for name in files:
        assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), name


def test_the_site_is_built_without_warnings(tmp_path):
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in ("index.html", "boucaud2020/index.html", "faq/index.html"):
        assert (tmp_path / "site" / page).is_file(), page


def test_every_rule_says_what_it_does():
    rules = declared(ROOT / "config/toy.yaml")["rules"]
    assert [name for name, rule in rules.items() if not rule["message"]] == []
