"""The library as a package: its wheel, its pins and what catalogues read about it."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata

import deblend
import pytest
import yaml

from tests.rules import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Of pyproject.toml: SPDX names of licences.
SETUPTOOLS = 77


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without the network from a copy: setuptools writes beside the sources."""
    found = int(metadata.version("setuptools").partition(".")[0])
    if found < SETUPTOOLS:
        pytest.skip(f"setuptools {SETUPTOOLS} is needed to build a wheel; {found} is installed")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(source), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (path,) = source.glob("*.whl")
    return path


def test_the_wheel_has_the_library_and_its_data(wheel):
    assert wheel.name == f"deblend-{deblend.__version__}-py3-none-any.whl"
    sources = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src/deblend").rglob("*.*")
        if path.suffix in (".py", ".csv", ".mplstyle")
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    assert sources - names == set()
    assert {name for name in names - sources if ".dist-info/" not in name} == set()


def test_the_wheel_is_imported_from_anywhere(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import importlib.metadata, deblend
from deblend.photometry.mixtures import PROFILE_TABLE
from deblend.plots.style import STYLE_FILE
assert deblend.__file__.startswith(sys.argv[1]) and PROFILE_TABLE.is_file() and STYLE_FILE.is_file()
print(deblend.__version__, importlib.metadata.version("deblend"))
"""
    command = [sys.executable, "-I", "-W", "ignore", "-c", program, str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == [deblend.__version__] * 2, done.stderr[-3000:]


def test_the_package_has_the_pins_of_the_workflow():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line.lower() for line in lines if line and not line.startswith("#")]
    parts = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    assert sorted(pin.lower() for part in parts for pin in part) == sorted(pins)


def test_the_citation_names_all_four_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == PROJECT["license"]
    found = {(r["authors"][0]["family-names"], r["year"]) for r in citation["references"]}
    assert found == {("Boucaud", 2020), ("Farrens", 2022), ("Reiman", 2019), ("Hemmati", 2022)}
    for reference in citation["references"]:
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference["doi"])
        # The pages of the papers link to the same.
        page = "".join(path.read_text() for path in (ROOT / "docs").glob("*20[12]?.md"))
        arxiv = reference["doi"].removeprefix("10.48550/arXiv.")
        assert f"doi.org/{reference['doi']}" in page or f"arxiv.org/abs/{arxiv}" in page


def test_the_workflow_catalogue_finds_what_it_asks_for():
    """See https://snakemake.github.io/snakemake-workflow-catalog: standardised usage."""
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    deployment = usage["software-stack-deployment"]
    assert deployment == {"conda": True, "apptainer": False, "apptainer+conda": False} | {
        "report": True
    }
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    for name in ("workflow/Snakefile", "config/README.md"):
        assert (ROOT / name).is_file(), name


def test_the_public_checks_are_those_of_the_project():
    """The file calls the project's own command, and nothing else that could differ from it."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    (job,) = jobs.values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert (ROOT / commands[0]).stat().st_mode & 0o111
