"""Checksums of downloads: those that are known, and a table of what files were when they came."""

import csv
import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from deblend.data.facts import known
from deblend.data.locks import lock
from deblend.errors import DeblendError
from deblend.files import sha256_once

log = logging.getLogger(__name__)


#: Name of the table, in the folder of all downloads.
RECORD = "checksums.csv"


#: Its columns.
COLUMNS = ("file", "address", "n_bytes", "checksum")


def check_digest(path: str | Path, checksum: str | None, name: str | None = None) -> None:
    """Compare a file with its checksum.

    Parameters
    ----------
    path : path
    checksum : str or None
        ``sha256:...`` or ``md5:...``; with None or "unknown" the file's own is logged.
    name : str, optional
        What messages call the file, if it is not the path.

    Raises
    ------
    DeblendError
        The file has another checksum.
    """
    name = name or str(path)
    if not known(checksum):
        digest = _digest(path, "sha256")
        log.warning("%s has no checksum to compare with; its own is %s", name, digest)
        return
    digest = _digest(path, str(checksum).partition(":")[0])
    if digest != str(checksum).lower():
        raise DeblendError(
            f"{name} is not the file it should be: its checksum is not {checksum} but {digest}. It "
            "is broken, tampered with, or a new version, and is not kept: run again, or correct "
            "the checksum where it is configured if you trust this one"
        )


def record_digest(
    folder: str | Path, output: str | Path, path: str | Path, *, address: str, is_known: bool
) -> None:
    """Record the SHA-256 of a download, and compare it with that of the first one.

    Parameters
    ----------
    folder : path
        Folder of `RECORD`.
    output : path
        Final name of the file, below that folder.
    path : path
        The file.
    address : str
        Where it comes from, without secrets.
    is_known : bool
        The file has been compared with a checksum that is known: it is right, also if it is another
        one than before.

    Raises
    ------
    DeblendError
        The file is another one than when it was downloaded first, or the table is broken.
    """
    record, name = Path(folder) / RECORD, Path(output).relative_to(folder).as_posix()
    digest = _digest(path, "sha256")
    # Several downloads can run at the same time. The last line of a file counts.
    with record.open("a+", newline="") as file:
        lock(file)
        before = _recorded(file).get(name)
        if before is not None and before != digest and not is_known:
            raise DeblendError(
                f"{address} is not the file that it was when it was downloaded first: its checksum "
                f"is {digest}, and {record} has {before}. Run again if it may be broken; if it is "
                f"a new version that you want, delete the line of {name} there"
            )
        if before == digest:
            return
        rows = csv.writer(file, lineterminator="\n")
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            rows.writerow(COLUMNS)
        elif os.pread(file.fileno(), 1, size - 1) != b"\n":
            # A power cut has cut the last line.
            file.write("\n")
        rows.writerow((name, address, Path(path).stat().st_size, digest))
        file.flush()
        os.fsync(file.fileno())


def check_recorded(folder: str | Path, path: str | Path, stated: str | None = None) -> None:
    """Check that a download is as it came.

    Parameters
    ----------
    folder : path
        Folder of `RECORD`.
    path : path
        The file, below that folder.
    stated : str or None
        Checksum of its entry in the configuration, which counts if the table does not have it.

    Raises
    ------
    DeblendError
        It has changed since, or is not that of the entry; or the table is broken.
    """
    record, name = Path(folder) / RECORD, Path(path).relative_to(folder).as_posix()
    if record.exists():
        with record.open(newline="") as file:
            digest = _recorded(file).get(name)
        if digest is not None:
            if digest != _digest(path, "sha256"):
                raise DeblendError(
                    f"{path} has changed since it was downloaded: its checksum is not {digest}. "
                    "Delete it and run again"
                )
            return
    if known(stated) and str(stated).lower() != _digest(path, str(stated).partition(":")[0]):
        raise DeblendError(
            f"{path} is not the file of its entry: its checksum is not {stated}. Delete it and run "
            "again, or correct the checksum where it is configured if you trust this file"
        )


def check_downloads(
    paths: Iterable[str | Path], folder: str | Path, stated: Mapping[str, str | None]
) -> None:
    """Check that those of some files that are downloads are as they came.

    Parameters
    ----------
    paths : iterable of path
    folder : path
        Folder of all downloads, and of `RECORD`.
    stated : mapping
        Checksums that the configuration states, by names relative to the folder.

    Raises
    ------
    DeblendError
        See `check_recorded`.
    """
    for path in sorted({Path(path) for path in paths}):
        if path.is_relative_to(folder) and path.is_file():
            check_recorded(folder, path, stated.get(path.relative_to(folder).as_posix()))


def _digest(path: str | Path, algorithm: str) -> str:
    """Checksum of a file, like ``sha256:...``."""
    # The job may have compared it with its own digest already.
    if algorithm == "sha256":
        return f"sha256:{sha256_once(path)}"
    with open(path, "rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _recorded(file: TextIO) -> dict[str, str]:
    """Checksums of all files of a table."""
    file.seek(0)
    rows = csv.DictReader(file)
    found = {}
    for row in rows:
        if not row.get("file") or not row.get("checksum"):
            raise DeblendError(
                f"line {rows.line_num} of {file.name} is no record of a download, or the first "
                f"one is not {','.join(COLUMNS)}: correct it, or delete the table, which forgets "
                "what downloads were when they came"
            )
        found[row["file"]] = row["checksum"]
    return found
