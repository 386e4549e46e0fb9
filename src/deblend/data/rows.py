"""Arrays on disk whose rows are read when they are needed, so that memory has a limit.

The rows that were used last stay in memory. As long as all that are used fit, each is read once.
"""

import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from deblend.hdf5 import open_file, reading

#: Memory for the rows of an array that stay, bytes; by default.
KEPT_BYTES = 2**27


class _ByRow:
    """What is indexed like an array, row by row."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        rows, *others = index if isinstance(index, tuple) else (index,)
        rest = tuple(others)
        if isinstance(rows, int | np.integer):
            if not -len(self) <= rows < len(self):
                raise IndexError(f"there are {len(self)} rows, and none of number {rows}")
            (row,) = self.each([int(rows) % len(self)])
            # A copy, as of several rows: what stays in memory must not change.
            return row[rest].copy()
        if rows is None or rows is ... or any(isinstance(o, list | np.ndarray) for o in rest):
            raise IndexError(f"rows come first, without ... or None, then whole axes: not {index}")
        numbers = np.arange(len(self))[rows]
        like = np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        out = np.empty((len(numbers), *like.shape[1:]), self.dtype)
        for place, row in enumerate(self.each(numbers.tolist())):
            out[place] = row[rest]
        return out

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.each(range(len(self)))

    def each(self, numbers: Iterable[int]) -> Iterator[np.ndarray]:
        """Rows one after the other, by their numbers."""
        raise NotImplementedError


class Rows(_ByRow):
    """An array of an HDF5 file, of which rows are read when they are asked for.

    It is indexed like an array: by a row, by a slice or an array of rows, or by a tuple of these
    and of numbers and slices of what is taken of each row. What it gives are copies, but read-only
    arrays where it is iterated over. Threads can share it.

    Parameters
    ----------
    path : path
    name : str
        That of the array in the file.
    what : str
        What the file is to be, for messages.
    bands : ndarray of int, optional
        Numbers along the second axis that rows have, in this order; by default all.
    kept_bytes : int
        Memory for the rows that stay. Results do not depend on it. With 0 the file, too, is open
        only while rows are read, so that there can be as many of these as one likes.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype

    Raises
    ------
    DeblendError
        The file is missing or broken; this also when a row is read.
    """

    def __init__(
        self,
        path: str | Path,
        name: str,
        what: str = "a complete file of the workflow",
        *,
        bands: np.ndarray | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._path, self._name, self._what = Path(path), name, what
        self._bands, self._kept_bytes = bands, kept_bytes
        with open_file(path, what) as file:
            shape, self.dtype = file[name].shape, file[name].dtype
        self.shape = shape if bands is None else (shape[0], len(bands), *shape[2:])
        row_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        self._n_kept = kept_bytes // max(row_bytes, 1)
        self._lock = threading.Lock()
        self._kept: dict[int, np.ndarray] = {}
        self._array: h5py.Dataset | None = None
        self._opened_by = 0

    def with_bands(self, bands: list[int]) -> "Rows":
        """The same array with some of its bands, which has rows of its own in memory."""
        known = np.arange(self.shape[1]) if self._bands is None else self._bands
        return Rows(
            self._path, self._name, self._what, bands=known[bands], kept_bytes=self._kept_bytes
        )

    def each(self, numbers: Iterable[int]) -> Iterator[np.ndarray]:
        """Rows one after the other, by their numbers."""
        try:
            for number in numbers:
                yield self._row(number)
        finally:
            if not self._kept_bytes:
                self._close()

    def _row(self, number: int) -> np.ndarray:
        with self._lock:
            row = self._kept.pop(number, None)
            if row is None:
                row = self._read(number)
                if self._n_kept and len(self._kept) >= self._n_kept:
                    del self._kept[next(iter(self._kept))]
            if self._n_kept:
                self._kept[number] = row  # the last of the dictionary was used last
        return row

    def _close(self) -> None:
        with self._lock:
            if self._array is not None:
                self._array.file.close()
            self._array = None

    def _read(self, number: int) -> np.ndarray:
        with reading(self._path, self._what):
            if self._array is None or self._opened_by != os.getpid():
                # To open it takes longer than to read a row. HDF5 need not keep rows as well.
                self._array = h5py.File(self._path, "r", rdcc_nbytes=0)[self._name]
                self._opened_by = os.getpid()  # not for a process that is forked later
            row: np.ndarray = self._array[number]
        row = row if self._bands is None else row[self._bands]
        row.setflags(write=False)
        return row


class JoinedRows(_ByRow):
    """Rows of several arrays, one array after the other.

    Parameters
    ----------
    parts : sequence of ndarray or Rows
        Of equal shapes but for the number of rows.
    rows : ndarray of int
        Which rows of all of them, in this order.
    """

    def __init__(self, parts: Sequence[np.ndarray | _ByRow], rows: np.ndarray) -> None:
        self._parts, self._rows = parts, np.asarray(rows)
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (len(self._rows), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    def each(self, numbers: Iterable[int]) -> Iterator[np.ndarray]:
        """Rows one after the other, by their numbers."""
        rows = self._rows[list(numbers)]
        of_part = np.searchsorted(self._ends, rows, side="right")
        for number, pairs in itertools.groupby(zip(of_part, rows, strict=True), lambda p: p[0]):
            part = self._parts[number]
            start = int(self._ends[number]) - len(part)
            wanted = [int(row) - start for _, row in pairs]
            yield from (
                (part[i] for i in wanted) if isinstance(part, np.ndarray) else part.each(wanted)
            )


#: Pixels of all galaxies of a data set, in memory or on disk.
Pixels = np.ndarray | Rows | JoinedRows


def row_batches(n: int, size: int) -> Iterator[slice]:
    """Slices of up to `size` of n rows, in order."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
