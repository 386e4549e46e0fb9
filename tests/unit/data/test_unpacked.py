"""Compressed files, made here by the libraries that are not used to read them."""

import bz2
import gzip
import tracemalloc

import pytest
from deblend.data.unpacked import (
    LEAST_IMAGE,
    LEAST_TABLE,
    MAX_RATIO,
    is_packed,
    open_unpacked,
    refuse_bomb,
    unpacked_size,
)
from deblend.errors import DeblendError

TEXT = b"galaxies and their blends\n" * 400
PACK = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress}


@pytest.mark.parametrize("kind", PACK)
def test_content_is_the_same_however_it_is_packed(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(PACK[kind](TEXT))
    assert is_packed(path) == (kind != "plain")
    with open_unpacked(path) as file:
        assert file.read() == TEXT
    assert unpacked_size(path) == len(TEXT)


@pytest.mark.parametrize("content", [b"", b"B", b"BZhang et al.,20.1\n", b"\x1f", b"ID,RA\n1,2\n"])
def test_other_files_are_not_packed(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert not is_packed(tmp_path / "a")
    assert unpacked_size(tmp_path / "a") == len(content)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_bomb_is_refused_before_it_goes_off(tmp_path, pack):
    path = tmp_path / "bomb.gz"
    path.write_bytes(pack(bytes(2 * LEAST_TABLE)))
    tracemalloc.start()
    with pytest.raises(DeblendError, match=r"bomb\.gz has \d+ bytes, and unpacked .* unpack it"):
        unpacked_size(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert unpacked_size(path, LEAST_IMAGE) == 2 * LEAST_TABLE


@pytest.mark.parametrize("size", [1000, LEAST_TABLE])
def test_the_limit_is_the_larger_one_of_two(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(bytes(size))
    limit = max(LEAST_TABLE, MAX_RATIO * size)
    refuse_bomb(path, limit, LEAST_TABLE)
    with pytest.raises(DeblendError, match="over the limit"):
        refuse_bomb(path, limit + 1, LEAST_TABLE)


@pytest.mark.parametrize("kind", ["gzip", "bzip2"])
def test_the_whole_file_is_looked_at(tmp_path, kind):
    path, packed = tmp_path / "a", PACK[kind](TEXT)
    path.write_bytes(packed[:-3])
    with pytest.raises((EOFError, OSError)):
        unpacked_size(path)
    changed = bytearray(packed)
    changed[-6] ^= 1  # in the checksum of gzip, and the data of bzip2
    path.write_bytes(changed)
    with pytest.raises((EOFError, OSError)):
        unpacked_size(path)
