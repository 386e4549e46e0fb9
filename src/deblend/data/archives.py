"""Unpack archives, which are read to their end, so that their checksums are compared.

No file is unpacked outside of the folder that is given.
"""

import lzma
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

#: Largest number of bytes of the headers of one member. Its name, for example, can be as long as an
#: archive says, and is read into memory.
MAX_HEADER = 1 << 20


#: Largest number of bytes of all headers. Each member has 512 at least, so that their number has a
#: limit too: 65,000 with short names.
MAX_HEADERS = 1 << 25


#: Largest number of properties of all members that follow: tarfile keeps them.
MAX_COMMON = 1000


#: All members that are extracted together have at most this times the largest size of one, and so
#: has all that the archive contains, without headers.
MAX_TOGETHER = 4


#: Errors of reading an archive that is broken; those of the system have a number.
BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class _TooLargeError(Exception):
    """An archive has more than it may have."""


class _Limited:
    """The unpacked content of an archive, of which only so much is read.

    Attributes
    ----------
    room : int or None
        Bytes that the headers of a member may still have, while they are read.
    """

    def __init__(self, file: Any, max_bytes: int) -> None:
        self.file, self.max_bytes, self.n_headers = file, max_bytes, 0
        self.room: int | None = None

    def read(self, size: int) -> bytes:
        """Read some bytes."""
        if self.room is not None:
            self.room -= size
            self.n_headers += size
            if size < 0 or self.room < 0:
                raise tarfile.ReadError(f"a header has more than {MAX_HEADER} bytes")
            if self.n_headers > MAX_HEADERS:
                raise _TooLargeError(
                    f"has more than {MAX_HEADERS} bytes of names and other headers: repack it with "
                    "the files that are needed"
                )
        data = self.file.read(size)
        self._check(self.file.tell())
        return data

    def seek(self, place: int) -> None:
        """Go to another place."""
        self._check(place)
        self.file.seek(place)

    def tell(self) -> int:
        """The place."""
        return self.file.tell()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _check(self, place: int) -> None:
        if place > self.max_bytes:
            raise _TooLargeError(
                f"has more than {self.max_bytes} bytes when it is unpacked, over the limit: raise "
                "max_bytes in config/datasets.yaml if that is right"
            )


class _Tar(tarfile.TarFile):
    """A tar archive with limits. Its members come once, and are not kept."""

    members: list[tarfile.TarInfo]

    def __init__(self, name: Any, mode: Any, fileobj: Any, *, max_bytes: int) -> None:
        limited: Any = _Limited(fileobj, max_bytes)
        super().__init__(name, mode, limited)

    def next(self) -> tarfile.TarInfo | None:
        """Read the next member."""
        limited: Any = self.fileobj
        self.members.clear()
        limited.room = MAX_HEADER
        try:
            member = super().next()
        except (ValueError, OverflowError, RecursionError) as error:
            raise tarfile.ReadError(f"a header is broken: {error}") from error
        finally:
            limited.room = None
        if len(self.pax_headers) > MAX_COMMON:
            raise tarfile.ReadError(f"it has more than {MAX_COMMON} properties of all members")
        # The header of a sparse member can give another size than that of its data.
        if member is not None and (self.offset <= member.offset or member.size < 0):
            raise tarfile.ReadError("the size of a member is negative")
        return member

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        while (member := self.next()) is not None:
            yield member


@contextmanager
def open_tar(archive: str | Path, max_bytes: int) -> Iterator[tarfile.TarFile]:
    """Yield a tar archive, and read it to its end afterwards, where its checksum is compared.

    Its members can be read once, one after the other.

    Parameters
    ----------
    archive : path
    max_bytes : int
        Largest size of one member; all that is in the archive, also members that are not wanted
        and what follows the last one, has at most `MAX_TOGETHER` times that.

    Raises
    ------
    DeblendError
        It is broken, or has more than that, or more headers than `MAX_HEADERS`.
    """
    limits: Any = {"max_bytes": MAX_TOGETHER * max_bytes + MAX_HEADERS}
    try:
        with open(archive, "rb") as file, _Tar.open(fileobj=file, **limits) as tar:
            yield tar
            assert tar.fileobj is not None
            # The last member and all that follows: gzip compares its checksum at the end only.
            while tar.fileobj.read(CHUNK):
                pass
    except _TooLargeError as error:
        raise DeblendError(f"{archive} {error}") from error
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
        with open_tar(archive, max_bytes) as tar:
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
    with open_tar(archive, max_bytes) as tar:
        names = [Path(member.name).name for member in tar if member.isfile()]
    wanted = {n: n for n in names if n.endswith(".fits") and not n.startswith(".")}
    with atomic(folder) as temporary:
        shutil.rmtree(temporary, ignore_errors=True)
        extract_members(archive, wanted | {catalog: catalog}, temporary, max_bytes)
