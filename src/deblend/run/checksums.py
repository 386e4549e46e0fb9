"""Checksums of the files of a finished run, and whether the files still have them."""

import csv
import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deblend.errors import DeblendError
from deblend.files import atomic

log = logging.getLogger(__name__)


#: Folders of results whose files are not the same in each run.
LEFT_OUT = ("logs", "benchmarks", "checkpoints")


#: Files that an error names.
MAX_NAMED = 5


@dataclass(frozen=True)
class Verified:
    """Names of files, relative to the folder of results, by what became of them.

    Attributes
    ----------
    same : list of str
    changed : list of str
        Other bytes, though the time of the file says that it was not written since.
    gone : list of str
    newer : list of str
        Written again since, with other bytes.
    unknown : list of str
        Without a checksum.
    """

    same: list[str]
    changed: list[str]
    gone: list[str]
    newer: list[str]
    unknown: list[str]


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def result_files(results: str | Path) -> Iterator[Path]:
    """Files of results in the order of their names, without hidden ones and those in `LEFT_OUT`."""
    for path in sorted(Path(results).rglob("*")):
        parts = path.relative_to(results).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not is_hidden and parts[0] not in LEFT_OUT:
            yield path


def record_checksums(results: str | Path, needed: Iterable[str | Path], output: str | Path) -> None:
    """Write the checksums of all files of a finished run.

    Parameters
    ----------
    results : path
        Folder of results.
    needed : iterable of path
        Files that must be among them, or in a folder of `LEFT_OUT`.
    output : path
        CSV file with `file` (relative to the folder), `n_bytes` and `sha256`.

    Raises
    ------
    DeblendError
        A file that is needed is not there.
    """
    missing = [str(path) for path in needed if not Path(path).is_file()]
    if missing:
        raise DeblendError(f"{', '.join(missing[:MAX_NAMED])} is missing: run the workflow again")
    with atomic(output) as temporary, open(temporary, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("file", "n_bytes", "sha256"))
        for path in result_files(results):
            name = path.relative_to(results).as_posix()
            rows.writerow((name, path.stat().st_size, sha256_of(path)))


def verify(results: str | Path, record: str | Path) -> Verified:
    """Compare the files of results with their checksums.

    Parameters
    ----------
    results : path
    record : path
        From `record_checksums`.

    Raises
    ------
    DeblendError
        There is no record, or it is broken.
    """
    record = Path(record)
    try:
        with record.open(newline="") as file:
            expected = {row["file"]: row["sha256"] for row in csv.DictReader(file)}
        time = record.stat().st_mtime
    except (OSError, KeyError, ValueError) as error:
        raise DeblendError(
            f"cannot read {record} ({error}), which a finished run writes: run the workflow first"
        ) from error
    found = Verified([], [], [], [], [])
    for name, digest in expected.items():
        path = Path(results) / name
        if not path.is_file():
            found.gone.append(name)
        elif sha256_of(path) == digest:
            found.same.append(name)
        else:
            (found.newer if path.stat().st_mtime > time else found.changed).append(name)
    names = (path.relative_to(results).as_posix() for path in result_files(results))
    found.unknown.extend(name for name in names if name not in expected)
    return found


def report(found: Verified, results: str | Path) -> str:
    """What has been found, in one line.

    Raises
    ------
    DeblendError
        Files have changed, or are gone.
    """
    wrong = [f"{n} (changed)" for n in found.changed] + [f"{n} (gone)" for n in found.gone]
    for name in found.newer:
        log.warning("%s has been made again since checksums were recorded", name)
    counts = (
        f"{len(found.same)} files of {results} are as they were when the run ended, "
        f"{len(found.newer)} were made again since, {len(found.unknown)} have no checksum"
    )
    if wrong:
        more = f" and {len(wrong) - MAX_NAMED} more" if len(wrong) > MAX_NAMED else ""
        raise DeblendError(
            f"{counts}; {len(wrong)} are broken: {', '.join(wrong[:MAX_NAMED])}{more}. Delete "
            "those that have changed, and run the workflow again"
        )
    return counts
