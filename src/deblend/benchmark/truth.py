"""What is known about the blends of the benchmark: each galaxy alone, its mask and its numbers.

It stands in a file of its own beside the scenes, which no method reads.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from deblend.hdf5 import COMPRESSION, new_file, open_file, write_array
from deblend.photometry.config import Detection
from deblend.photometry.sep import SepError, detect
from deblend.space import need_disk

#: Columns of the table of galaxies. `galaxy` is 0 for the central one, 1 for the companion, 2 for a
#: third one; `id` is unique. Flux and magnitude are those of the galaxy alone, counts/s and AB;
#: positions are px from the centre of the corner pixel. `delta_mag` is the magnitude minus that of
#: the brightest other galaxy of the scene, `separation_over_size` the distance from the nearest one
#: over the larger half-light radius of both; NaN for a galaxy that is alone. `n_further` is the
#: number of neighbours in the scene that count as its galaxies, since they could be the companion
#: (`deblend.benchmark.sets.counts_as_galaxy`). `snr` is the signal to noise of the galaxy alone, if
#: its profile were known and the noise white.
COLUMNS = (
    *("scene", "galaxy", "id", "x_px", "y_px", "flux", "mag", "half_light_radius_px"),
    *("n_further", "delta_mag", "separation_over_size", "snr"),
)


#: What the file is, for messages.
FILE = "the truth of a set of the benchmark"


@dataclass(frozen=True)
class Truth:
    """The galaxies of a set of blends.

    Attributes
    ----------
    galaxies : DataFrame
        `COLUMNS`, one row for each galaxy, by scene.
    images : ndarray, shape (n, y, x), float32
        Each galaxy alone at its place in the scene, counts/s: without noise if it is simulated.
    masks : ndarray, shape (n, y, x), uint8
        1 on the pixels of the galaxy.
    """

    galaxies: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray

    def of_scenes(self, start: int, stop: int) -> "Truth":
        """The galaxies of some scenes, which are numbered from 0 again."""
        scene = self.galaxies["scene"].to_numpy()
        rows = np.flatnonzero((scene >= start) & (scene < stop))
        table = self.galaxies.iloc[rows].reset_index(drop=True)
        return Truth(
            table.assign(scene=table["scene"] - start), self.images[rows], self.masks[rows]
        )


def with_neighbour_quantities(galaxies: pd.DataFrame) -> pd.DataFrame:
    """Add `delta_mag` and `separation_over_size` to a table of galaxies."""
    delta, separation = np.full((2, len(galaxies)), np.nan)
    for rows in galaxies.groupby("scene", sort=False).indices.values():
        part = galaxies.iloc[rows]
        mag = part["mag"].to_numpy(float)
        radius = part["half_light_radius_px"].to_numpy(float)
        yx = part[["y_px", "x_px"]].to_numpy(float)
        for k, row in enumerate(rows):
            others = np.arange(len(rows)) != k
            if not others.any():
                continue
            delta[row] = mag[k] - mag[others].min()
            distance = np.hypot(*(yx[others] - yx[k]).T)
            nearest = int(distance.argmin())
            separation[row] = distance[nearest] / max(radius[k], radius[others][nearest])
    return galaxies.assign(delta_mag=delta, separation_over_size=separation)


def signal_to_noise(
    images: np.ndarray,
    noise_sigma: float,
    *,
    masks: np.ndarray | None = None,
    image_sigma: float = 0.0,
) -> np.ndarray:
    """Signal to noise of single galaxies with a matched filter.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Each galaxy alone.
    noise_sigma : float
        Noise of the scenes.
    masks : ndarray, shape (n, y, x), optional
        Pixels that count; by default all.
    image_sigma : float
        Noise of the images themselves, whose squares are subtracted: of an empty image with noise
        the signal is 0, and not the noise of all its pixels.

    Returns
    -------
    ndarray, shape (n,)
    """
    # One by one: a copy of all of them in double precision is large.
    squares = np.zeros(len(images))
    for k, image in enumerate(images):
        inside = image if masks is None else image[masks[k] > 0]
        squares[k] = np.square(inside, dtype=float).sum() - inside.size * image_sigma**2
    return np.sqrt(np.maximum(squares, 0)) / noise_sigma


def masks_of(
    images: np.ndarray,
    positions: np.ndarray,
    noise_sigma: float,
    modes: Sequence[Detection],
) -> np.ndarray:
    """Masks of galaxies: see `mask_of`.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Each galaxy alone.
    positions : ndarray, shape (n, 2)
        y and x of each, px.
    noise_sigma : float
        Noise of the stamps in which masks of a training are measured.
    modes : sequence of Detection

    Returns
    -------
    ndarray of uint8, shape (n, y, x)
    """
    return np.stack(
        [
            mask_of(image, y, x, noise_sigma, modes)
            for image, (y, x) in zip(images, positions, strict=True)
        ]
    )


def mask_of(
    image: np.ndarray, y: float, x: float, noise_sigma: float, modes: Sequence[Detection]
) -> np.ndarray:
    """Pixels of the galaxy at a position, by the rule of the masks of a training.

    That is the rule of `deblend.photometry.sep.measure_isolated`, whose image has noise.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        The galaxy alone, without noise.
    y, x : float
        Position, px.
    noise_sigma : float
        Noise of the images in which the masks of the training are measured.
    modes : sequence of Detection
        Pixels of a galaxy are those above the threshold that are connected with the galaxy, in the
        first mode that finds it: the cold one, else the hot one.

    Returns
    -------
    ndarray of uint8, shape (y, x)
        1 on the galaxy; all 0 if no mode finds it.
    """
    y0, x0 = (min(max(round(v), 0), n - 1) for v, n in zip((y, x), image.shape, strict=True))
    for mode in modes:
        whole = mode.model_copy(update={"contrast": 1.0})
        try:
            _, segmap = detect(np.ascontiguousarray(image, np.float32), whole, noise_sigma)
        except SepError:
            break
        if segmap[y0, x0]:
            return (segmap == segmap[y0, x0]).astype(np.uint8)
    return np.zeros(image.shape, np.uint8)


def write_truth(path: str | Path, truth: Truth) -> None:
    """Write the truth as HDF5, completely or not at all."""
    with new_truth(path, truth.images.shape) as file:
        file.add(truth.images, truth.masks)
        file.finish(truth.galaxies)


class NewTruth:
    """A file of the truth that is being written, galaxy by galaxy."""

    def __init__(self, file: h5py.File, shape: tuple[int, ...]) -> None:
        options: dict[str, Any] = {"shape": shape, "chunks": (1, *shape[1:])}
        self._file, self._n = file, 0
        self._images = write_array(file, "images", dtype=np.float32, **options)
        self._masks = write_array(file, "masks", dtype=np.uint8, **options, **COMPRESSION)
        # Together; nothing of both is written until now.
        need_disk(file.filename, self._images.nbytes + self._masks.nbytes)

    def add(self, images: np.ndarray, masks: np.ndarray) -> None:
        """Write the pixels of the next galaxies, in the order of the table."""
        rows = slice(self._n, self._n + len(images))
        self._images[rows], self._masks[rows] = images, masks
        self._n = rows.stop

    def finish(self, galaxies: pd.DataFrame) -> None:
        """Write the table.

        Raises
        ------
        ValueError
            The pixels of some galaxies are missing.
        """
        if not self._n == len(galaxies) == len(self._images):
            raise ValueError(
                f"{self._n} galaxies have pixels, and {len(galaxies)} are in the table"
            )
        for column in COLUMNS:
            write_array(self._file, f"galaxies/{column}", galaxies[column].to_numpy())


@contextlib.contextmanager
def new_truth(path: str | Path, shape: tuple[int, ...]) -> Iterator[NewTruth]:
    """Yield a file of the truth to write to, which is there completely or not at all.

    Parameters
    ----------
    path : path
    shape : (int, int, int)
        Number of galaxies, and sides of their images.
    """
    with new_file(path) as file:
        yield NewTruth(file, shape)


@dataclass(frozen=True)
class TruthFile:
    """A file of the truth, of which only the scenes that are asked for are read."""

    path: str | Path

    @cached_property
    def _scenes(self) -> np.ndarray:
        """The scene of each galaxy, in increasing order."""
        with open_file(self.path, FILE) as file:
            return file["galaxies/scene"][:]

    def of_scenes(self, start: int, stop: int) -> Truth:
        """See `Truth.of_scenes`."""
        found = read_truth(self.path, rows=slice(*np.searchsorted(self._scenes, (start, stop))))
        return replace(found, galaxies=found.galaxies.assign(scene=lambda t: t["scene"] - start))


def read_truth(path: str | Path, *, pixels: bool = True, rows: slice = slice(None)) -> Truth:
    """Read what `write_truth` has written.

    Parameters
    ----------
    path : path
    pixels : bool
        Whether to read images and masks; without them they are empty.
    rows : slice
        Galaxies that are read, by default all.
    """
    with open_file(path, FILE) as file:
        # Only these rows are read: views of a whole column would keep it in memory.
        table = pd.DataFrame(
            {
                c: file["galaxies/id"].asstr()[rows] if c == "id" else file[f"galaxies/{c}"][rows]
                for c in COLUMNS
            }
        )
        images = file["images"][rows] if pixels else np.zeros((0, 0, 0), np.float32)
        masks = file["masks"][rows] if pixels else np.zeros((0, 0, 0), np.uint8)
    return Truth(table, images, masks)
