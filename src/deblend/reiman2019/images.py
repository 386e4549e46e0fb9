"""Galaxy Zoo images: from JPEGs in folders and zip archives to frames, from which blends are made.

Reiman & Goehre 2019 (Sect. 2.3) crop the central 240 x 240 pixels of 424 x 424 and reduce them to
80 x 80. Here the whole frame is reduced, on the grid of that crop, since an image that is moved
off the centre shows what lies outside the crop. Frames are a memory-mapped array on disk: the
memory needed to write or read them does not grow with their number.
"""

import contextlib
import io
import logging
import lzma
import stat
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from deblend.data import pictures
from deblend.data.facts import check_count
from deblend.data.listing import JPEG_SUFFIXES, files_in
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.seeds import uniform
from deblend.space import need_disk
from deblend.tables import write_csv
from PIL import Image
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


#: Size of a pixel of Galaxy Zoo images in Petrosian radii of the galaxy (Lintott et al. 2011).
RADII_PER_PX = 0.024


SPLITS = ("train", "validation", "test")


#: Larger files are left out, whatever their archive says. A Galaxy Zoo JPEG has 10 to 20 kB;
#: without compression the image would have half a megabyte.
MAX_JPEG_BYTES = 2_000_000
#: What a broken zip archive raises; RuntimeError: it is encrypted, or of an unknown kind.
BROKEN_ZIP = (
    *(zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError),
    *(struct.error, zlib.error, lzma.LZMAError),
)


#: Images in memory at a time, for each thread.
BATCH = 64


#: Images between two lines of the log.
LOG_EVERY = 10_000


class Grid(NamedTuple):
    """Where the reduced pixels of a frame lie.

    Attributes
    ----------
    frame_px : int
        Side of the image.
    reduce_by : int
        Side of the square of pixels that becomes one reduced pixel.
    offset_px : int
        Pixel of the image at which the first reduced pixel begins.
    size : int
        Side of the reduced frame.
    crop : slice
        Rows and columns of the reduced frame that form the central crop.
    """

    frame_px: int
    reduce_by: int
    offset_px: int
    size: int
    crop: slice


