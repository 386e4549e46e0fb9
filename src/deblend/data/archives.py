"""Unpack archives, which are read to their end, so that their checksums are compared.

No file is unpacked outside of the folder that is given.
"""

import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deblend.data.downloads import enough_space
from deblend.data.web import CHUNK
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.space import need_disk

#: Largest number of bytes of an archive that are read at once.
MAX_READ = 1 << 24


#: All members that are extracted together have at most this times the largest size of one.
MAX_TOGETHER = 4


#: Errors of reading an archive that is broken; those of the system have a number.
BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error)


class _ByPieces:
    """A file of which no more than `MAX_READ` bytes are read at once.

    Names of members can be as long as an archive says, and tarfile reads them into memory.
    """

    def __init__(self, file: Any) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        """Read some bytes."""
        if not 0 <= size <= MAX_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self.file.read(size)

    def seek(self, *args: int) -> int:
        """Go to another place."""
        return self.file.seek(*args)

    def tell(self) -> int:
        """The place."""
        return self.file.tell()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class _Tar(tarfile.TarFile):
    """A tar archive whose headers have a limit."""

    def __init__(self, name: Any = None, mode: Any = "r", fileobj: Any = None, **options: Any):
        limited: Any = _ByPieces(fileobj)
        super().__init__(name, mode, limited, **options)


@contextmanager
def open_tar(archive: str | Path) -> Iterator[tarfile.TarFile]:
    """Yield a tar archive, and read it to its end afterwards, where its checksum is compared.

    Raises
    ------
    DeblendError
        It is broken.
    """
    try:
        with open(archive, "rb") as file, _Tar.open(fileobj=file) as tar:
            yield tar
            assert tar.fileobj is not None
            # The last member and all that follows: gzip compares its checksum at the end only.
            while tar.fileobj.read(CHUNK):
                pass
    except BROKEN as error:
        # A full disk, for example, is no fault of the archive.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DeblendError(f"cannot unpack {archive} ({error}): delete it and run again") from error


def extract_members(
    archive: str | Path, members: dict[str, str], folder: str | Path, max_bytes: int
) -> dict[str, Path]:
    """Extract some files of a tar archive.

    Only regular files with the given base names are extracted. Paths in the archive are ignored, so
    no file can be written outside of `folder`.

    Parameters
    ----------
    archive : path
    members : dict
        Base name of each file, under a key of the caller.
    folder : path
    max_bytes : int
        Largest size of one member; all together have at most `MAX_TOGETHER` times that.

    Returns
    -------
    dict
        Path of each extracted file, under the same keys.

    Raises
    ------
    DeblendError
        The archive is broken, or a member is missing, there twice or too large.
    """
    extracted: dict[str, Path] = {}
    n_bytes = 0
    wanted = {name: key for key, name in members.items()}
    try:
        with open_tar(archive) as tar:
            for member in tar:
                key = wanted.get(Path(member.name).name)
                # Archives made on macOS also contain "._name", which has another base name; links
                # are not regular files.
                if key is None or not member.isfile():
                    continue
                if key in extracted:
                    raise DeblendError(
                        f"{archive} has two files called {members[key]}: repack it with one of them"
                    )
                n_bytes += member.size
                if member.size > max_bytes or n_bytes > MAX_TOGETHER * max_bytes:
                    raise DeblendError(
                        f"{member.name} in {archive} has {member.size} bytes, all until there "
                        f"{n_bytes}: over the limit of {max_bytes}, or {MAX_TOGETHER} times that: "
                        "raise max_bytes in config/datasets.yaml if that is right"
                    )
                source = tar.extractfile(member)
                assert source is not None
                target = Path(folder) / members[key]
                target.parent.mkdir(parents=True, exist_ok=True)
                need_disk(target, member.size)
                with (
                    enough_space(target, member.size),
                    atomic(target) as temporary,
                    open(temporary, "wb") as file,
                ):
                    while block := source.read(CHUNK):
                        file.write(block)
                extracted[key] = target
    except BaseException:
        # The checksum comes last: what was extracted before it is not to be trusted.
        for path in extracted.values():
            path.unlink(missing_ok=True)
        raise
    missing = [name for key, name in members.items() if key not in extracted]
    if missing:
        raise DeblendError(f"{archive} lacks {', '.join(missing)}")
    return extracted


def extract_catalog(archive: str | Path, catalog: str, folder: str | Path, max_bytes: int) -> None:
    """Extract a catalogue in GalSim's RealGalaxy format, with its companion files, from an archive.

    Parameters
    ----------
    archive : path
        A tar archive.
    catalog : str
        Base name of the catalogue. All other FITS files of the archive are extracted too: images,
        PSFs, noise, fits and selection.
    folder : path
        It is there only once all files are.
    max_bytes : int
        Largest size of one file.

    Raises
    ------
    DeblendError
        See `extract_members`.
    """
    with open_tar(archive) as tar:
        names = [Path(member.name).name for member in tar if member.isfile()]
    wanted = {n: n for n in names if n.endswith(".fits") and not n.startswith(".")}
    with atomic(folder) as temporary:
        shutil.rmtree(temporary, ignore_errors=True)
        extract_members(archive, wanted | {catalog: catalog}, temporary, max_bytes)
