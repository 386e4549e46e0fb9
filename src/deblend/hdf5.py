"""HDF5 files whose every byte is checked when it is read.

Three things together do this: the format of HDF5 1.10, in which all that describes the arrays has
checksums; the filter Fletcher-32 on the arrays; and texts of fixed length, which are within the
arrays. Texts of any length would be in a heap without checksums, where a flipped bit can make the
library read for ever. Files that earlier versions of the project wrote are read as well.

References
----------
The HDF Group, HDF5 File Format Specification Version 3.0, Sects II.A, III.A and IV.A.
"""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.space import need_disk

#: Version of the format that is written.
VERSION = h5py.h5f.LIBVER_V110


#: Bytes by which a chunk may be larger than its array, which can grow later.
MAX_CHUNK = 50_000_000
#: Options of `write_array` for arrays that compress well.
COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@contextlib.contextmanager
def new_file(path: str | Path) -> Iterator[h5py.File]:
    """Yield a file to write to, which is there completely or not at all.

    Arrays are written by `write_array`, groups by `new_group`, attributes by `write_attributes`.
    """
    properties = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    # Without times, the same content gives the same bytes.
    properties.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(VERSION, VERSION)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    with atomic(path) as temporary:
        name, mode = os.fsencode(temporary), h5py.h5f.ACC_TRUNC
        with h5py.File(h5py.h5f.create(name, mode, properties, access)) as file:
            yield file


@contextlib.contextmanager
def open_file(
    path: str | Path, what: str = "a complete file of the workflow"
) -> Iterator[h5py.File]:
    """Yield a file to read from.

    Parameters
    ----------
    path : path
    what : str
        What the file is to be, for the message.

    Raises
    ------
    DeblendError
        The file is missing or broken, refers to another one, or lacks something that is read in
        the block.
    """
    with reading(path, what), h5py.File(path, "r") as file:
        refuse_other_files(file)
        yield file


@contextlib.contextmanager
def reading(path: str | Path, what: str = "a complete file of the workflow") -> Iterator[None]:
    """Say in one line what is wrong with a file that is read in the block: see `open_file`."""
    try:
        yield
    except (OSError, KeyError, RuntimeError) as error:
        # Errors of the system have a number, and those of reading HDF5 have none: a full disk, for
        # example, is not the fault of the file that is read.
        if getattr(error, "errno", None) is not None and Path(path).exists():
            raise
        raise DeblendError(
            f"{path} is not {what} ({_reason(error)}): delete it and run again"
        ) from error


def refuse_other_files(file: h5py.File) -> None:
    """Refuse a file with links or arrays that are in other files: these could be any of the user's.

    Arrays of which more than `MAX_CHUNK` bytes beyond their own size are read at once are refused
    as well: some bytes can be unpacked to gigabytes.

    Raises
    ------
    DeblendError
    """
    for shown, link, item in _items(file):
        is_array = isinstance(item, h5py.Dataset)
        if isinstance(link, h5py.ExternalLink) or (is_array and (item.external or item.is_virtual)):
            raise DeblendError(
                f"{shown} of {file.filename} is in another file: copy the array into this one"
            )
        if is_array and item.chunks:
            n_bytes = math.prod(item.chunks) * item.dtype.itemsize
            if n_bytes > item.nbytes + MAX_CHUNK:
                raise DeblendError(
                    f"{shown} of {file.filename} has {item.nbytes} bytes, in chunks of {n_bytes}: "
                    "write it again with smaller chunks"
                )


def arrays_in(file: h5py.File) -> Iterator[h5py.Dataset]:
    """All arrays of a file."""
    for _, _, item in _items(file):
        if isinstance(item, h5py.Dataset):
            yield item


def _items(file: h5py.File) -> Iterator[tuple[str, Any, Any]]:
    """Name, link, and group or array of all links of a file; None of links to elsewhere."""
    groups: list[h5py.Group] = [file]
    seen: set[int] = set()
    while groups:
        group = groups.pop()
        names: list[bytes] = []
        # In the order of the file: HDF5 crashes while it sorts names of which a bit is flipped.
        group.id.links.iterate(names.append, order=h5py.h5.ITER_NATIVE)
        for name in names:
            link = group.get(name, getlink=True)
            item = group[name] if isinstance(link, h5py.HardLink) else None
            if isinstance(item, h5py.Group):
                # A group can be in itself.
                address = h5py.h5o.get_info(item.id).addr
                groups += [item] if address not in seen else []
                seen.add(address)
            yield name.decode(errors="replace"), link, item


