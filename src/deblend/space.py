"""Space on disks and in memory: whether there is enough, before it is used."""

import errno
import shutil
from pathlib import Path

from deblend.errors import DeblendError, TransientError

#: What libraries that pass on no error of the system say of a full disk.
FULL = ("No space left on device", "Disk quota exceeded")
#: Files with limits of the memory of a container or job, in bytes: cgroups 2 and 1.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


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


def available_memory() -> int | None:
    """Bytes of memory, and of swap space, that this process can still use.

    None where the system does not tell.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    if "MemAvailable" not in values:
        return None
    names = ("MemAvailable", "SwapFree")
    available = sum(int(values.get(name, "0").split()[0]) for name in names) * 1024
    for name in LIMITS:
        try:
            limit = Path(name).read_text().strip()
        except OSError:
            continue
        if limit.isdecimal():
            available = min(available, int(limit))
    return available


def need_memory(what: str, n_bytes: int) -> None:
    """Check that something fits into memory, before the system ends the process for lack of it.

    Parameters
    ----------
    what : str
        For the message.
    n_bytes : int

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
            f"{available / 1e9:.1f} GB left: use a larger one, or fewer galaxies (make plan)"
        )
