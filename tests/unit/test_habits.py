"""What is written about the project is in step with it: version, picture, pages, hooks."""

import csv
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import deblend
import h5py
import pytest
import yaml

from tests.rules import ROOT

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/extend.md",
    "config/README.md",
)
#: What a path in a page may begin with, if it is one of the repository.
FOLDERS = ("src", "workflow", "tests", "tools", "config", "docs", "envs", "benchmarks", "slurm")
ARCHITECTURE = "".join((ROOT / f"docs/{n}.md").read_text() for n in ("architecture", "extend"))


def tool(name):
    """A program of tools/, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    heading = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == heading[1] == deblend.__version__


def test_the_picture_shows_the_imports(tmp_path):
    """If not: python tools/draw_architecture.py docs/architecture.svg."""
    # In a process of its own, which has set nothing else of matplotlib's.
    command = [sys.executable, ROOT / "tools/draw_architecture.py", tmp_path / "architecture.svg"]
    subprocess.run(command, check=True)
    for name in ("architecture.csv", "architecture.svg"):
        assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), name


def test_imports_are_counted(tmp_path, monkeypatch):
    program = tool("draw_architecture")
    package = tmp_path / "deblend"
    for path, text in {
        "errors.py": "",
        "data/__init__.py": "",
        "data/stamps.py": "from deblend.errors import DeblendError\nimport numpy",
        "boucaud2020/__init__.py": "",
        "boucaud2020/blends.py": "from deblend.data import stamps\nimport deblend.errors",
        "boucaud2020/sep.py": "def f():\n    from deblend.data.stamps import a, b",
    }.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    monkeypatch.setattr(program, "PACKAGE", package)
    assert program.edges() == {
        ("boucaud2020", "data"): 2,
        ("boucaud2020", "ground"): 1,
        ("data", "ground"): 1,
    }
    assert program.sizes() == {"boucaud2020": 2, "data": 1, "ground": 1}


@pytest.mark.parametrize("page", PAGES)
def test_paths_on_a_page_exist(page):
    found = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", (ROOT / page).read_text()))
    assert {path for path in found if not ("PAPER" in path or (ROOT / path).exists())} == set()
    assert page != "docs/extend.md" or len(found) > 30


def test_figures_are_made_where_the_page_says():
    rows = re.findall(
        r"^\| .+ \| `(\w+)` \| `([\w/.]+)` \| `(\w+)` in `([\w/.]+)` \| `([\w/.]+)` \|$",
        ARCHITECTURE,
        re.MULTILINE,
    )
    assert len(rows) == 4
    for rule, script, function, module, test in rows:
        paper = rule.split("_")[0]
        rules = (ROOT / f"workflow/rules/{paper}.smk").read_text()
        assert re.search(rf"rule .*\b{rule}\b", rules), rule
        assert f'"../{script.removeprefix("workflow/")}"' in rules, script
        assert f"def {function}(" in (ROOT / module).read_text()
        assert Path(module).stem in (ROOT / script).read_text()
        assert function in (ROOT / script).read_text()
        assert Path(module).stem in (ROOT / test).read_text(), test


def test_names_on_the_page_of_the_architecture_are_in_the_code():
    names = set(re.findall(r"`([A-Za-z]\w+)`", ARCHITECTURE))
    paths = [path for top in ("src", "workflow", "tests") for path in (ROOT / top).rglob("*.*")]
    code = "".join(path.read_text() for path in paths if path.suffix in (".py", ".smk"))
    assert len(names) > 30
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


def test_hooks_are_programs_of_the_environment():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    pinned = (ROOT / "requirements-dev.txt").read_text()
    for hook in hooks:
        program = Path(hook["entry"].split()[0])
        assert program.parent == Path(".venv/bin")
        package = "pre-commit-hooks" if re.match("check-|.*-fixer", program.name) else program.name
        assert re.search(rf"^{package}==", pinned, re.MULTILINE), package


def test_commits_that_moved_code_are_there():
    git = ["git", "-C", ROOT]
    if subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True).returncode:
        pytest.skip("not a clone")
    shallow = subprocess.run(
        [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True
    )
    if shallow.stdout.strip() == "true":
        pytest.skip("a clone without history")
    lines = (ROOT / ".git-blame-ignore-revs").read_text().splitlines()
    hashes = [line for line in lines if line and not line.startswith("#")]
    assert hashes
    for commit in hashes:
        assert re.fullmatch("[0-9a-f]{40}", commit)
        subprocess.run([*git, "cat-file", "-e", f"{commit}^{{commit}}"], check=True)


def test_runs_are_compared(tmp_path):
    program = tool("compare_runs")
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, name, text in (
        (before, "same.csv", "1"),
        (after, "same.csv", "1"),
        (before, "other.csv", "1"),
        (after, "other.csv", "2"),
        (before, "logs/a.log", "1"),
        (before, "old/place.csv", "1"),
        (after, "place.csv", "1"),
        (before, "not_made.csv", "1"),
        (before, "lost.csv", "1"),
        (after, "new.csv", "1"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for folder, time in ((before, "1"), (after, "2")):
        with h5py.File(folder / "weights.h5", "w", userblock_size=512) as file:
            file["kernel"] = [1.0, 2.0]
        with (folder / "weights.h5").open("r+b") as file:
            file.write(time.encode())
    renames = {"old/place.csv": "place.csv", "not_made.csv": ""}
    assert program.compare(before, after, renames) == {
        "differ": ["other.csv"],
        "gone": ["lost.csv"],
        "new": ["new.csv"],
    }


def test_renamed_outputs_can_be_read():
    with (ROOT / "tools/renamed_outputs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [["before", "after"]] * len(rows)
    assert len({row["before"] for row in rows}) == len(rows)