def make_grid(frame_px: int = 424, reduce_by: int = 3, crop_px: int = 240) -> Grid:
    """The grid on which the central crop of a frame is reduced to whole pixels.

    Parameters
    ----------
    frame_px : int
        Side of the images.
    reduce_by : int
        Pixels along each axis that become one.
    crop_px : int
        Side of the central crop.

    Raises
    ------
    DeblendError
        The crop is not central, not a whole number of reduced pixels, or larger than the frame.
    """
    if (
        reduce_by < 1
        or not 0 < crop_px <= frame_px
        or (frame_px - crop_px) % 2
        or crop_px % reduce_by
    ):
        raise DeblendError(
            f"a central crop of crop_px {crop_px} does not fit images of frame_px {frame_px} "
            f"reduced by reduce_by {reduce_by}: crop_px has to be a multiple of reduce_by, at most "
            "frame_px, and differ from it by an even number"
        )
    first, offset = divmod((frame_px - crop_px) // 2, reduce_by)
    crop = slice(first, first + crop_px // reduce_by)
    return Grid(frame_px, reduce_by, offset, frame_px // reduce_by, crop)


def reduce(image: np.ndarray | Image.Image, grid: Grid | None = None) -> np.ndarray:
    """Reduce an image with Pillow's bicubic filter, which averages over the area of each new pixel.

    Parameters
    ----------
    image : ndarray, shape (frame_px, frame_px, 3), uint8, or PIL.Image
    grid : Grid, optional
        By default 424 x 424 pixels become 141 x 141: reduced pixel k covers the pixels 2 + 3 k to
        4 + 3 k.

    Returns
    -------
    ndarray, shape (size, size, 3), uint8
        Its part `[grid.crop, grid.crop]` equals the central crop reduced by itself, except for two
        pixels along its edge, where the filter also sees pixels outside the crop.
    """
    grid = grid or make_grid()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    start, stop, side = grid.offset_px, grid.offset_px + grid.reduce_by * grid.size, grid.frame_px
    if stop > side:
        # Part of the last reduced pixel lies outside the frame: repeat the edge.
        image = image.crop((0, 0, stop, stop))
        for pixel in range(side, stop):
            image.paste(image.crop((side - 1, 0, side, stop)), (pixel, 0))
        for pixel in range(side, stop):
            image.paste(image.crop((0, side - 1, stop, side)), (0, pixel))
    box = (start, start, stop, stop)
    return np.asarray(image.resize((grid.size, grid.size), Image.Resampling.BICUBIC, box=box))


class Jpeg(NamedTuple):
    """An image in one of the sources.

    Attributes
    ----------
    id : str
        File name without folder and suffix.
    source : int
        Number of the folder or archive among the sources.
    member : str
        Path in that folder or archive.
    n_bytes : int
    """

    id: str
    source: int
    member: str
    n_bytes: int


def _is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in JPEG_SUFFIXES and not path.name.startswith(".")


class Sources:
    """JPEGs of folders and zip archives, read one at a time; nothing is unpacked.

    Parameters
    ----------
    paths : sequence of path
        Folders (with JPEGs in them or one level below) or zip archives, whatever their name.
        Hidden files and anything but regular files are skipped. Of a member of an archive only the
        base name counts; nothing is written to its path.

    Raises
    ------
    DeblendError
        A source is neither a folder nor a zip archive, or no source has a JPEG.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.paths = [Path(path) for path in paths]
        self._stack = contextlib.ExitStack()
        self._archives: dict[int, zipfile.ZipFile] = {}
        jpegs: list[Jpeg] = []
        try:
            for number, path in enumerate(self.paths):
                if path.is_dir():
                    jpegs += self._of_folder(number, path)
                else:
                    jpegs += self._of_archive(number, path)
        except BaseException:
            self._stack.close()
            raise
        if not jpegs:
            self._stack.close()
            raise DeblendError(
                f"no JPEG in {', '.join(map(str, paths)) or 'no source at all'}: give a folder or "
                "a zip archive with files that end in .jpg or .jpeg"
            )
        self.jpegs = sorted(jpegs)

    def __enter__(self) -> "Sources":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @staticmethod
    def _of_folder(number: int, folder: Path) -> Iterator[Jpeg]:
        for name in files_in(folder, JPEG_SUFFIXES, below=True):
            yield Jpeg(Path(name).stem, number, name, (folder / name).stat().st_size)

    def _of_archive(self, number: int, path: Path) -> Iterator[Jpeg]:
        try:
            archive = self._stack.enter_context(zipfile.ZipFile(path))
        except BROKEN_ZIP as error:
            raise DeblendError(
                f"{path} is neither a folder nor a zip archive ({error}): correct the path, or "
                "delete the file and run again if it was downloaded"
            ) from error
        self._archives[number] = archive
        for member in archive.infolist():
            name, kind = Path(member.filename), stat.S_IFMT(member.external_attr >> 16)
            # Archives that were not made on Unix do not record the kind of file: it is 0.
            if _is_jpeg(name) and not member.is_dir() and kind in (0, stat.S_IFREG):
                yield Jpeg(name.stem, number, member.filename, member.file_size)

    def read(self, jpeg: Jpeg) -> bytes | None:
        """The bytes of an image, or None where they cannot be read."""
        try:
            if jpeg.source in self._archives:
                with self._archives[jpeg.source].open(jpeg.member) as file:
                    # One byte more than is allowed: at the end, the checksum is compared.
                    data = file.read(MAX_JPEG_BYTES + 1)
                return data if len(data) <= MAX_JPEG_BYTES else None
            return (self.paths[jpeg.source] / jpeg.member).read_bytes()
        except BROKEN_ZIP:
            return None


def prepare(data: bytes | None, grid: Grid) -> np.ndarray | str:
    """Reduce one JPEG, or give the reason why it cannot be used.

    Parameters
    ----------
    data : bytes or None
        None if the file could not be read.
    grid : Grid

    Returns
    -------
    ndarray, shape (size, size, 3), uint8, or str
        The frame, or the reason: "unreadable", "not RGB", "wrong size" or "constant".
    """
    if data is None:
        return "unreadable"
    try:
        # `open` reads the header only, so that images of another size are never decoded.
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if image.mode != "RGB":
                return "not RGB"
            if image.size != (grid.frame_px, grid.frame_px):
                return "wrong size"
            image.load()
            frame = reduce(image, grid)
    except pictures.BROKEN:
        return "unreadable"
    return "constant" if (frame == frame[0, 0]).all() else frame


def split_of(seed: int, image_id: str, shares: Mapping[str, float]) -> str:
    """The split of an image. It does not depend on the other images.

    Parameters
    ----------
    seed : int
    image_id : str
    shares : mapping
        Shares of train, validation and test; they add up to 1.
    """
    draw, total = uniform(seed, "reiman2019 split", image_id), 0.0
    for name in SPLITS:
        total += shares[name]
        if draw < total:
            return name
    # Rounding can make the shares add up to slightly less than 1.
    return [name for name in SPLITS if shares[name] > 0][-1]


def build_frames(
    sources: Sequence[str | Path],
    frames: str | Path,
    index: str | Path,
    excluded: str | Path,
    *,
    seed: int,
    split: Mapping[str, float],
    n_images: int | None = None,
    n_expected: Sequence[int | str | None] | None = None,
    frame_px: int = 424,
    crop_px: int = 240,
    reduce_by: int = 3,
    max_bytes: int = MAX_JPEG_BYTES,
    threads: int = 1,
    batch_size: int = BATCH,
) -> None:
    """Reduce all JPEGs of the sources, leave out those that cannot be used, and split the rest.

    Parameters
    ----------
    sources : sequence of path
        See `Sources`. Their order matters only if a file name occurs twice.
    frames : path
        Written: an array (n, size, size, 3) of uint8 in numpy's format, ordered by id.
    index : path
        Written: CSV with row, id, split.
    excluded : path
        Written: CSV with id, reason.
    seed : int
        Seed of the split, and of the ids that are drawn.
    split : mapping
        Shares of train, validation and test.
    n_images : int, optional
        Take only so many ids, drawn at random; all by default.
    n_expected : sequence of int, "unknown" or None, optional
        Number of JPEGs in each source, where it is known.
    frame_px, crop_px, reduce_by : int
        See `make_grid`.
    max_bytes : int
        Largest size of one JPEG.
    threads : int
        Number of threads that decode images; the result does not depend on it.
    batch_size : int
        Images in memory at a time, for each thread; the result does not depend on it either.

    Raises
    ------
    DeblendError
        There is no JPEG, none can be used, a split would be empty, or a source has another number
        of JPEGs than it should.
    """
    grid = make_grid(frame_px, reduce_by, crop_px)
    if set(split) != set(SPLITS) or abs(sum(split.values()) - 1) > 1e-6 or min(split.values()) < 0:
        raise DeblendError(
            f"the shares {dict(split)} have to be of {', '.join(SPLITS)}, adding up to 1"
        )
    with Sources(sources) as source, atomic(frames) as temporary:
        n_found = Counter(jpeg.source for jpeg in source.jpegs)
        for number, n in enumerate(n_expected or ()):
            check_count(source.paths[number], n_found[number], n, "images", "n_images")
        jpegs, reasons = _choose_images(source.jpegs, n_images, max_bytes, seed)
        ids: list[str] = []
        need_disk(frames, len(jpegs) * 3 * grid.size**2)
        with open(temporary, "wb") as file:
            _write_header(file, 0, grid.size)
            for jpeg, frame in _prepare_all(source, jpegs, grid, threads, batch_size):
                if isinstance(frame, str):
                    reasons.append((jpeg.id, frame))
                else:
                    file.write(frame.tobytes())
                    ids.append(jpeg.id)
            # Write the header again, now that the number of frames is known.
            file.seek(0)
            _write_header(file, len(ids), grid.size)
        table = pd.DataFrame({"row": range(len(ids)), "id": ids})
        table["split"] = [split_of(seed, image_id, split) for image_id in ids]
        left_out = pd.DataFrame(sorted(reasons), columns=["id", "reason"])
        for reason, n in left_out["reason"].value_counts().items():
            log.warning("left out %d images: %s", n, reason)
        counts = {name: int((table["split"] == name).sum()) for name in SPLITS}
        log.info("%d frames of %d px: %s", len(ids), grid.size, counts)
        empty = [name for name in SPLITS if split[name] > 0 and not counts[name]]
        if empty:
            raise DeblendError(
                f"the split {' and '.join(empty)} of {', '.join(map(str, sources))} would be "
                f"empty: {len(ids)} images can be used and {len(left_out)} cannot "
                f"({left_out['reason'].value_counts().to_dict()}); take more images (n_images), or "
                "give it a larger share"
            )
        write_csv(index, table)
        write_csv(excluded, left_out)


def _choose_images(
    jpegs: Sequence[Jpeg], n_images: int | None, max_bytes: int, seed: int
) -> tuple[list[Jpeg], list[tuple[str, str]]]:
    """The images to read, each id once, and those that are left out without being read.

    Which ids are drawn depends on the seed and on the ids alone. The first ones by name would be
    from one part of the sky.
    """
    ids = {jpeg.id for jpeg in jpegs}
    if n_images is not None and n_images < len(ids):
        ids = {*sorted(ids, key=lambda name: uniform(seed, "reiman2019 sample", name))[:n_images]}
    chosen: list[Jpeg] = []
    reasons: list[tuple[str, str]] = []
    last = None
    for jpeg in jpegs:
        if jpeg.id not in ids:
            continue
        if jpeg.id == last:
            reasons.append((jpeg.id, "name twice"))
            continue
        last = jpeg.id
        if jpeg.n_bytes > max_bytes:
            reasons.append((jpeg.id, "too large"))
        else:
            chosen.append(jpeg)
    return chosen, reasons


def _prepare_all(
    source: Sources, jpegs: Sequence[Jpeg], grid: Grid, threads: int, batch_size: int
) -> Iterator[tuple[Jpeg, np.ndarray | str]]:
    """Reduce images in order, with one batch in memory at a time."""
    # Threads are enough: Pillow decodes and resizes without holding Python's global lock.
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(threads) as pool,
        tqdm(total=len(jpegs), unit="image", disable=None) as bar,
    ):
        # Pillow warns of broken metadata, but only the pixels matter here.
        warnings.filterwarnings("ignore", module="PIL")
        size = batch_size * threads
        for start in range(0, len(jpegs), size):
            batch = jpegs[start : start + size]
            data = [source.read(jpeg) for jpeg in batch]
            yield from zip(batch, pool.map(partial(prepare, grid=grid), data), strict=True)
            bar.update(len(batch))
            if (start + size) // LOG_EVERY > start // LOG_EVERY:
                log.info("%d of %d images", start + len(batch), len(jpegs))


def _write_header(file: io.BufferedWriter, n: int, size: int) -> None:
    # Numpy pads the header, so that its length does not depend on n.
    header = {"descr": "|u1", "fortran_order": False, "shape": (n, size, size, 3)}
    np.lib.format.write_array_header_1_0(file, header)


def open_frames(path: str | Path, size: int | None = None) -> np.ndarray:
    """Open frames as a read-only, memory-mapped array.

    Parameters
    ----------
    path : path
        From `build_frames`.
    size : int, optional
        Side that the frames must have; any by default.

    Returns
    -------
    ndarray, shape (n, size, size, 3), uint8

    Raises
    ------
    DeblendError
        The file is missing, incomplete or not an array of frames.
    """
    try:
        # A header can tell sizes whose product is too large for an integer.
        with np.errstate(over="raise"):
            frames = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, TypeError, ArithmeticError) as error:
        raise DeblendError(
            f"{path} is not a whole array of frames ({error}): delete it and run again"
        ) from error
    shape: tuple[int, ...] = frames.shape
    side = size or (shape[1] if len(shape) == 4 else 0)
    if shape[1:] != (side, side, 3) or shape[0] == 0 or frames.dtype != np.uint8:
        raise DeblendError(
            f"{path} has no frames of shape (n, {size or 'size'}, {size or 'size'}, 3) and type "
            f"uint8: its shape is {shape}, its type {frames.dtype}; delete it and run again"
        )
    return frames


def read_index(path: str | Path) -> pd.DataFrame:
    """Read the index that `build_frames` wrote: row, id (text) and split."""
    return pd.read_csv(path, dtype={"id": str})


def check_test_galaxies(index: pd.DataFrame, minimum: int, source: str | Path) -> None:
    """Refuse a test of few galaxies before anything is trained for it.

    Parameters
    ----------
    index : DataFrame
        See `build_frames`.
    minimum : int
        Smallest number of test images; with none at all there is no test.
    source : path
        Where the index is from, for the message.

    Raises
    ------
    DeblendError
        There are fewer.
    """
    n_test = int((index["split"] == "test").sum())
    if 0 < n_test < minimum:
        raise DeblendError(
            f"{source}: {n_test} of {len(index)} images are for the test, fewer than "
            f"min_test_galaxies {minimum}: take more images (n_images), or give the test a larger "
            "share (split)"
        )
