"""What a download is, by its first bytes and by what its server calls it: a file, or a web page."""

import re
import tarfile
from pathlib import Path

from deblend.errors import DeblendError

#: Bytes at the beginning of a file that are looked at.
START = 1 << 16


#: Beginning of a web page, and of an answer in JSON, behind blanks and a mark of the encoding.
PAGE = re.compile(
    rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|script|title|meta)\b",
    re.I | re.S,
)
JSON = re.compile(rb"\[?\s*\{\s*(\"|\})")


#: Types of answers that are none of files, with the ends of names that they suit.
PAGE_TYPES = {
    "text/html": (".html", ".htm"),
    "application/xhtml+xml": (".html", ".htm", ".xhtml"),
    "application/json": (".json",),
    "application/problem+json": (".json",),
}


#: First bytes of formats.
GZIP, BZIP2, FITS = b"\x1f\x8b", b"BZh", b"SIMPLE  ="
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK"


#: For ends of names: the first bytes that such a file may have. The readers of images and tables
#: unpack them whatever their names are.
STARTS = {
    (".fits", ".fit", ".fits.gz", ".fits.bz2", ".fit.gz"): (FITS, GZIP, BZIP2),
    (".gz", ".tgz"): (GZIP,),
    (".bz2",): (BZIP2,),
    (".h5", ".hdf5"): (HDF5,),
    (".zip", ".npz"): (ZIP,),
}


def check_content(path: str | Path, name: str, kind: str, *, is_known: bool) -> None:
    """Check that a download is no web page, no answer in JSON, and of the format of its name.

    Parameters
    ----------
    path : path
        The file.
    name : str
        Its address, for messages.
    kind : str
        What the server calls it (Content-Type).
    is_known : bool
        Its checksum is known and compared: neither `kind` nor its format is.

    Raises
    ------
    DeblendError
        It is empty, or not what it should be.
    """
    with open(path, "rb") as file:
        start = file.read(START)
        # An error of a server may begin with many blanks.
        text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        while not text and (block := file.read(START)):
            text = block.lstrip()
    if not start:
        raise DeblendError(f"{name} is empty: run again later, or download it and give its path")
    ends = name.lower()
    if PAGE.match(text) and not ends.endswith((".html", ".htm", ".xhtml")):
        raise DeblendError(
            _not_the_file(name, "a web page (of a log-in, for example) and not the file")
        )
    if JSON.match(text) and not ends.endswith(".json"):
        raise DeblendError(
            _not_the_file(name, "an answer in JSON (of an error, for example) and not the file")
        )
    if is_known:
        return
    starts = next((starts for suffixes, starts in STARTS.items() if ends.endswith(suffixes)), ())
    if starts or ends.endswith(".tar"):
        if not (start.startswith(starts) if starts else _is_tar(start)):
            what = f"no file of the format of its name (it begins with {start[:20]!r})"
            raise DeblendError(_not_the_file(name, what))
        return
    kind = kind.partition(";")[0].strip().lower()
    if kind in PAGE_TYPES and not ends.endswith(PAGE_TYPES[kind]):
        raise DeblendError(_not_the_file(name, f"{kind} and not the file, according to its server"))


def _not_the_file(name: str, what: str) -> str:
    return (
        f"{name} is {what}: open it in a browser, and give the address of the file "
        "itself, or download it and give its path"
    )


def _is_tar(start: bytes) -> bool:
    """Whether a file begins as a tar archive, which may be compressed whatever its name is."""
    if start.startswith((GZIP, BZIP2, b"\xfd7zXZ")):
        return True
    try:
        tarfile.TarInfo.frombuf(start[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
