"""Arrays in files without a name, for what is needed once more within a job."""

import os
import tempfile
from pathlib import Path

import numpy as np
from deblend.space import need_disk


def new_array(shape: tuple[int, ...], dtype: np.dtype, *, on_disk: bool) -> np.ndarray:
    """An array to write to, in memory or in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    on_disk : bool
        The file is in the temporary folder (`TMPDIR`, or Snakemake's `tmpdir`), and is gone with
        the array, or when the process ends.

    Returns
    -------
    ndarray or memmap
        Zeros. The system takes pages of the file back when memory is short.

    Raises
    ------
    DeblendError
        The disk has too little space.
    """
    if not on_disk:
        return np.zeros(shape, dtype)
    n_bytes = dtype.itemsize * int(np.prod(shape))
    with tempfile.TemporaryFile() as file:
        need_disk(Path(tempfile.gettempdir()) / "array", n_bytes)
        file.truncate(n_bytes)
        # Space is taken now: without any left later, the system would end the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        return np.memmap(file, dtype, "r+", shape=shape)
