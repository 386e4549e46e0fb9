"""Log file and terminal of a script, each test in a process of its own."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAM = """
import logging, sys, warnings
from deblend.errors import DeblendError
from deblend.run import logs

with logs.script(sys.argv[1]):
    logging.getLogger("deblend.x").debug("a detail")
    logging.getLogger("deblend.x").info("read 3 stamps")
    warnings.warn("a warning of a library")
    {end}
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "train" / "net.log"


def script(log, end):
    """Exit status and standard error of a script that ends with a statement."""
    command = [sys.executable, "-c", PROGRAM.format(end=end), log]
    env = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
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
