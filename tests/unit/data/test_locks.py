"""Locks of files."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from deblend.data.locks import only_one
from deblend.errors import DeblendError

HOLD = """
import sys, time
from deblend.data.locks import only_one
with only_one(sys.argv[1], "working"):
    print("in", flush=True)
    time.sleep(60)
"""


def test_a_process_that_is_killed_frees_its_lock(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    options = {"env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, "text": True}
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as other:
        try:
            assert other.stdout.readline() == "in\n"
            with (
                pytest.raises(DeblendError, match="another process is working: wait"),
                only_one(path, "working"),
            ):
                pass
            assert path.exists()
        finally:
            other.send_signal(signal.SIGKILL)
    with only_one(path, "working"):
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_an_error_frees_the_lock(tmp_path):
    with pytest.raises(KeyError), only_one(tmp_path / "lock", "working"):
        raise KeyError
    with only_one(tmp_path / "lock", "working"):
        pass


def test_there_is_never_more_than_one(tmp_path):
    """Also while the file of the lock is removed and made again."""
    inside, most = [], []

    def enter(i):
        try:
            with only_one(tmp_path / "lock", "working"):
                inside.append(i)
                time.sleep(0.001)
                most.append(len(inside))
                inside.remove(i)
        except DeblendError:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(500)))
    assert set(most) == {1}
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def refuse(file, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_one(tmp_path / "lock", "working"):
        pass
    assert "has no locks" in caplog.text
