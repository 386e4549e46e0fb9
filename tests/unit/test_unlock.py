"""`make unlock`: whether a run is alive in a folder."""

import os
import subprocess
import sys

import psutil
import pytest

from tests.conftest import ROOT
from tools.unlock import is_run, living_runs

JOB = "/home/me/my project/.snakemake/scripts/tmp1.train.py"


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-m", "snakemake", "--cores", "2"],
        ["/p/.venv/bin/python3.11", "/p/.venv/bin/snakemake", "-n"],
        ["/p/.venv/bin/python", JOB],
    ],
)
def test_snakemake_and_its_jobs_are_runs(command):
    assert is_run(command)


@pytest.mark.parametrize(
    "command",
    [
        [],
        [""],
        ["tail", "-f", ".snakemake/log/1.snakemake.log"],
        ["/bin/bash", "-c", f"set -euo pipefail;  python '{JOB}'"],
        ["python", "tools/unlock.py"],
        ["python", "-m", "pytest", "tests/unit/test_snakemake.py"],
        ["vim", JOB],
    ],
)
def test_other_processes_are_not(command):
    assert not is_run(command)


def test_only_processes_in_the_folder_count(tmp_path):
    here, elsewhere = tmp_path / "my project", tmp_path / "elsewhere"
    script = here / ".snakemake/scripts/tmp1.train.py"
    script.parent.mkdir(parents=True)
    elsewhere.mkdir()
    script.write_text("import time; print('started', flush=True); time.sleep(60)")
    command = [sys.executable, script]
    job = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True)
    try:
        assert job.stdout.readline() == "started\n"
        assert living_runs(here) == [psutil.Process(job.pid)]
        assert living_runs(elsewhere) == []
        (tmp_path / "link").symlink_to(here)
        assert [run.pid for run in living_runs(tmp_path / "link")] == [job.pid]
    finally:
        job.kill()
        job.communicate()
    assert living_runs(here) == []


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Set what Slurm's `squeue` answers and the status with which it ends."""

    def answers(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "squeue").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "squeue").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return answers


def unlock(folder):
    """Exit status and standard error of tools/unlock.py in a folder with locks."""
    folder.mkdir()
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.output.lock").write_text("results/a\n")
    command = [sys.executable, ROOT / "tools/unlock.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr, any((folder / ".snakemake/locks").glob("*.lock"))


def test_jobs_in_the_queue_of_a_cluster_keep_the_locks(tmp_path, squeue):
    """They would write the same files as the next run."""
    folder = tmp_path / "my project"
    squeue(f"echo '12|{folder}'; echo '7|{tmp_path}'; echo '9|{folder}'; echo '12|{folder}'")
    status, text, locked = unlock(folder)
    assert status == 1 and locked
    assert f"jobs of a run in {folder} are in the queue" in text
    assert "cancel them (scancel 9 12), then unlock; nothing was unlocked" in text


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo '7|/elsewhere'", ""),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
         "squeue fails (slurm_load_jobs error: Unable to contact slurm controller): if jobs of"),
    ],
)  # fmt: skip
def test_otherwise_the_locks_are_removed(tmp_path, squeue, script, said):
    squeue(script)
    status, text, locked = unlock(tmp_path / "my project")
    assert status == 0 and not locked, text
    assert said in text and ("squeue" in text) == bool(said)
