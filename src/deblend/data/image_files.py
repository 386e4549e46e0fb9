"""Images from files: FITS, NumPy and HDF5, with NaN where there are no data.

All readers of images use this module, so that all know the same layouts, mean the same by "no
data", and report a broken file, or an extension that is not there, in the same words.

No data are NaN, infinite and BLANK pixels, and those that a weight map, a mask or a map of the
variance marks. Such maps are extensions of the same file (IMAGE, MASK, VARIANCE as of HSC and
Rubin; SCI, WHT as of drizzled images), or a weight map in a file of its own. A pixel that is
exactly 0 has data: in images of integers, and in compressed ones, many pixels of the sky are 0.
Drizzled mosaics have 0 where no exposure reached; such blocks of zeros are recognised beside noise
(`unobserved`) where no map says what has data.
"""

import logging
import math
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from astropy.io import fits
from deblend.data.image_masks import (
    MAP_KINDS,
    OTHER_MAPS,
    WEIGHT_NAMES,
    bad_bits,
    lacks_data,
    tells_all,
)
from deblend.data.unpacked import LEAST_IMAGE, open_unpacked, refuse_bomb, unpacked_size
from deblend.errors import DeblendError, TransientError
from deblend.hdf5 import refuse_other_files
from deblend.space import need_memory
from scipy.ndimage import correlate, maximum_filter, minimum_filter

log = logging.getLogger(__name__)


FITS_NAME = re.compile(r"\.(fits?|fts)(\.gz|\.fz|\.bz2)?$|\.fz$", re.IGNORECASE)


#: What reading a broken or unsuitable file raises.
READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


#: Names of extensions with the image itself.
IMAGE_NAMES = ("SCI", "IMAGE")


#: Side of the smallest block of zeros without data, pixels. In images of integers, and in coarsely
#: compressed ones, many pixels of the sky are 0: there blocks have to be so large that the
#: probability that one is 0 by chance is below the second number.
BLOCK_PX, BLOCK_PROBABILITY = 10, 1e-12


#: The neighbours of a pixel.
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])


#: Share of negative pixels from which the others of an image are taken to have noise.
NOISE_SHARE = 0.01


@dataclass(frozen=True)
class Pixels:
    """An array from a file.

    Attributes
    ----------
    values : ndarray
        NaN where there are no data; integers without such pixels stay integers.
    header : fits.Header
        That of the FITS extension, with BUNIT and EXPTIME of the primary one if it has none. Of an
        array in an HDF5 file it has BUNIT if the array has an attribute unit, units or BUNIT. Else
        empty.
    """

    values: np.ndarray
    header: fits.Header = field(default_factory=fits.Header)


def read_array(path: str | Path, key: str | None, prefer: Sequence[str] = ()) -> np.ndarray:
    """Values of `read_pixels`."""
    return read_pixels(path, key, prefer=prefer).values


def read_pixels(
    path: str | Path,
    key: str | None,
    mask_bits: Sequence[int | str] | None = None,
    prefer: Sequence[str] = (),
) -> Pixels:
    """Read an array from .npy, .npz, .h5 or .fits (also .fits.gz and .fits.fz).

    Parameters
    ----------
    path : path
    key : str, optional
        Name of the array in an npz or HDF5 file, or number or name of a FITS extension. Not needed
        for files with a single array: of a FITS file the default is the only image, or the only
        one that is no mask, weight or variance.
    mask_bits : sequence of int and str, optional
        Flags of a mask or data-quality plane that mean no data, see
        `deblend.data.image_masks.bad_bits`.
    prefer : sequence of str
        Names of FITS extensions, in capitals, one of which is meant without a key.

    Returns
    -------
    Pixels

    Raises
    ------
    DeblendError
        The file is missing, truncated, broken or of an unknown format, does not have the key,
        contains pickled objects, which are never read, or other values than numbers.
    """
    path = Path(path)
    if FITS_NAME.search(path.name):
        with open_image(path, key, mask_bits=mask_bits, prefer=prefer) as image:
            return Pixels(image.read(), image.header)
    pixels = _read_other(path, key)
    if pixels.values.dtype.kind not in "fiub":
        raise DeblendError(
            f"the array{'' if key is None else f' {key}'} in {path} has values of type "
            f"{pixels.values.dtype}: give an array of real numbers"
        )
    return pixels


