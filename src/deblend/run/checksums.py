"""Checksums of the files of a finished run, and whether the files still have them."""

import contextlib
import csv
import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deblend.errors import DeblendError
from deblend.files import atomic, sha256_once

log = logging.getLogger(__name__)


#: Folders of results whose files are not the same in each run.
LEFT_OUT = ("logs", "benchmarks", "checkpoints")


#: Files that an error names.
MAX_NAMED = 5


#: What records again, also if only files were made again on which no target of the run depends.
RECORD_AGAIN = "snakemake --cores 1 --force record_checksums"


@dataclass(frozen=True)
class Verified:
    """Names of files, relative to the folder of results, by what became of them.

    Attributes
    ----------
    same : list of str
    changed : list of str
        Other bytes, though the time of the file is the one that was recorded.
    gone : list of str
    newer : list of str
        Other bytes, and another time, later or earlier: made again, or copied.
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
    """Files of results in the order of their names.

    Without hidden ones, those in `LEFT_OUT`, and runs of other scales in folders of the results:
    these have logs of their own.
    """
    for folder in sorted(Path(results).iterdir()):
        if folder.name.startswith(".") or folder.name in LEFT_OUT or (folder / "logs").is_dir():
            continue
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            parts = path.relative_to(results).parts
            if path.is_file() and not any(part.startswith(".") for part in parts):
                yield path


def record_checksums(results: str | Path, needed: Iterable[str | Path], output: str | Path) -> None:
    """Write the checksums of all files of a finished run.

    Digests (`deblend.run.digests`) of files that are no longer there are removed.

    Parameters
    ----------
    results : path
        Folder of results.
    needed : iterable of path
        Files that must be among them, or in a folder of `LEFT_OUT`.
    output : path
        CSV file with `file` (relative to the folder), `n_bytes`, `mtime_ns` (when it was modified,
        nanoseconds since 1970) and `sha256`.

    Raises
    ------
    DeblendError
        A file that is needed is not there, or one has other bytes than in the record before, and
        the same time.
    """
    output = Path(output)
    # Snakemake removes an output before it is made again.
    kept = output.with_name(f".{output.name}")
    missing = [str(path) for path in needed if not Path(path).is_file()]
    if missing:
        raise DeblendError(f"{', '.join(missing[:MAX_NAMED])} is missing: run the workflow again")
    if kept.is_file():
        broken = verify(results, kept).changed
        if broken:
            raise DeblendError(
                f"{', '.join(broken[:MAX_NAMED])} have other bytes than when a run ended before, "
                "though their times say that they were not written since: delete them and run the "
                f"workflow again, or delete {kept} if you put them there yourself"
            )
    _remove_orphans(Path(results))
    found = list(_rows(results))
    for path in (output, kept):
        with atomic(path) as temporary, open(temporary, "w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("file", "n_bytes", "mtime_ns", "sha256"))
            rows.writerows(found)


def _remove_orphans(results: Path) -> None:
    """Remove digests of files that Snakemake has removed, since other jobs alone needed them."""
    for digest in list(results.rglob(".*.sha256")):
        if not digest.with_name(digest.name[1:].removesuffix(".sha256")).exists():
            digest.unlink(missing_ok=True)


def _rows(results: str | Path) -> Iterator[tuple[str, int, int, str]]:
    """Name, size, time and checksum of each file."""
    for path in result_files(results):
        # Intermediate files of jobs that are at work can go meanwhile.
        with contextlib.suppress(FileNotFoundError):
            name = path.relative_to(results).as_posix()
            # Before it is read: a file that is made again meanwhile then has another time.
            about = path.stat()
            yield name, about.st_size, about.st_mtime_ns, sha256_of(path)


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
        There is no record, or it is broken, or is not like the hidden copy beside it.
    """
    record = Path(record)
    copy = record.with_name(f".{record.name}")
    try:
        with record.open(newline="") as file:
            # Records of earlier versions have no times.
            expected = {
                row["file"]: (row["sha256"], row.get("mtime_ns")) for row in csv.DictReader(file)
            }
        is_copied = not copy.is_file() or copy.read_bytes() == record.read_bytes()
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DeblendError(
            f"cannot read {record} ({error}), which a finished run writes: run the workflow first"
        ) from error
    if not expected or not is_copied:
        why = "its copy differs" if expected else "no file is in it"
        raise DeblendError(
            f"{record} is not as a run wrote it, {why}: delete it and {copy}, and run the workflow "
            "again"
        )
    found = Verified([], [], [], [], [])
    for name, (digest, time) in expected.items():
        path = Path(results) / name
        if not path.is_file():
            found.gone.append(name)
        elif sha256_once(path) == digest:
            found.same.append(name)
        else:
            is_recorded = str(path.stat().st_mtime_ns) == time
            (found.changed if is_recorded else found.newer).append(name)
    names = (path.relative_to(results).as_posix() for path in result_files(results))
    found.unknown.extend(name for name in names if name not in expected)
    return found


def report(
    found: Verified, results: str | Path, unlike: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What has been found, in one line.

    Parameters
    ----------
    found : Verified
    results : path
    unlike : dict of str, optional
        Files that are not those of `provenance.json`, and what is wrong: see
        `deblend.run.provenance`.

    Raises
    ------
    DeblendError
        Files have changed, or are gone.
    """
    said = dict.fromkeys(found.changed, "changed") | dict.fromkeys(found.gone, "gone")
    said |= dict.fromkeys(found.newer, "made again")
    said |= {name: what for name, what in unlike.items() if name not in said}
    wrong = [f"{name} ({what})" for name, what in said.items()]
    same = set(found.same) - set(unlike)
    counts = (
        f"{len(same)} files of {results} are as they were when the run ended, "
        f"{len(found.unknown)} have no checksum"
    )
    if wrong:
        more = f" and {len(wrong) - MAX_NAMED} more" if len(wrong) > MAX_NAMED else ""
        raise DeblendError(
            f"{counts}; {len(wrong)} are not: {', '.join(wrong[:MAX_NAMED])}{more}. Delete those "
            "that are broken, and give the command again that made them; then record all as they "
            f"are now: {RECORD_AGAIN} (with the --configfile of the run)"
        )
    return counts
