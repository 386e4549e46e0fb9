"""Files in a folder, and files that a catalogue names: listings that show whether any has changed.

The time stamp of a folder changes neither when a file in it is replaced nor when one is added to a
folder below it. The digest of a listing, as a parameter of a rule, does. Snakemake imports this
module whenever it starts, so no large packages are imported here.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from deblend.data.unpacked import open_unpacked, unpacked_size
from deblend.errors import DeblendError

#: Length of a digest, in hexadecimal digits.
LENGTH = 16
#: Endings of names of JPEG files.
JPEG_SUFFIXES = (".jpg", ".jpeg")
#: Endings of names of pictures, whose pixels are bytes in a stretch that is not known.
PICTURE_SUFFIXES = (*JPEG_SUFFIXES, ".png")
#: Endings of names of FITS files.
FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz")
#: Characters that make a path a pattern, which stands for several files.
WILDCARDS = re.compile(r"[*?]|\[.*\]")
#: Columns of a RealGalaxy catalogue with names of files.
REAL_GALAXY_COLUMNS = ("GAL_FILENAME", "PSF_FILENAME", "NOISE_FILENAME")
#: Endings of the companions of a RealGalaxy catalogue, which GalSim opens too.
REAL_GALAXY_COMPANIONS = ("_fits", "_selection")
#: FITS files consist of blocks of this size; a header has cards of the other size.
BLOCK_BYTES, CARD_BYTES = 2880, 80
#: Size of one value of a column of a binary table, by its type (FITS standard 4.0, Table 18).
VALUE_BITS = {"L": 8, "X": 1, "B": 8, "I": 16, "J": 32, "K": 64, "A": 8, "E": 32, "D": 64} | {
    "C": 64,
    "M": 128,
    "P": 64,
    "Q": 128,
}


def files_in(
    folder: str | Path,
    suffixes: tuple[str, ...],
    *,
    prefixes: tuple[str, ...] = ("",),
    below: bool = False,
) -> list[str]:
    """Names of the files in a folder, without hidden ones.

    Parameters
    ----------
    folder : path
    suffixes : tuple of str
        Endings of the names, lower case; those of the files can be in any case.
    prefixes : tuple of str
        Beginnings of the names; any by default.
    below : bool
        Include files in the folders of this folder, one level below it.

    Returns
    -------
    list of str
        Paths relative to the folder, sorted; empty if there is no such folder.
    """
    return sorted(_walk(str(folder), "", suffixes, prefixes, below))


def _walk(
    folder: str, above: str, suffixes: tuple[str, ...], prefixes: tuple[str, ...], below: bool
) -> Iterator[str]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            named_so = entry.name.lower().endswith(suffixes) and entry.name.startswith(prefixes)
            if named_so and entry.is_file():
                yield above + entry.name
            elif below and entry.is_dir():
                yield from _walk(entry.path, f"{above}{entry.name}/", suffixes, prefixes, False)


def listing_digest(folder: str | Path, names: Iterable[str]) -> str:
    """Digest of the names, sizes and times of files.

    Parameters
    ----------
    folder : path
        Not part of the digest, so that a folder can be moved or copied.
    names : iterable of str
        Paths relative to the folder. Files can be absent, which the digest includes too.

    Returns
    -------
    str
        16 hexadecimal digits. Times count in whole seconds, since archives and some file systems do
        not keep fractions.
    """
    digest, root = hashlib.sha256(), Path(folder)
    for name in sorted(names):
        try:
            status = (root / name).stat()
        except OSError:
            digest.update(f"{name}\0absent\n".encode(errors="surrogateescape"))
        else:
            text = f"{name}\0{status.st_size} {int(status.st_mtime)}\n"
            digest.update(text.encode(errors="surrogateescape"))
    return digest.hexdigest()[:LENGTH]


def files_listing(files: Iterable[str | Path]) -> str:
    """Digest of the names, sizes and times of files, wherever they are.

    With it, a file that was replaced by an older one counts as changed, which it does not as an
    input alone.
    """
    digests = (listing_digest(Path(file).parent, [Path(file).name]) for file in files)
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:LENGTH]


def folder_listing(
    folder: str | Path,
    suffixes: tuple[str, ...],
    *,
    prefixes: tuple[str, ...] = ("",),
    below: bool = False,
) -> str:
    """Digest of the names, sizes and times of files in a folder; see `files_in`."""
    names = files_in(folder, suffixes, prefixes=prefixes, below=below)
    return listing_digest(folder, names)


def is_pattern(path: str | Path) -> bool:
    """Whether a path stands for several files, such as stamps/*.fits, and is no file itself."""
    return bool(WILDCARDS.search(str(path))) and not Path(path).exists()


def folder_of_pattern(pattern: str | Path) -> tuple[Path, str]:
    """The folder before the first part of a pattern with a wildcard, and the rest of the pattern.

    Parameters
    ----------
    pattern : path
        See `is_pattern`. Names of folders can have brackets.
    """
    parts = Path(pattern).parts
    first = next(n for n in range(len(parts)) if is_pattern(Path(*parts[: n + 1])))
    return Path(*parts[:first]), "/".join(parts[first:])


def matching_files(pattern: str | Path) -> list[str]:
    """Paths, relative to the folder of a pattern, of the files that match it, sorted."""
    folder, rest = folder_of_pattern(pattern)
    found = (path.relative_to(folder) for path in folder.glob(rest) if path.is_file())
    return sorted(str(path) for path in found if not path.name.startswith("."))


def stamp_files(
    images: str | Path | Sequence[str], suffixes: tuple[str, ...] = FITS_SUFFIXES
) -> list[Path] | None:
    """Files with one stamp each.

    Parameters
    ----------
    images : path or sequence of str
        A folder with FITS files, a pattern, or paths of files.
    suffixes : tuple of str
        Endings of the names of the files in a folder.

    Returns
    -------
    list of pathlib.Path or None
        None for the path of one file, which has all stamps in one array.
    """
    if not isinstance(images, str | Path):
        return [Path(path) for path in images]
    if is_pattern(images):
        return [folder_of_pattern(images)[0] / name for name in matching_files(images)]
    if Path(images).is_dir():
        return [Path(images) / name for name in files_in(images, suffixes)]
    return None


def stamps_listing(
    images: str | Sequence[str], suffixes: tuple[str, ...] = FITS_SUFFIXES
) -> str | None:
    """Digest of the listing of a folder, pattern or files of stamps; None if there are none.

    Parameters
    ----------
    images : str or sequence of str
    suffixes : tuple of str
        See `stamp_files`.
    """
    if isinstance(images, str) and is_pattern(images):
        return listing_digest(folder_of_pattern(images)[0], matching_files(images))
    if isinstance(images, str) and Path(images).is_dir():
        return folder_listing(images, suffixes)
    files = [images] if isinstance(images, str) else images
    return files_listing(files) if files else None


def files_by_id(
    images: str | Path | Sequence[str],
    files: Sequence[Path],
    ids: Iterable[str],
    what: str = "image",
) -> list[Path]:
    """The file of each galaxy: that of its id.

    Parameters
    ----------
    images : path or sequence of str
        See `stamp_files`. If the last part of a pattern has one wildcard, *, the id is what stands
        for it in a file's name. Else it is the name without the ending of FITS files.
    files : sequence of pathlib.Path
        From `stamp_files`.
    ids : iterable of str
    what : str
        What the files are, for messages.

    Returns
    -------
    list of pathlib.Path
        In the order of the ids.

    Raises
    ------
    DeblendError
        There are no files, two have the same id, or a galaxy has no file.
    """
    where = images if isinstance(images, str | Path) else f"the list of {len(files)} files"
    if not files:
        raise DeblendError(f"{where} has no FITS files: give a folder, pattern or list with some")
    found = file_ids(images, files, what)
    wanted = list(ids)
    lacking = [galaxy for galaxy in wanted if galaxy not in found]
    if lacking:
        raise DeblendError(
            f"{len(lacking)} of {len(wanted)} galaxies of the catalogue have no {what} in {where} "
            f"(the first: {lacking[0]}): a file's name has to be the galaxy's id, such as "
            f"{lacking[0]}.fits; there is {files[0].name}"
        )
    return [found[galaxy] for galaxy in wanted]


def file_ids(
    images: str | Path | Sequence[str], files: Sequence[Path], what: str = "image"
) -> dict[str, Path]:
    """Files by the id of their galaxy, which is in their name: see `files_by_id`.

    Raises
    ------
    DeblendError
        Two have the same id.
    """
    name = Path(images).name if isinstance(images, str | Path) and is_pattern(images) else ""
    before, star, after = name.partition("*")
    if not star or WILDCARDS.search(before + after):
        before, after = "", ""
    found: dict[str, Path] = {}
    for path in files:
        key = without_suffix(path.name[len(before) : len(path.name) - len(after)])
        if key in found:
            raise DeblendError(
                f"{found[key]} and {path} are both the {what} of galaxy {key}: remove one of them"
            )
        found[key] = path
    return found


def without_suffix(name: str) -> str:
    """A file's name without the ending of FITS files."""
    for suffix in sorted(FITS_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def real_galaxy_listing(catalog: str | Path) -> str:
    """Digest of the listing of a RealGalaxy catalogue, its companions, and all files that it names.

    Parameters
    ----------
    catalog : path
        The catalogue, a FITS file, which need not be one: the job that reads it says so.
    """
    path = Path(catalog)
    stem, dot, suffix = path.name.partition(".fits")
    names = {f"{stem}{ending}{dot}{suffix}" for ending in ("", *REAL_GALAXY_COMPANIONS)}
    return listing_digest(path.parent, names | texts_of_table(path, REAL_GALAXY_COLUMNS))


def texts_of_table(path: str | Path, columns: Iterable[str]) -> set[str]:
    """Texts in columns of the first binary table of a FITS file.

    Parameters
    ----------
    path : path
        A FITS file, which can be compressed (gzip).
    columns : iterable of str
        Names of columns; those that the table does not have are ignored.

    Returns
    -------
    set of str
        Without empty ones. Empty if the file is missing, broken or has no table.
    """
    texts: set[bytes] = set()
    try:
        size = unpacked_size(path)
        with open_unpacked(path) as file:
            header = _table_header(file)
            width, n_rows = int(header["NAXIS1"]), int(header["NAXIS2"])
            # A header can tell more than there is.
            data = file.read(min(width * n_rows, size))
        for start, stop in _places(header, {name.upper() for name in columns}):
            rows = range(0, len(data), width)
            texts.update(data[row + start : row + stop] for row in rows)
    # EOFError and zlib.error: of a truncated or broken gzip file.
    except (OSError, EOFError, KeyError, ValueError, zlib.error):
        return set()
    # A text ends at the first zero byte, and blanks at its end do not count.
    found = {text.split(b"\0")[0].rstrip(b" ") for text in texts}
    return {os.fsdecode(text) for text in found if text}


def _table_header(file: IO[bytes]) -> dict[str, str]:
    """Header of the first binary table; the file is then at the beginning of its data.

    Raises
    ------
    ValueError
        The file ends, or is not FITS.
    """
    while True:
        header = _read_header(file)
        if header.get("XTENSION") == "BINTABLE":
            return header
        axes = [int(header[f"NAXIS{n + 1}"]) for n in range(int(header["NAXIS"]))]
        n_values = 1 if axes else 0
        for length in axes:
            n_values *= length
        n_values = int(header.get("GCOUNT", 1)) * (n_values + int(header.get("PCOUNT", 0)))
        n_bytes = n_values * abs(int(header["BITPIX"])) // 8
        file.seek(-(-n_bytes // BLOCK_BYTES) * BLOCK_BYTES, os.SEEK_CUR)


def _read_header(file: IO[bytes]) -> dict[str, str]:
    """Keywords and values of a header, as texts without quotes and comments."""
    header: dict[str, str] = {}
    while True:
        block = file.read(BLOCK_BYTES)
        if len(block) < BLOCK_BYTES:
            raise ValueError("the file ends before its header")
        for start in range(0, BLOCK_BYTES, CARD_BYTES):
            card = block[start : start + CARD_BYTES].decode("ascii")
            keyword = card[:8].rstrip()
            if keyword == "END":
                return header
            if card[8:10] == "= ":
                value = card[10:].strip()
                if value.startswith("'"):
                    header[keyword] = value[1:].partition("'")[0].rstrip()
                else:
                    header[keyword] = value.partition("/")[0].strip()


def _places(header: dict[str, str], columns: set[str]) -> Iterator[tuple[int, int]]:
    """First byte in a row, and the byte after the last one, of columns of texts."""
    start = 0
    for number in range(1, int(header["TFIELDS"]) + 1):
        form = header[f"TFORM{number}"]
        kind = form.lstrip("0123456789")[:1]
        count = int(form[: form.index(kind)] or 1)
        stop = start + -(-count * VALUE_BITS[kind] // 8)
        if kind == "A" and header.get(f"TTYPE{number}", "").upper() in columns:
            yield start, stop
        start = stop
