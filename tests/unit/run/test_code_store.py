"""Parsed modules that are kept on disk."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deblend.errors import DeblendError
from deblend.run.code_store import CodeStore

ROOT = Path(__file__).parents[3]


@pytest.fixture
def library(tmp_path):
    (tmp_path / "deblend").mkdir()
    (tmp_path / "deblend/draw.py").write_text("WIDTH = 3\n\n\ndef draw():\n    return WIDTH\n")
    (tmp_path / "script.py").write_text("from deblend.draw import draw\n\ndraw()\n")
    return tmp_path


def digest_of(library):
    """Digest of the script by a process of its own."""
    command = [sys.executable, "-m", "deblend.run.code", str(library / "script.py"), "--library"]
    done = subprocess.run(
        [*command, str(library)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_a_process_has_parsed_serves_the_next(library):
    first = digest_of(library)
    (kept,) = (library / "deblend/__pycache__").glob("code.*.json.gz")
    before = kept.stat()
    assert digest_of(library) == first
    assert kept.stat().st_mtime_ns == before.st_mtime_ns
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for broken in (b"", gzip.compress(b"[]"), whole[:-20], bytes(flipped)):
        kept.write_bytes(broken)
        assert digest_of(library) == first
        assert kept.read_bytes() == whole


def test_an_edit_with_the_time_and_size_of_before_counts(library):
    first = digest_of(library)
    path = library / "deblend/draw.py"
    status, text = path.stat(), path.read_text()
    path.write_text(text.replace("WIDTH = 3", "WIDTH = 4"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert digest_of(library) != first


def test_what_is_no_python_is_named(library):
    path = library / "deblend/draw.py"
    path.write_text("WIDTH = 3\ndef draw(:\n")
    with pytest.raises(DeblendError, match=rf"{path}:2: .*; correct the code"):
        CodeStore(library).module(path, "deblend.draw")
