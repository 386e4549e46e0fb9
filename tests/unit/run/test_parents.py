"""Jobs whose run is killed (-9): each job is a process of its own, as a script is."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from deblend.run.parents import RUN, announce_run, present_run

from tests.conftest import ROOT

#: A run that starts a job, through a shell that stays or that does not; it waits for the job.
PARENT = """
import subprocess, sys
from deblend.run.parents import announce_run
announce_run()
subprocess.run(["sh", "-c", {shell!r}, "sh", sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
JOB = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from deblend.files import atomic
from deblend.run import logs
job = SimpleNamespace(log=sys.argv[1:2], input=[], output=[])
with logs.script(job), atomic(sys.argv[2]) as temporary:
    temporary.write_text("half")
    Path(sys.argv[3]).touch()
    time.sleep({seconds})
"""
ENV = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def start(folder, shell, seconds=60):
    log, output, began = (folder / name for name in ("a.log", "out.csv", "began"))
    program = [sys.executable, "-c", PARENT.format(shell=shell)]
    arguments = [JOB.format(seconds=seconds), log, output, began]
    run = subprocess.Popen([*program, *arguments], env=ENV, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not began.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert began.exists()
    return run, psutil.Process(run.pid).children(recursive=True)


@pytest.mark.parametrize("shell", ['exec "$@"', '"$@"; exit $?', 'trap "" INT; exec "$@"'])
def test_a_job_ends_with_its_run_and_removes_what_is_not_complete(tmp_path, shell):
    run, processes = start(tmp_path, shell)
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "began"]
    text = (tmp_path / "a.log").read_text()
    assert f"Snakemake (process {run.pid}), which started this job, has ended" in text
    assert "make unlock" in text


def test_a_job_whose_run_lives_is_left_alone(tmp_path):
    run, _ = start(tmp_path, '"$@"; exit $?', seconds=2.5)
    assert run.wait(timeout=60) == 0
    assert (tmp_path / "out.csv").read_text() == "half"


@pytest.mark.parametrize("run", ["99999999-0badf00d-5", "99999999-5", "no number", ""])
def test_a_run_of_another_machine_is_not_looked_at(tmp_path, run):
    log, output, began = (tmp_path / name for name in ("a.log", "out.csv", "began"))
    command = [sys.executable, "-c", JOB.format(seconds=1.5), log, output, began]
    done = subprocess.run(command, env={**ENV, RUN: run}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.exists()


def test_a_job_whose_run_ended_while_it_started_ends_too(tmp_path):
    program = "from deblend.run.parents import *; announce_run(); print(os.environ[RUN])"
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, env=ENV, capture_output=True, text=True).stdout.strip()
    log, output, began = (tmp_path / name for name in ("a.log", "out.csv", "began"))
    command = [sys.executable, "-c", JOB.format(seconds=60), log, output, began]
    done = subprocess.run(command, env={**ENV, RUN: run}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "has ended" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_each_run_has_its_own_name(monkeypatch):
    monkeypatch.setenv(RUN, "")
    assert present_run() == ""
    names = set()
    for _ in range(3):
        announce_run()
        names.add(present_run())
    assert len(names) == 3


def test_what_a_run_starts_on_another_machine_is_of_that_run(monkeypatch):
    monkeypatch.setenv(RUN, "99999999-0badf00d-5")
    announce_run(is_main=False)
    assert present_run() == "5"
    # The job there ends with the process that started it there.
    assert os.environ[RUN].split("-")[0] == str(os.getpid())
    monkeypatch.delenv(RUN)
    announce_run(is_main=False)
    assert present_run()
