"""Space on disks and in memory."""

import errno

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.hdf5 import new_file, write_array
from deblend.space import available_memory, is_full_disk, need_disk, need_memory


def test_a_full_disk_is_known_by_its_error_and_by_its_causes():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert is_full_disk(full)
    assert is_full_disk(OSError(errno.EDQUOT, "over quota"))
    assert not is_full_disk(OSError(errno.EIO, "Input/output error"))
    assert not is_full_disk(ValueError("no space"))
    with pytest.raises(RuntimeError) as caught:
        try:
            raise full
        except OSError:
            raise RuntimeError("unexpected pos 768 vs 662")  # noqa: B904
    assert is_full_disk(caught.value)
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("unexpected pos") from full
    assert is_full_disk(caught.value)


def test_every_writer_tells_that_a_disk_is_full(small_disk):
    values = np.random.default_rng(0).random(400_000)

    def hdf5(path):
        with new_file(path) as file:
            write_array(file, "values", values)

    def many_arrays(path):
        with new_file(path) as file:
            for i in range(40):
                write_array(file, f"values{i}", values[:10_000])

    def numpy(path):
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, values=values)

    def pytorch(path):
        with atomic(path) as temporary, temporary.open("wb") as file:
            torch.save({"values": torch.from_numpy(values)}, file)

    for write in (hdf5, many_arrays):
        with pytest.raises(DeblendError, match=r"no space for \d+ bytes in .*small disk"):
            write(small_disk / "a.h5")
    for write in (numpy, pytorch):
        with pytest.raises((OSError, RuntimeError)) as caught:
            write(small_disk / "a.npz")
        assert is_full_disk(caught.value)
    assert list(small_disk.iterdir()) == []


def test_what_does_not_fit_on_a_disk_is_refused(tmp_path):
    need_disk(tmp_path / "a.h5", 1000)
    with pytest.raises(DeblendError, match=r"no space for 10{20} bytes in .*, which has \d+: make"):
        need_disk(tmp_path / "a.h5", 10**20)


def test_what_does_not_fit_into_memory_is_refused():
    available = available_memory()
    if available is None:
        pytest.skip("this system does not tell its memory")
    assert 10**7 < available < 10**14
    need_memory("a.h5", 1000)
    with pytest.raises(DeblendError, match=r"a\.h5 needs 1000000\.0 GB of memory, and"):
        need_memory("a.h5", 10**15)
