"""Digests of files between jobs: recorded when a file is made, compared when a job reads it."""

from collections.abc import Iterable
from pathlib import Path

from deblend.errors import DeblendError
from deblend.files import atomic, sha256_once
from deblend.run.checksums import sha256_of

#: Ends of names of files without a digest: `resources` has a table of those of archives, compared
#: where these are read. The data of HDF5 have checksums too, which tell of other bytes, but not of
#: another file.
HAVE_CHECKSUMS = (".tar.gz",)


def digest_file(path: str | Path) -> Path:
    """Name of the hidden file with the digest of a file, in the same folder."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def record_digests(outputs: Iterable[str | Path]) -> None:
    """Record the digests of a job's outputs beside them, as `sha256sum` writes them.

    Parameters
    ----------
    outputs : iterable of path
        Folders and files of `HAVE_CHECKSUMS` are left out.
    """
    for path in map(Path, outputs):
        if path.is_file() and not path.name.endswith(HAVE_CHECKSUMS):
            with atomic(digest_file(path)) as temporary:
                temporary.write_text(f"{sha256_of(path)}  {path.name}\n")


def check_digests(inputs: Iterable[str | Path]) -> None:
    """Compare a job's inputs with their digests.

    Parameters
    ----------
    inputs : iterable of path
        Those without a digest, such as the user's own files, are not compared.

    Raises
    ------
    DeblendError
        A file has other bytes than when it was made.
    """
    for path in map(Path, inputs):
        record = digest_file(path)
        if not record.is_file() or not path.is_file():
            continue
        if record.read_bytes().split(b" ")[0] != sha256_once(path).encode():
            raise DeblendError(
                f"{path} has other bytes than when it was made: delete it and run again; or, if "
                f"you changed it on purpose, delete {record}, which has its digest"
            )
