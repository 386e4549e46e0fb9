"""Projects in folders with odd names, without a home folder, and after a run that was killed."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT, copy_project

#: A small target with a script.
TARGET = "results/toy/datasets/simulated_bands/selected.csv"
ODD = "my [project] (é) & it's $HOME"


def run(command, folder, **environment):
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def make(folder, *arguments, **environment):
    """Run make without setting up `.venv`."""
    return run(["make", "-o", ".venv/.ready", *arguments], folder, **environment)


@pytest.fixture
def odd(tmp_path):
    """A copy of the project, with its `.venv`, in a folder with an odd name."""
    folder = copy_project(tmp_path / ODD)
    (folder / ".venv").symlink_to(sys.prefix)
    for name in ("Makefile", "tools"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_a_project_runs_in_a_folder_with_spaces_and_brackets_and_without_a_home_folder(odd):
    """The Makefile gives Snakemake another folder for its own cache."""
    home = {"HOME": "/dev/null"}
    _, text = make(odd, "toy", "SNAKEMAKE=printenv XDG_CACHE_HOME;:", **home)
    cache = odd / ".snakemake/caches"
    assert str(cache) in text.splitlines()
    command = [odd / ".venv/bin/python", "-m", "snakemake", "--cores", 1, TARGET]
    command += ["--configfile", "config/toy.yaml"]
    code, text = run(command, odd, XDG_CACHE_HOME=str(cache), **home)
    assert code == 0, text[-3000:]
    assert (odd / TARGET).is_file()
    assert (cache / "matplotlib").is_dir()


@pytest.mark.parametrize("name", ["{a}", "a:b"])
def test_make_refuses_a_folder_in_which_nothing_works_before_the_set_up(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "Makefile").symlink_to(ROOT / "Makefile")
    for file in ("requirements", "requirements-dev", "constraints", "lock-pip", "lock"):
        (folder / f"{file}.txt").touch()
    code, text = run(["make", "toy"], folder)
    assert code
    assert f"the path of this folder, {folder.resolve()}, has a brace or a colon: rename it" in text
    assert not (folder / ".venv").exists()


def test_after_a_killed_run_make_says_how_to_go_on(odd):
    locks = odd / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/toy/provenance.json\n")
    code, text = make(odd, "toy")
    assert code
    assert "Directory cannot be locked" in text
    assert "make unlock, and the same again" in text
    code, text = make(odd, "unlock")
    assert code == 0, text
    assert not locks.exists()
