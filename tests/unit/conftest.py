from pathlib import Path

import pytest
from deblend.errors import TransientError

from tests.figures import keep_figures


@pytest.fixture
def drawn(monkeypatch):
    """List of the figures that are saved in a test."""
    return keep_figures(monkeypatch)


@pytest.fixture
def needs_memory(monkeypatch):
    """Function that tests that a step says what it lacks, before it makes arrays.

    Where there is a byte less than its arrays have, it ends with the remedy. It runs where there is
    five times as much. The system tells how much there is in a file, in kB.
    """
    told = []
    read_text = Path.read_text

    def read(path, *args, **kwargs):
        if told and path == Path("/proc/meminfo"):
            return f"MemAvailable: {told[-1] // 1024} kB\nSwapFree: 0 kB\n"
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", read)

    def test(step, arrays, remedy):
        needed = sum(array.nbytes for array in arrays(step()))
        told.append(needed - 1)
        with pytest.raises(TransientError, match="GB of memory, and this machine has") as error:
            step()
        assert str(error.value).endswith(f"left: use a larger one, or {remedy}")
        told.append(5 * needed)
        step()

    return test
