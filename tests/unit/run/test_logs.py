"""Log file and terminal of a script, each test in a process of its own."""

import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

PROGRAM = """
import logging, sys, warnings
from pathlib import Path
from types import SimpleNamespace
from deblend.errors import DeblendError, TransientError
from deblend.run import logs

job = SimpleNamespace(log=sys.argv[1:2], input=sys.argv[2:3], output=sys.argv[3:])
with logs.script(job):
    logging.getLogger("deblend.x").debug("a detail")
    logging.getLogger("deblend.x").info("read 3 stamps")
    warnings.warn("a warning of a library")
    {end}
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "train" / "net.log"


def script(log, end, *files, **env):
    """Exit status and standard error of a script that ends with a statement.

    `files` are an input and outputs.
    """
    command = [sys.executable, "-c", PROGRAM.format(end=end), log, *files]
    env["PYTHONPATH"] = str(ROOT / "src")
    # As Snakemake does, in the folder of the run.
    folder = log.parents[2]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_messages_and_warnings_go_to_file_and_terminal(log):
    status, shown = script(log, "pass")
    assert status == 0
    text = log.read_text()
    assert "INFO deblend.x: read 3 stamps\n" in text
    assert "WARNING py.warnings: " in text
    for where in (shown, text):
        assert "a warning of a library" in where
        assert "a detail" not in where
    # No time, level or name on the terminal.
    assert shown.startswith("read 3 stamps\n")
    # The next attempt overwrites the file.
    assert script(log, "pass")[0] == 0
    assert log.read_text().count("read 3 stamps") == 1


def test_an_error_of_the_user_is_shown_without_a_traceback(log):
    status, shown = script(log, "raise DeblendError('depth is 3: give a smaller one')")
    assert status == 1
    assert shown.endswith(f"Error: depth is 3: give a smaller one\n(traceback: {log})\n")
    assert "Traceback" not in shown
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert "DeblendError: depth is 3: give a smaller one" in text


def test_any_other_error_is_shown_with_its_traceback(log):
    status, shown = script(log, "{}['stamps']")
    assert status == 1
    for text in (shown, log.read_text()):
        assert text.count("Traceback (most recent call last)") == 1
        assert "KeyError: 'stamps'" in text


def test_what_can_only_fail_is_not_tried_again_in_the_same_run(log):
    refuse = "raise DeblendError('the training has diverged: lower the learning rate')"
    status, shown = script(log, refuse, DEBLEND_RUN="99999999-1")
    assert status == 1
    assert "the training has diverged" in shown
    text = log.read_text()
    # This attempt would succeed. Snakemake starts it since the rule has retries, without the log.
    log.unlink()
    status, shown = script(log, "pass", DEBLEND_RUN="99999999-1")
    assert (status, shown) == (1, f"Error: not tried again, since it can only fail (see {log})\n")
    assert log.read_text() == text
    # The next run tries again, and so do attempts by hand.
    for run in ("99999999-2", ""):
        script(log, refuse, DEBLEND_RUN="99999999-1")
        assert script(log, "pass", DEBLEND_RUN=run)[0] == 0


def test_what_may_succeed_is_tried_again(log):
    for end in (
        "raise MemoryError()",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "raise TransientError('the server does not answer: try again later')",
    ):
        assert script(log, end, DEBLEND_RUN="99999999-1")[0] != 0
        assert script(log, "pass", DEBLEND_RUN="99999999-1")[0] == 0


@pytest.mark.parametrize(
    "end",
    [
        "import errno; raise OSError(errno.ENOSPC, 'No space left on device')",
        "import torch; torch.save({'a': torch.zeros(300_000)}, open('/dev/full', 'wb'))",
    ],
)
def test_a_full_disk_is_said_once_in_words(log, end):
    status, shown = script(log, end)
    assert status == 1
    assert shown.count("the disk is full") == 1
    assert shown.endswith(f"make space, and run again\n(traceback: {log})\n")
    assert "Traceback" not in shown
    assert "Traceback" in log.read_text()


def test_a_full_disk_under_the_log_is_said_once_too(small_disk):
    log = small_disk / "a.log"
    end = f"""
    try:
        open({str(small_disk / "rest")!r}, "wb", buffering=0).write(bytes(2_000_000))
        open({str(small_disk / "rest2")!r}, "wb", buffering=0).write(bytes(2_000_000))
    finally:
        for _ in range(1000): logging.info("x" * 1000)"""
    status, shown = script(log, end.strip())
    assert status == 1
    assert shown.count("Error: the disk is full") == 1
    assert "Logging error" not in shown
    assert "Traceback" not in shown


def test_digests_are_compared_before_a_script_and_recorded_after_it(log, tmp_path):
    source, first, second = (tmp_path / name for name in ("in.csv", "a.csv", "b.json"))
    source.write_text("id\n1\n")
    make = "for name in job.output: Path(name).write_text(Path(job.input[0]).read_text())"
    assert script(log, make, source, first, second)[0] == 0
    digests = [tmp_path / f".{name}.sha256" for name in ("a.csv", "b.json")]
    assert all(path.is_file() for path in digests)
    assert not (tmp_path / ".in.csv.sha256").exists(), "an input is not this job's"
    # The next job reads `first`, which has been cut.
    made = tmp_path / "made.csv"
    assert script(log, make, first, made)[0] == 0
    made.unlink()
    first.write_text("id\n")
    status, shown = script(log, make, first, made)
    assert status == 1
    assert f"Error: {first} has other bytes than when it was made: delete it" in shown
    assert "Traceback" not in shown
    assert "read 3 stamps" not in log.read_text(), "the script has begun"
    assert not made.exists()


def test_a_script_that_fails_records_no_digest(log, tmp_path):
    fail = "Path(job.output[0]).touch(); raise DeblendError('no')"
    assert script(log, fail, tmp_path / "none.csv", tmp_path / "a.csv")[0] == 1
    assert not (tmp_path / ".a.csv.sha256").exists()


def test_an_interrupted_script_shows_no_traceback(log):
    status, shown = script(log, "raise KeyboardInterrupt")
    assert status == 1
    assert "Traceback" not in shown
    assert log.read_text().endswith("INFO root: interrupted\n")


def test_two_trainings_do_not_write_one_checkpoint(log, tmp_path):
    """The first is of a run that was killed on a cluster: the second says so, and may try again."""
    program = PROGRAM.replace("log=sys", "params=SimpleNamespace(checkpoint=sys.argv[2]), log=sys")
    checkpoint = tmp_path / "checkpoints" / "net.npz"
    waits = f"Path({str(tmp_path / 'begun')!r}).touch(); sys.stdin.read()"
    environment = {"PYTHONPATH": str(ROOT / "src")}
    options = {"env": environment, "cwd": tmp_path, "text": True}
    options |= {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}

    def command(end, number):
        return [sys.executable, "-c", program.format(end=end), log.with_name(number), checkpoint]

    with subprocess.Popen(command(waits, "1.log"), **options) as first:
        while first.poll() is None and not (tmp_path / "begun").exists():
            time.sleep(0.05)
        second = subprocess.Popen(command("pass", "2.log"), **options)
        text = second.communicate()[1]
        assert second.returncode == 1
        assert f"Error: another process is training from {checkpoint}: wait until it" in text
        assert "squeue --me" in text and "Traceback" not in text
        first.communicate("")
        assert first.returncode == 0
    assert list(checkpoint.parent.iterdir()) == []
    # Nobody else trains now; and nothing tells further attempts to end at once.
    assert subprocess.run(command("pass", "2.log"), **{**options, "stdin": None}).returncode == 0
