"""Digests of files between jobs: recorded when a file is made, compared when a job reads it."""

import os
from collections.abc import Iterable
from pathlib import Path

from deblend.errors import DeblendError
from deblend.files import atomic, sha256_once

#: Ends of names of files without a digest: `resources` has a table of those of archives, compared
#: where these are read. The data of HDF5 have checksums too, which tell of other bytes, but not of
#: another file.
HAVE_CHECKSUMS = (".tar.gz",)


def digest_file(path: str | Path) -> Path:
    """Name of the hidden file with the digest of a file or folder, beside it."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def record_digests(outputs: Iterable[str | Path]) -> None:
    """Record the digests of a job's outputs beside them, as `sha256sum` writes them.

    Parameters
    ----------
    outputs : iterable of path
        Of a folder, those of all files in it are recorded. Files of `HAVE_CHECKSUMS` are left out.
    """
    for path in map(Path, outputs):
        if path.exists() and not path.name.endswith(HAVE_CHECKSUMS):
            with atomic(digest_file(path)) as temporary:
                # Names need not be valid text.
                temporary.write_bytes(os.fsencode(_digests(path)))


def check_digests(inputs: Iterable[str | Path]) -> None:
    """Compare a job's inputs with their digests.

    Parameters
    ----------
    inputs : iterable of path
        Those without a digest, such as the user's own files, are not compared.

    Raises
    ------
    DeblendError
        A file has other bytes than when it was made; or one of a folder has, is gone, or was added.
    """
    for path in map(Path, inputs):
        record = digest_file(path)
        if not record.is_file() or not path.exists():
            continue
        before = set(os.fsdecode(record.read_bytes()).split("\n"))
        found = _digests(path).split("\n")
        changed = [line for line in found if line not in before] + sorted(before.difference(found))
        if not changed:
            continue
        name, remedy = (changed[0].partition("  ")[2], path) if path.is_dir() else (path.name, "it")
        raise DeblendError(
            f"{path.parent / name} has other bytes than when it was made: delete {remedy} and run "
            f"again; or, if you changed it on purpose, delete {record}, which has its digest"
        )


def _digests(path: Path) -> str:
    """What `sha256sum` writes for a file, or for all files below a folder that are not hidden.

    Hidden ones, of Snakemake and of file systems, are not read.
    """
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    names = {file: file.relative_to(path.parent) for file in files if file.is_file()}
    return "".join(
        f"{sha256_once(file)}  {name.as_posix()}\n"
        for file, name in names.items()
        if not any(part.startswith(".") for part in name.parts[1:])
    )