def _reason(error: Exception) -> str:
    """What an exception says, in one line."""
    return " ".join(str(error.args[0] if len(error.args) == 1 else error).split())


def new_group(group: h5py.Group, name: str) -> h5py.Group:
    """The group of a name, which is made if there is none, with those that it is in."""
    properties = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    properties.set_obj_track_times(False)
    for part in name.split("/"):
        if part not in group:
            h5py.h5g.create(group.id, part.encode(), gcpl=properties)
        group = group[part]
    return group


def write_array(group: h5py.Group, name: str, values: Any = None, **options: Any) -> h5py.Dataset:
    """Write an array with checksums.

    Parameters
    ----------
    group : Group
        A file of `new_file`, or a group of it.
    name : str
        That of the array, or of its group and the array.
    values : array_like, optional
        Numbers or texts. Without them, `options` have the shape and the type.
    **options
        Of h5py's `create_dataset`, such as chunks and compression.

    Raises
    ------
    DeblendError
        There is no space for it on the disk. It is said before, since HDF5 can crash where it
        cannot write. How small a compressed array will be is not known: it needs the space of one
        that is not compressed.
    """
    if values is not None:
        values = _fixed_length(np.asarray(values))
        options |= {"shape": values.shape, "dtype": values.dtype}
    folder, _, name = name.rpartition("/")
    group = new_group(group, folder) if folder else group
    if options["shape"] == ():
        return _write_value(group, name, values)
    # What is only in memory until now needs space too.
    group.file.flush()
    n_values = int(np.prod(options["shape"], dtype=np.int64))
    need_disk(group.file.filename, n_values * np.dtype(options.get("dtype", "f4")).itemsize)
    options["track_times"] = False
    if 0 not in options["shape"] or "maxshape" in options:
        options = {"chunks": True, "fletcher32": True, **options}
    else:
        # There is nothing to check, and no chunk.
        options = {key: options[key] for key in ("shape", "dtype", "track_times")}
    return group.create_dataset(name, data=values, **options)


def _write_value(group: h5py.Group, name: str, value: np.ndarray) -> h5py.Dataset:
    """Write a single value into the description of its array, which has a checksum.

    Filters need chunks, which a single value has none of.
    """
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    properties.set_obj_track_times(False)
    kind = h5py.h5t.py_create(value.dtype, logical=True)
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    array = h5py.h5d.create(group.id, name.encode(), kind, space, dcpl=properties)
    array.write(h5py.h5s.ALL, h5py.h5s.ALL, value)
    return group[name]


def write_attributes(item: h5py.Group | h5py.Dataset, values: Mapping[str, Any]) -> None:
    """Write attributes of a file, group or array; texts with a fixed length."""
    for name, value in values.items():
        fixed = _fixed_length(np.asarray(value))
        item.attrs.create(name, fixed, dtype=fixed.dtype)


def read_attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Attributes of a file, group or array, with texts as `str`."""
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in item.attrs.items()
    }


def _fixed_length(values: np.ndarray) -> np.ndarray:
    """Values with texts in UTF-8 and of the same length."""
    if values.dtype.kind not in "OUS":
        return values
    wrong = [value for value in values.ravel() if not isinstance(value, str | bytes)]
    if wrong:
        raise TypeError(f"{wrong[0]!r} is neither a number nor a text")
    encoded = np.char.encode(values.astype(str), "utf-8")
    return encoded.astype(h5py.string_dtype("utf-8", max(encoded.dtype.itemsize, 1)))


def copy_with_checksums(source: str | Path, target: str | Path) -> None:
    """Write what is in a file of another program to a file with checksums."""
    with open_file(source, "an HDF5 file") as old, new_file(target) as new:
        write_attributes(new, read_attributes(old))

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                text = h5py.check_string_dtype(item.dtype)
                written = write_array(new, name, item.asstr()[()] if text else item[()])
            else:
                written = new_group(new, name)
            write_attributes(written, read_attributes(item))

        old.visititems(copy)
