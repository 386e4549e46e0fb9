"""`make unlock`: whether a run is alive in a folder."""

import subprocess
import sys

import psutil
import pytest

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
