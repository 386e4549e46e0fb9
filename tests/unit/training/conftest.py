"""A trainee without a framework, and its checkpoint."""

import logging
from pathlib import Path

import pytest
from deblend.training import checkpoint


class Sum:
    """A trainee that adds up the numbers of the epochs."""

    def __init__(self):
        self.value = 0

    def state(self):
        return {"value": self.value}

    def restore(self, state):
        self.value = state["value"]


class Checkpoint(checkpoint.Checkpoint):
    """A checkpoint without arrays."""

    def _write(self, path, trainee, text):
        Path(path).write_text(text)

    def _read(self):
        return self.path.read_text(), None

    def _restore(self, trainee, arrays):
        pass


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO)
    return caplog
