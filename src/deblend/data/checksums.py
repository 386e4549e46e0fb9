"""Checksums of downloads: those that are known, and a table of what files were when they came."""

import contextlib
import csv
import logging
from pathlib import Path

import pooch
from deblend.data.facts import known
from deblend.errors import DeblendError

log = logging.getLogger(__name__)


#: Name of the table, in the folder of all downloads.
RECORD = "checksums.csv"


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
        digest = pooch.file_hash(str(path), alg="sha256")
        log.warning("%s has no checksum to compare with; its own is sha256:%s", name, digest)
        return
    algorithm, _, expected = str(checksum).partition(":")
    digest = pooch.file_hash(str(path), alg=algorithm)
    if digest != expected.lower():
        raise DeblendError(
            f"{name} is not the file it should be: its checksum is not {checksum} but "
            f"{algorithm}:{digest}. It is broken, tampered with, or a new version, and is not "
            "kept: run again, or correct the checksum where it is configured if you trust this one"
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
        The file is another one than when it was downloaded first.
    """
    record, name = Path(folder) / RECORD, Path(output).relative_to(folder).as_posix()
    digest = f"sha256:{pooch.file_hash(str(path), alg='sha256')}"
    before = _recorded(record).get(name)
    if before is not None and before != digest and not is_known:
        raise DeblendError(
            f"{address} is not the file that it was when it was downloaded first: its checksum is "
            f"{digest}, and {record} has {before}. Run again if it may be broken; if it is a new "
            f"version that you want, delete the line of {name} there"
        )
    if before == digest:
        return
    if not record.exists():
        with contextlib.suppress(FileExistsError), record.open("x") as file:
            file.write("file,address,n_bytes,checksum\n")
    # One short line, written at once: several downloads can run at the same time. The last line
    # of a file counts.
    with record.open("a", newline="") as file:
        row = (name, address, Path(path).stat().st_size, digest)
        csv.writer(file, lineterminator="\n").writerow(row)


def check_recorded(folder: str | Path, path: str | Path) -> None:
    """Check that a download is as it came, if the table has it.

    Raises
    ------
    DeblendError
        It has changed since.
    """
    digest = _recorded(Path(folder) / RECORD).get(Path(path).relative_to(folder).as_posix())
    if digest is not None and digest != f"sha256:{pooch.file_hash(str(path), alg='sha256')}":
        raise DeblendError(
            f"{path} has changed since it was downloaded: its checksum is not {digest}. Delete it "
            "and run again"
        )


def _recorded(record: Path) -> dict[str, str]:
    """Checksums of all files of a table."""
    if not record.exists():
        return {}
    with record.open(newline="") as file:
        return {row["file"]: row["checksum"] for row in csv.DictReader(file)}