def _read_other(path: Path, key: str | None) -> Pixels:
    """An array of a file that is not FITS."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            with path.open("rb") as raw:
                _refuse_false_size(raw, path.stat().st_size)
            return Pixels(np.load(path, allow_pickle=False))
        if suffix == ".npz":
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                name = _choose_array(key, file.files, path)
                for member in file.zip.infolist():
                    if member.filename.removesuffix(".npy") == name:
                        with file.zip.open(member) as values:
                            _refuse_false_size(values, member.file_size)
                        need_memory(str(path), member.file_size)
                return Pixels(file[name])
        if suffix in (".h5", ".hdf5"):
            with h5py.File(path, "r") as file:
                return _read_hdf5(file, key, path)
    except READ_ERRORS as error:
        raise _unreadable(f"cannot read an array from {path}", error) from error
    raise DeblendError(f"{path} is not .npy, .npz, .h5 or .fits")


def _refuse_false_size(file: IO[bytes], n_bytes: int) -> None:
    """Refuse an array of NumPy whose header tells more values than its file can have.

    NumPy would make room for all of them.

    Raises
    ------
    ValueError
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    told = math.prod(shape) * dtype.itemsize
    if told > n_bytes:
        raise ValueError(f"its header tells {told} bytes of values, and it has {n_bytes}")


def _reason(error: Exception) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _unreadable(
    subject: str, error: Exception, remedy: str = "fetch or write it again"
) -> DeblendError:
    """The error for the user; one of memory may be gone when there is more of it."""
    if isinstance(error, MemoryError):
        return TransientError(f"{subject} ({_reason(error)}): it needs more memory than there is")
    return DeblendError(f"{subject} ({_reason(error)}): {remedy}")


def _choose_array(key: str | None, names: list[str], path: Path) -> str:
    """Name of the array to read: the key, or the only array of the file."""
    if key is None and len(names) == 1:
        return names[0]
    if key is None or key not in names:
        raise DeblendError(
            f"{path} has the arrays {', '.join(names) or 'none'}: name one of them as images_key "
            f"or segmaps_key (it is {key!r})"
        )
    return key


def _read_hdf5(file: h5py.File, key: str | None, path: Path) -> Pixels:
    """Read an array of an HDF5 file, also one in a group."""
    refuse_other_files(file)
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if _is_array(item) else None)
    if key is None:
        # Without a key, tables in groups do not hide that there is one array of images.
        names = [name for name in names if "/" not in name] or names
    array = file[_choose_array(None if key is None else key.strip("/"), names, path)]
    need_memory(str(path), array.nbytes)
    header = fits.Header()
    for name in ("unit", "units", "BUNIT"):
        if name in array.attrs:
            header["BUNIT"] = _plain_text(array.attrs[name])
    return Pixels(array[()], header)


def _plain_text(value: Any) -> str:
    """An attribute of an HDF5 file as text in ASCII, as headers have it; also one in an array."""
    values = np.ravel(value).tolist()
    texts = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values]
    # Superscripts, and both letters that look like a Greek mu, get their plain form.
    text = unicodedata.normalize("NFKC", ", ".join(dict.fromkeys(texts)))
    text = text.replace("\N{GREEK SMALL LETTER MU}", "u").replace("\N{MINUS SIGN}", "-")
    return text.encode("ascii", "replace").decode()


