"""Space on disks and in memory."""

import errno

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.hdf5 import COMPRESSION, new_file, write_array
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

    def compressed(path):
        with new_file(path) as file:
            write_array(file, "values", values, **COMPRESSION)

    def compressed_later(path):
        with new_file(path) as file:
            array = write_array(
                file,
                "values",
                shape=values.shape,
                dtype=values.dtype,
                chunks=(1000,),
                **COMPRESSION,
            )
            for start in range(0, len(values), 1000):
                array[start : start + 1000] = values[start : start + 1000]

    def numpy(path):
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, values=values)

    def pytorch(path):
        with atomic(path) as temporary, temporary.open("wb") as file:
            torch.save({"values": torch.from_numpy(values)}, file)

    for write in (hdf5, many_arrays, compressed, compressed_later):
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


GIB = 1 << 30


def system(folder, group, files):
    """Files of a system with 64 GiB of memory, in which control groups have these."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/meminfo").write_text(f"MemAvailable: {64 << 20} kB\nSwapFree: 0 kB\n")
    (folder / "proc/self/cgroup").write_text(group)
    for name, value in files.items():
        path = folder / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return available_memory(folder / "proc", folder / "cgroup")


def limited(group, limit, use, active=0, inactive=0):
    """Files of a control group of version 2."""
    stat = f"anon 5\nactive_file {active}\ninactive_file {inactive}"
    return {
        f"{group}/memory.max": limit,
        f"{group}/memory.current": use,
        f"{group}/memory.stat": stat,
    }


JOB = "system.slice/slurmstepd.scope/job_7/step_0"


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        # No limit.
        ("0::/user.slice", limited("user.slice", "max", 5 * GIB), 64),
        # Of a job, in the group of its step.
        (f"0::/{JOB}", limited(JOB, 16 * GIB, 5 * GIB), 11),
        # In the group that its step is in; copies of files can be given up.
        (
            f"0::/{JOB}/user/task_0",
            limited(f"{JOB}/user/task_0", "max", GIB)
            | limited(JOB, 16 * GIB, 9 * GIB, 2 * GIB, GIB),
            10,
        ),
        # The least of several.
        (
            f"0::/{JOB}",
            limited(JOB, 16 * GIB, 4 * GIB) | limited("system.slice", 40 * GIB, 32 * GIB),
            8,
        ),
        # A container, which sees its own group as the root.
        ("0::/", limited(".", 4 * GIB, GIB), 3),
        # Nothing is left.
        ("0::/a", limited("a", GIB, 2 * GIB), 0),
        # Version 1: the line of memory. In a container, its path is not there.
        (
            "12:cpu,cpuacct:/wrong\n9:memory:/slurm/uid_1/job_7\n0::/",
            {
                "memory/slurm/uid_1/job_7/memory.limit_in_bytes": 8 * GIB,
                "memory/slurm/uid_1/job_7/memory.usage_in_bytes": 3 * GIB,
                "memory/slurm/uid_1/job_7/memory.stat": f"cache 9\ntotal_inactive_file {GIB}",
                "memory/memory.limit_in_bytes": 9223372036854771712,
                "memory/memory.usage_in_bytes": 3 * GIB,
                "memory/memory.stat": "cache 9",
            },
            6,
        ),
        (
            "9:memory:/docker/abc",
            {
                "memory/memory.limit_in_bytes": 8 * GIB,
                "memory/memory.usage_in_bytes": 3 * GIB,
                "memory/memory.stat": "cache 9",
            },
            5,
        ),
    ],
)
def test_limits_of_containers_and_jobs_count(tmp_path, group, files, expected):
    assert system(tmp_path, f"{group}\n", files) == expected * GIB


def test_what_does_not_fit_into_memory_is_refused():
    available = available_memory()
    if available is None:
        pytest.skip("this system does not tell its memory")
    assert 10**7 < available < 10**14
    need_memory("a.h5", 1000)
    with pytest.raises(DeblendError, match=r"a\.h5 needs 1000000\.0 GB of memory, and"):
        need_memory("a.h5", 10**15)
