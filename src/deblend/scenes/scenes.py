"""Scenes: images of blends with what is known about them, which all methods take.

A method is a function `measure(scenes, positions=None, seed=0)` that returns a table in long form,
`MEASURED`: a row for each source, or for each source and band. Methods of networks take the network
as a further argument. Positions that are not given are those of the scenes, or are detected.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.rows import Rows
from deblend.errors import DeblendError
from deblend.hdf5 import new_file, open_file, read_attributes, write_array, write_attributes
from deblend.photometry.config import Detection
from deblend.space import need_memory

#: Columns of the table of a method. `scene` and `source` are numbers from 0; `role` is central or
#: companion, or empty; flux and its error are in counts/s at the zero point of the band, NaN
#: without one; `p_blend` and `mask_area_px` are NaN for methods that have none; `n_peaks` is -1.
MEASURED = (
    *("scene", "source", "x_px", "y_px", "band", "method", "role"),
    *("flux", "flux_error", "p_blend", "mask_area_px", "n_peaks", "flags"),
)

#: Columns of the truth of scenes with known galaxies; fluxes in counts/s of the first band.
TRUTH = ("scene", "source", "x_px", "y_px", "mag", "half_light_radius_px", "other_sources")

#: Columns of the table of peaks in images of super-resolution networks.
PEAK_COLUMNS = ("scene", "x_px", "y_px", "significance", "method")

#: Attributes of scenes that are texts, and those that are arrays or None.
TEXTS = ("bands", "names", "wcs", "noise_notes")
OPTIONAL = ("psf", "noise_correlation", "sky", "sky_measured")

#: SEP's settings where a `Scenes` is made without any.
DETECTION = Detection(threshold=2.5, min_area=6, contrast=0.0001, n_thresholds=64)


@dataclass(frozen=True)
class Scenes:
    """Images of blends.

    Attributes
    ----------
    images : ndarray, shape (n, band, y, x), float32
        Counts/s, sky subtracted. NaN where there are no data; smaller images are at the lower left.
    bands : tuple of str
    pixel_scale_arcsec : float
    zero_points : ndarray, shape (band,)
        AB magnitude of one count per second.
    noise_sigma : ndarray, shape (n, band)
        Standard deviation of a pixel, counts/s.
    psf : ndarray, shape (band, k, k), or None
        With the sum 1; those of smaller images have a border of zeros. NaN in bands whose PSF is
        unknown; None if that of no band is known.
    positions : tuple of ndarray, shape (k, 2), or None
        y and x of the galaxies of each scene, px from the centre of the corner pixel. None: they
        are detected.
    names : tuple of str
    detection_band : int
    detection : Detection
        SEP's settings.
    noise_correlation : ndarray, shape (band, 2 L + 1, 2 L + 1), or None
        See `deblend.data.noise.noise_images`.
    wcs : tuple of str
        FITS headers of celestial coordinates; empty without any.
    truth : DataFrame or None
        `TRUTH`, of scenes with known galaxies. Their positions are in the same order.
    stretched : bool
        Pixels are not proportional to the light, as those of JPEG files.
    sky : ndarray, shape (n, band), or None
        Level that was subtracted, counts/s; None: not known.
    sky_measured : ndarray of bool, shape (n, band), or None
        False where there are too few pixels without sources to measure it, so that nothing was
        subtracted; None: the sky is that given.
    noise_notes : tuple of str
        What is known about the correlation of the noise of each band; empty: nothing.
    """

    images: np.ndarray
    bands: tuple[str, ...]
    pixel_scale_arcsec: float
    zero_points: np.ndarray
    noise_sigma: np.ndarray
    psf: np.ndarray | None = None
    positions: tuple[np.ndarray, ...] | None = None
    names: tuple[str, ...] = ()
    detection_band: int = 0
    detection: Detection = DETECTION
    noise_correlation: np.ndarray | None = None
    wcs: tuple[str, ...] = ()
    truth: pd.DataFrame | None = field(default=None, compare=False)
    stretched: bool = False
    sky: np.ndarray | None = None
    sky_measured: np.ndarray | None = None
    noise_notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_bands = len(self.bands)
        if self.images.ndim != 4 or self.images.shape[1] != n_bands:
            raise DeblendError(
                f"images of scenes have the shape {self.images.shape}: it must be (scene, band, y, "
                f"x) with {n_bands} bands"
            )
        n = len(self.images)
        shapes = {
            "zero_points": (np.shape(self.zero_points), (n_bands,)),
            "noise_sigma": (np.shape(self.noise_sigma), (n, n_bands)),
        }
        if self.sky is not None:
            shapes["sky"] = (np.shape(self.sky), (n, n_bands))
        if self.sky_measured is not None:
            shapes["sky_measured"] = (np.shape(self.sky_measured), (n, n_bands))
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise DeblendError(f"{name} of scenes has the shape {found}, not {expected}")
        for what in ("names", "wcs"):
            given = {"names": self.names, "wcs": self.wcs}[what]
            if len(given) not in (0, n):
                raise DeblendError(f"{what} of scenes has {len(given)} items for {n} scenes")
        if self.positions is not None and len(self.positions) != n:
            raise DeblendError(f"there are positions of {len(self.positions)} of {n} scenes")
        if not self.names:
            object.__setattr__(self, "names", tuple(str(i) for i in range(n)))

    def __len__(self) -> int:
        return len(self.images)

    def band(self, name: str) -> int:
        """Number of a band.

        Raises
        ------
        DeblendError
            There is no such band.
        """
        if name not in self.bands:
            raise DeblendError(
                f"the scenes have the bands {', '.join(self.bands)} and not {name}, that of the "
                "network's training: give the nearest band this name, or leave the network out"
            )
        return self.bands.index(name)

    def psf_of(self, band: int) -> np.ndarray | None:
        """PSF of a band, shape (k, k); None if it is unknown."""
        if self.psf is None or np.isnan(self.psf[band]).any():
            return None
        return self.psf[band]

    def part(self, rows: Sequence[int], **changes: Any) -> "Scenes":
        """Some of the scenes, in any order, with some changes, which include images and names."""
        chosen = np.asarray(rows, int)
        of_rows: dict[str, Any] = {
            name: None if array is None else array[chosen]
            for name, array in (("sky", self.sky), ("sky_measured", self.sky_measured))
        }
        return replace(self, noise_sigma=self.noise_sigma[chosen], **of_rows, **changes)

    def lacks_sky(self, scene: np.ndarray, band: int) -> np.ndarray:
        """Whether the sky of scenes could not be measured in a band, for each of `scene`."""
        if self.sky_measured is None:
            return np.zeros(len(scene), bool)
        return ~self.sky_measured[scene, band]

    def with_positions(self, positions: Sequence[np.ndarray]) -> "Scenes":
        """The same scenes with other positions."""
        return replace(self, positions=tuple(np.asarray(p, float) for p in positions))


def measured_table(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """A table in long form from the columns that a method has, the others with no value."""
    empty = {"flux": np.nan, "flux_error": np.nan, "p_blend": np.nan, "mask_area_px": np.nan}
    table = rows.assign(method=method)
    for name, value in {**empty, "role": "", "n_peaks": -1, "flags": 0}.items():
        if name not in table:
            table[name] = value
    table["flags"] = table["flags"].astype(int)
    return table[list(MEASURED)].reset_index(drop=True)


def position_lists(table: pd.DataFrame, n: int) -> tuple[np.ndarray, ...]:
    """Y and x of the rows of each scene, from a table with `scene`, `x_px` and `y_px`."""
    scene = table["scene"].to_numpy()
    yx = table[["y_px", "x_px"]].to_numpy(float)
    return tuple(yx[scene == i] for i in range(n))


def write_scenes(
    path: str | Path, scenes: Scenes, batches: Iterable[np.ndarray] | None = None
) -> None:
    """Write scenes as HDF5, completely or not at all.

    Parameters
    ----------
    path : path
    scenes : Scenes
    batches : iterable of ndarray, shape (k, band, y, x), optional
        Images of all scenes in order, if they are not in memory at once: of those of `scenes` only
        the shape counts then.
    """
    texts_of: dict[str, tuple[str, ...]] = {
        **{"bands": scenes.bands, "names": scenes.names, "wcs": scenes.wcs},
        "noise_notes": scenes.noise_notes,
    }
    optional = {
        **{"psf": scenes.psf, "noise_correlation": scenes.noise_correlation},
        **{"sky": scenes.sky, "sky_measured": scenes.sky_measured},
    }
    with new_file(path) as file:
        attributes = {
            "pixel_scale_arcsec": scenes.pixel_scale_arcsec,
            "detection_band": scenes.detection_band,
            "detection": scenes.detection.model_dump_json(),
            "stretched": scenes.stretched,
        }
        write_attributes(file, attributes)
        chunk, start = (1, *scenes.images.shape[1:]), 0
        images = write_array(
            file, "images", shape=scenes.images.shape, dtype=np.float32, chunks=chunk
        )
        for batch in [scenes.images] if batches is None else batches:
            images[start : start + len(batch)] = batch
            start += len(batch)
        if start != len(scenes):
            raise ValueError(f"batches have {start} images of {len(scenes)} scenes")
        write_array(file, "zero_points", scenes.zero_points)
        write_array(file, "noise_sigma", scenes.noise_sigma)
        for name in TEXTS:
            write_array(file, name, np.array(texts_of[name], object))
        for name, array in optional.items():
            if array is not None:
                write_array(file, name, array)
        if scenes.positions is not None:
            counts = [len(p) for p in scenes.positions]
            write_array(file, "positions/scene", np.repeat(np.arange(len(scenes)), counts))
            yx = np.concatenate([np.zeros((0, 2)), *scenes.positions])
            write_array(file, "positions/yx", yx)
        if scenes.truth is not None:
            for column in TRUTH:
                write_array(file, f"truth/{column}", scenes.truth[column].to_numpy())


def read_scenes(path: str | Path, *, on_disk: bool = False) -> Scenes:
    """Read scenes that `write_scenes` has written.

    Parameters
    ----------
    path : path
    on_disk : bool
        Leave the images on disk (`deblend.data.rows.Rows`): slices of them are read.

    Raises
    ------
    DeblendError
        The file is missing or broken, or does not fit into memory.
    """
    with open_file(path) as file:
        attributes = read_attributes(file)
        if not on_disk:
            need_memory(f"{path} of scenes", file["images"].nbytes, "fewer scenes")
        images: Any = Rows(path, "images", kept_bytes=0) if on_disk else file["images"][:]
        texts: dict[str, Any] = {k: tuple(file[k].asstr()[:]) for k in TEXTS}
        arrays: dict[str, Any] = {k: file[k][:] if k in file else None for k in OPTIONAL}
        positions, truth = None, None
        if "positions" in file:
            scene, yx = file["positions/scene"][:], file["positions/yx"][:]
            positions = tuple(yx[scene == i] for i in range(len(images)))
        if "truth" in file:
            truth = pd.DataFrame({column: file[f"truth/{column}"][:] for column in TRUTH})
        return Scenes(
            images,
            pixel_scale_arcsec=float(attributes["pixel_scale_arcsec"]),
            zero_points=file["zero_points"][:],
            noise_sigma=file["noise_sigma"][:],
            positions=positions,
            detection_band=int(attributes["detection_band"]),
            detection=Detection.model_validate_json(attributes["detection"]),
            truth=truth,
            stretched=bool(attributes["stretched"]),
            **texts,
            **arrays,
        )


def concatenated(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of several methods as one."""
    parts = [table for table in tables if len(table)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MEASURED))