def _is_array(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim > 0


@dataclass(frozen=True)
class OpenImage:
    """An image in an open FITS file, of which parts can be read.

    Attributes
    ----------
    path : path
    label : str
        Number and name of the extension, such as "1 (SCI)".
    header : fits.Header
        See `Pixels`.
    file : fits.HDUList
        For distortions that the header refers to.
    shape : tuple of int
        Without leading axes of length 1.
    has_maps : bool
        A map says which pixels have data, so that none is taken to have none because of its value:
        see `deblend.data.image_masks.tells_all`.
    """

    path: Path
    label: str
    header: fits.Header
    file: fits.HDUList
    shape: tuple[int, ...]
    has_maps: bool
    _hdu: Any
    _maps: tuple[tuple[str, Any, int | None], ...]

    def read(self) -> np.ndarray:
        """The whole array with all its axes, NaN where there are no data."""
        with self._errors():
            bits = abs(int(self._hdu.header["BITPIX"]))
            need_memory(str(self.path), math.prod(self._hdu.shape) * bits // 8)
            values = self._plain(self._hdu, (slice(None),) * len(self._hdu.shape))
            missing = self._missing((slice(None),) * len(self.shape))
            if missing is not None and missing.any():
                values = values.astype(values.dtype if values.dtype.kind == "f" else float)
                values[missing.reshape(values.shape)] = np.nan
                log.info(
                    "%s: %d of %d pixels have no data by its maps",
                    *(self.path, missing.sum(), missing.size),
                )
            return values

    def cut(self, y0: int, x0: int, size: int) -> np.ndarray:
        """A square of an image (y, x), of which only its own rows are read.

        Parameters
        ----------
        y0, x0 : int
            First row and column. The square is within the image.
        size : int

        Returns
        -------
        ndarray, shape (size, size), float32
            NaN where there are no data, those of `unobserved` too if no map tells.
        """
        margin = 0 if self.has_maps else BLOCK_PX
        top, left = max(y0 - margin, 0), max(x0 - margin, 0)
        bottom, right = (
            min(start + size + margin, n) for start, n in zip((y0, x0), self.shape, strict=True)
        )
        part = (slice(top, bottom), slice(left, right))
        with self._errors(), np.errstate(over="ignore"):
            pixels = self._plain(self._hdu, part).astype(np.float32)
            missing = self._missing(part)
        if not self.has_maps:
            blocks = unobserved(pixels)
            missing = blocks if missing is None else missing | blocks
        pixels[missing | ~np.isfinite(pixels)] = np.nan
        return pixels[y0 - top : y0 - top + size, x0 - left : x0 - left + size]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Report that the pixels cannot be read."""
        try:
            yield
        except READ_ERRORS as error:
            subject = f"cannot read an array from extension {self.label} of {self.path}"
            raise _unreadable(subject, error, "fetch or write the file again") from error

    def _plain(self, hdu: Any, part: tuple[slice, ...]) -> np.ndarray:
        """Pixels of an extension, in the machine's byte order, NaN where they are BLANK."""
        leading = (0,) * (len(hdu.shape) - len(part))
        blank = _blank_value(hdu.header)
        # The section leaves the file's array alone, and of a compressed image reads its tiles only.
        values = np.asarray(hdu.section[(*leading, *part)])
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        if blank is not None and (values == blank).any():
            # astropy forgets that pixels are blank if BLANK is 0 or integers are unsigned.
            is_blank = values == blank
            values = values.astype(values.dtype if values.dtype.kind == "f" else float)
            values[is_blank] = np.nan
        return values

    def _missing(self, part: tuple[slice, ...]) -> np.ndarray | None:
        """Which pixels have no data by the maps; None without maps."""
        missing = None
        for kind, hdu, bits in self._maps:
            values = self._plain(hdu, part)
            lacks = lacks_data(kind, values, bits)
            missing = lacks if missing is None else missing | lacks
        return missing


def _blank_value(header: fits.Header) -> float | None:
    """Value of pixels without data in an array of integers, after scaling; None: there is none."""
    blank = header.get("BLANK")
    if not isinstance(blank, int) or int(header.get("BITPIX", -32)) < 0:
        return None
    value = blank * header.get("BSCALE", 1) + header.get("BZERO", 0)
    return float(value)


def unobserved(pixels: np.ndarray) -> np.ndarray:
    """Pixels that no exposure reached: solid blocks of exact zeros beside noise.

    Parameters
    ----------
    pixels : ndarray, shape (y, x)

    Returns
    -------
    ndarray of bool, shape (y, x)
        All pixels of square blocks of zeros of at least `BLOCK_PX` a side, or larger ones if zeros
        are frequent beside other values too, where sky and noise are 0 after rounding. Other pixels
        have to be negative, as noise of a subtracted sky is: without noise zeros are the sky. All,
        if all pixels are 0.
    """
    zero = pixels == 0
    if zero.all():
        return zero
    others = pixels[~zero & np.isfinite(pixels)]
    if zero.sum() < BLOCK_PX**2 or not len(others) or (others < 0).mean() < NOISE_SHARE:
        return np.zeros(pixels.shape, bool)
    # How often a pixel of the sky is 0 shows beside negative pixels, which are noise of the sky.
    negative = pixels < 0
    beside = correlate(np.pad(zero, 1).astype(int), RING, mode="constant")[1:-1, 1:-1]
    n_beside = correlate(np.pad(np.ones_like(zero), 1).astype(int), RING, mode="constant")
    share = beside[negative].sum() / n_beside[1:-1, 1:-1][negative].sum()
    side = BLOCK_PX
    if share == 1:  # single pixels far from each other
        return np.zeros(pixels.shape, bool)
    if share > 0:
        side = max(side, int(np.sqrt(np.log(BLOCK_PROBABILITY) / np.log(share))) + 1)
    side += side % 2
    # A block is found from its middle, and grown again; the filters have opposite origins since
    # the side is even.
    inner = minimum_filter(zero.astype(np.uint8), side, mode="constant", cval=0)
    return maximum_filter(inner, side, mode="constant", cval=0, origin=-1).astype(bool)


@contextmanager
def open_image(
    path: str | Path,
    key: str | int | None,
    *,
    weight: str | Path | None = None,
    mask_bits: Sequence[int | str] | None = None,
    what: str = "",
    prefer: Sequence[str] = (),
) -> Iterator[OpenImage]:
    """Open a FITS file with an image.

    Parameters
    ----------
    path : path
    key : str, int or None
        Number or name of the extension. By default, and for 0 if the primary extension has no data,
        the only image, or the only one that is no mask, weight or variance.
    weight : path, optional
        FITS file with the weights of the pixels, which are not above 0 where there are no data.
    mask_bits, prefer
        See `read_pixels`.
    what : str
        The file in words, such as "the mosaic ", for messages.

    Yields
    ------
    OpenImage

    Raises
    ------
    DeblendError
        The file is missing, truncated or broken, does not have the extension, or it has no image;
        the weights have another shape; or see `deblend.data.image_masks.bad_bits`.
    """
    path = Path(path)
    named = f"{what}{path}"
    with _opened(path, key, named) as (file, there):
        number = _choose_extension(file, key, named, prefer)
        hdu = file[number]
        _check_complete(hdu, number, path, named, there)
        header = _header(file, number)
        shape = _plain_shape(hdu)
        maps = _maps_in(file, number, mask_bits, path)
        for kind, other, bits in maps:
            marked = "" if bits is None else f" with one of the flags {_powers(bits)}"
            log.info(
                "%s: pixels without data are those of its extension %s%s", path, other.name, marked
            )
            other_number = file.index_of(other.name)
            _check_complete(other, other_number, path, f"{kind} map of {named}", there)
        label = _label(file, number)
        if weight is None:
            has_maps = any(tells_all(kind, bits) for kind, _, bits in maps)
            yield OpenImage(path, label, header, file, shape, has_maps, hdu, maps)
            return
        named_weight = f"the weight map {weight}"
        with _opened(Path(weight), None, named_weight) as (weights, there):
            weight_number = _choose_extension(weights, None, named_weight, WEIGHT_NAMES)
            other = weights[weight_number]
            _check_complete(other, weight_number, Path(weight), named_weight, there)
            if _plain_shape(other) != shape:
                raise DeblendError(
                    f"{named_weight} has {_size(other)}, {named} {_size(hdu)}: give the weights of "
                    "the same pixels"
                )
            maps = (*maps, ("weight", other, None))
            yield OpenImage(path, label, header, file, shape, True, hdu, maps)


@contextmanager
def _opened(path: Path, key: str | int | None, named: str) -> Iterator[tuple[fits.HDUList, int]]:
    """An open FITS file, all of whose headers have been read, and the size of its content."""
    try:
        # To its end, where the checksum of a compressed file is.
        there = unpacked_size(path, LEAST_IMAGE)
        with open_unpacked(path) as raw:
            # astropy opens other archives too, and has no limits.
            if raw.read(6) != b"SIMPLE":
                raise OSError("it is no FITS file, nor one that gzip or bzip2 has compressed")
        with warnings.catch_warnings():
            # `_check_complete` reports truncated files.
            warnings.filterwarnings("ignore", "File may have been truncated")
            warnings.filterwarnings("ignore", "Error validating header")
            file = fits.open(path)
            try:
                len(file)
            except READ_ERRORS:
                file.close()
                raise
    except READ_ERRORS as error:
        extension = "" if key is None else f"extension {key} of "
        problem = "an array from " if not extension else ""
        remedy = (
            "give a path of a file" if isinstance(error, FileNotFoundError) else "fetch it again"
        )
        raise _unreadable(f"cannot read {problem}{extension}{named}", error, remedy) from error
    with file:
        yield file, there


def _has_image(hdu: Any) -> bool:
    return bool(getattr(hdu, "is_image", False)) and len(hdu.shape) >= 1 and 0 not in hdu.shape


def _size(hdu: Any) -> str:
    return f"{' x '.join(str(n) for n in hdu.shape[::-1])} px"


def _label(file: fits.HDUList, number: int) -> str:
    name = file[number].name
    return f"{number} ({name})" if name and name != "PRIMARY" else str(number)


def _contents(file: fits.HDUList) -> str:
    """The extensions of a file in words."""
    parts = []
    for number, hdu in enumerate(file):
        if _has_image(hdu):
            content = _size(hdu)
        else:
            content = "no data" if getattr(hdu, "is_image", False) else "a table"
        parts.append(f"{_label(file, number)}: {content}")
    return "; ".join(parts)


def _choose_extension(
    file: fits.HDUList, key: str | int | None, named: str, prefer: Sequence[str] = ()
) -> int:
    """Number of the extension with the image."""
    wanted = None if key is None else str(key).strip()
    has = f"it has the extensions {_contents(file)}"
    if wanted is None or (wanted == "0" and not _has_image(file[0])):
        images = [i for i, hdu in enumerate(file) if _has_image(hdu)]
        preferred = [i for i in images if file[i].name.upper() in prefer]
        first = [i for i in images if i == 0]
        named_so = [i for i in images if file[i].name.upper() in IMAGE_NAMES]
        others = [i for i in images if file[i].name.upper() not in (*MAP_KINDS, *OTHER_MAPS)]
        for found in (preferred, first, images, named_so, others):
            if len(found) == 1:
                if wanted is not None:
                    log.info("%s: its extension 0 has no data, %s is read", named, found[0])
                return found[0]
        problem = "which image is meant is not clear" if images else "there is no image"
        raise DeblendError(
            f"cannot read an array from {named} ({problem}; {has}): give the number or name of an "
            "extension with an image"
        )
    if wanted.isdigit():
        number = int(wanted)
        if number >= len(file):
            number = -1
    else:
        names = [hdu.name.upper() for hdu in file]
        if names.count(wanted.upper()) > 1:
            raise DeblendError(
                f"cannot read extension {wanted} of {named} (several have this name; {has}): give "
                "its number"
            )
        number = names.index(wanted.upper()) if wanted.upper() in names else -1
    if number < 0 or not _has_image(file[number]):
        problem = "there is no such extension" if number < 0 else "it has no image"
        raise DeblendError(
            f"cannot read extension {wanted} of {named} ({problem}; {has}): give the number or "
            "name of an extension with an image"
        )
    return number


def _check_complete(hdu: Any, number: int, path: Path, named: str, there: int) -> None:
    """Check that the file has all pixels of an extension, also those that nobody will read.

    Its content, unpacked, has `there` bytes.
    """
    info = hdu.fileinfo()
    # The size of a compressed image is known with the padding to blocks of 2880 bytes only, which
    # some programs leave out.
    is_compressed = isinstance(hdu, fits.CompImageHDU)
    needed = info["datLoc"] + (info["datSpan"] - 2879 if is_compressed else hdu.size)
    if is_compressed:
        # Its header can tell more pixels than any file has.
        n_bytes = math.prod(hdu.shape) * abs(int(hdu.header["BITPIX"])) // 8
        refuse_bomb(path, n_bytes, LEAST_IMAGE)
    if there < needed:
        raise DeblendError(
            f"cannot read extension {number} of {named} (the file is truncated: it has "
            f"{there} bytes, {needed} are needed): fetch or write it again"
        )


def _header(file: fits.HDUList, number: int) -> fits.Header:
    """Header of an extension, with what only the primary one says."""
    header = file[number].header.copy()
    for name in ("BUNIT", "EXPTIME", "TEXPTIME"):
        if name not in header and name in file[0].header:
            header[name] = file[0].header[name]
    return header


def _plain_shape(hdu: Any) -> tuple[int, ...]:
    """Shape of an extension's array without leading axes of length 1, at least two axes."""
    shape = tuple(hdu.shape)
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _maps_in(
    file: fits.HDUList, number: int, mask_bits: Sequence[int | str] | None, path: Path
) -> tuple[tuple[str, Any, int | None], ...]:
    """The maps of an image's pixels without data, in the same file: kind, extension and bits."""
    image = file[number]
    if image.name.upper() in (*MAP_KINDS, *OTHER_MAPS):
        return ()
    maps: list[tuple[str, Any, int | None]] = []
    for hdu in file:
        kind = MAP_KINDS.get(hdu.name.upper())
        if kind is None or not _has_image(hdu) or hdu.ver != image.ver:
            continue
        if _plain_shape(hdu) != _plain_shape(image):
            log.warning(
                "%s: its extension %s has %s, the image %s: it is not used to find pixels without "
                "data",
                *(path, hdu.name, _size(hdu), _size(image)),
            )
            continue
        bits = None
        if kind in ("mask", "dq"):
            telescope = str(file[0].header.get("TELESCOP", ""))
            bits = bad_bits(kind, hdu.header, telescope, mask_bits, path)
        maps.append((kind, hdu, bits))
    return tuple(maps)


def _powers(bits: int) -> str:
    """The flags of a sum in words."""
    values = (1 << n for n in range(bits.bit_length()) if bits >> n & 1)
    return ", ".join(map(str, values)) or "(none)"
