"""Space on disks and in memory: whether there is enough, before it is used."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from deblend.errors import DeblendError, TransientError

#: What libraries that pass on no error of the system say of a full disk.
FULL = ("No space left on device", "Disk quota exceeded")
#: Folders where the system tells of memory and processes, and of containers' and jobs' limits.
PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, or one that it came from, is that a disk is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(text in str(seen) for text in FULL):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def need_disk(path: str | Path, n_bytes: int) -> None:
    """Check that a file of this size can be written.

    Parameters
    ----------
    path : path
        The file; its folder exists.
    n_bytes : int

    Raises
    ------
    DeblendError
        There is not enough space.
    """
    folder = Path(path).parent
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise DeblendError(
            f"there is no space for {n_bytes} bytes in {folder}, which has {free}: make some there"
        )


def available_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Bytes of memory, and of swap space, that this process can still use.

    Limits of its control group (of a container, or of a job on a cluster), and of those that this
    one is in, count. None where the system does not tell.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    if "MemAvailable" not in values:
        return None
    names = ("MemAvailable", "SwapFree")
    available = sum(int(values.get(name, "0").split()[0]) for name in names) * 1024
    return min([available, *_left_in_groups(proc, cgroups)])


def _left_in_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """Bytes that each control group with a limit, from this process's upwards, has left.

    References
    ----------
    Linux kernel documentation: cgroups(7), admin-guide/cgroup-v2 and cgroup-v1/memory.
    """
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, limit, use, prefix = cgroups, "memory.max", "memory.current", ""
        elif "memory" in controllers.split(","):
            root, prefix = cgroups / "memory", "total_"
            limit, use = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                most = int((folder / limit).read_text())
                pairs = (row.split() for row in (folder / "memory.stat").read_text().splitlines())
                stat = {name: int(value) for name, value in pairs}
                # The system gives up copies of files when memory is needed.
                files = sum(stat.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))
                yield max(most - max(int((folder / use).read_text()) - files, 0), 0)
            if folder == root:
                break


def need_memory(what: str, n_bytes: int, remedy: str = "fewer galaxies (make plan)") -> None:
    """Check that something fits into memory, before the system ends the process for lack of it.

    Parameters
    ----------
    what : str
        For the message.
    n_bytes : int
    remedy : str, optional
        What else helps than a larger machine.

    Raises
    ------
    TransientError
        It does not fit: other processes may need less later, and a cluster may give more to the
        next attempt.
    """
    available = available_memory()
    if available is not None and n_bytes > available:
        raise TransientError(
            f"{what} needs {n_bytes / 1e9:.1f} GB of memory, and this machine has "
            f"{available / 1e9:.1f} GB left: use a larger one, or {remedy}"
        )
