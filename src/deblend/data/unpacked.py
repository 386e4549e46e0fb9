"""Files that are compressed as a whole (gzip, bzip2): unpacked within limits, and to their end.

Their checksums come last, and few readers read so far. A file of some kilobytes can have gigabytes
of content. Snakemake imports this module whenever it starts, so no large packages are imported.
"""

import bz2
import gzip
from pathlib import Path
from typing import IO, Any

from deblend.errors import DeblendError

#: Bytes that are read at a time.
CHUNK = 1 << 20
#: Largest ratio of the content of a compressed file to its size.
MAX_RATIO = 300
#: Bytes that a compressed file may always have: tables of text compress less than images of zeros.
LEAST_TABLE, LEAST_IMAGE = 20_000_000, 200_000_000


def is_packed(path: str | Path) -> bool:
    """Whether the first bytes of a file are those of gzip or bzip2."""
    with open(path, "rb") as file:
        start = file.read(10)
    return start[:2] == b"\x1f\x8b" or (start[:3] == b"BZh" and start[4:] == b"1AY&SY")


def open_unpacked(path: str | Path) -> IO[bytes]:
    """Open a file, and unpack it if it is compressed; see `unpacked_size` for limits."""
    with open(path, "rb") as file:
        start = file.read(2)
    if not is_packed(path):
        return open(path, "rb")
    opener: Any = gzip.open if start == b"\x1f\x8b" else bz2.open
    return opener(path, "rb")


def unpacked_size(path: str | Path, least: int = LEAST_TABLE) -> int:
    """Size of the content of a file. A compressed one is read to its end, where its checksum is.

    Parameters
    ----------
    path : path
    least : int
        Size that is always allowed, bytes.

    Raises
    ------
    DeblendError
        It is larger than `refuse_bomb` allows.
    OSError, EOFError, zlib.error
        The file is missing, broken or cut off.
    """
    if not is_packed(path):
        return Path(path).stat().st_size
    n_bytes = 0
    with open_unpacked(path) as file:
        while block := file.read(CHUNK):
            n_bytes += len(block)
            refuse_bomb(path, n_bytes, least)
    return n_bytes


def refuse_bomb(path: str | Path, n_bytes: int, least: int) -> None:
    """Refuse content that is much larger than its compressed file.

    Parameters
    ----------
    path : path
    n_bytes : int
        Size of the content, or of a part of it.
    least : int
        Size that is always allowed, bytes.

    Raises
    ------
    DeblendError
        It is larger than `least`, and than `MAX_RATIO` times the file.
    """
    size = Path(path).stat().st_size
    if n_bytes > max(least, MAX_RATIO * size):
        raise DeblendError(
            f"{path} has {size} bytes, and unpacked {n_bytes} or more, over the limit of "
            f"{MAX_RATIO} times as many: if that is right, unpack it, and give the unpacked file"
        )
