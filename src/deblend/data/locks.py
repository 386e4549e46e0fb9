"""Locks of files that several processes may write: the system frees them when a process ends."""

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from deblend.errors import DeblendError

log = logging.getLogger(__name__)


#: Errors of file systems that have no locks.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def lock(file: IO[Any], *, wait: bool = True) -> None:
    """Lock an open file until it is closed.

    Parameters
    ----------
    file : file object
    wait : bool
        Wait until no other process has the lock.

    Raises
    ------
    BlockingIOError
        Another process has the lock, and it is not waited for.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        log.warning("the file system of %s has no locks: let one process write there", file.name)


@contextlib.contextmanager
def only_one(path: str | Path, description: str) -> Iterator[None]:
    """Let no two processes run a block at the same time.

    Parameters
    ----------
    path : path
        A file that is there during the block; its folder exists.
    description : str
        What the block does, for the message.

    Raises
    ------
    DeblendError
        Another process runs the block.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        is_ours = False
        while not is_ours:
            file = stack.enter_context(path.open("a"))
            try:
                lock(file, wait=False)
            except BlockingIOError as error:
                raise DeblendError(
                    f"another process is {description}: wait until it ends, and run again"
                ) from error
            # A process that ended after we opened the file has removed it: its lock is void.
            is_ours = _is_at(file, path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_at(file: IO[Any], path: Path) -> bool:
    """Whether an open file is still the one of a name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
