"""Large arrays that a job needs for itself: beyond a limit they are in files without a name."""

import os
import tempfile
from pathlib import Path

import numpy as np
from deblend.space import need_disk
from numpy.typing import DTypeLike

#: Arrays that are larger are in files, bytes.
KEPT_BYTES = 2**28


def new_array(
    shape: tuple[int, ...], dtype: DTypeLike, *, kept_bytes: int | None = None
) -> np.ndarray:
    """An array of zeros to write to, in memory or in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    kept_bytes : int, optional
        If the array is larger, by default than `KEPT_BYTES`, it is in a file in the temporary
        folder (`TMPDIR`, or Snakemake's `tmpdir`), which should be on a disk, not in memory. The
        file is gone with the array, or when the process ends.

    Returns
    -------
    ndarray or memmap
        The system takes pages of a file back when memory is short.

    Raises
    ------
    DeblendError
        The disk has too little space.
    """
    n_bytes = np.dtype(dtype).itemsize * int(np.prod(shape))
    kept_bytes = KEPT_BYTES if kept_bytes is None else kept_bytes
    if n_bytes <= kept_bytes or not n_bytes:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        need_disk(Path(tempfile.gettempdir()) / "array", n_bytes)
        file.truncate(n_bytes)
        # Space is taken now: without any left later, the system would end the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        return np.memmap(file, np.dtype(dtype), "r+", shape=shape)
