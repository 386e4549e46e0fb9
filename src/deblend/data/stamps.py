"""The data model: stamps of galaxies, with a table of the galaxies and one of the bands.

All papers use the same HDF5 layout::

    images              (galaxy, band, y, x) float32, in counts/s at each band's zero point
    segmaps             (galaxy, y, x) int16; 1 on the galaxy itself
    galaxies/<column>   (galaxy,), see `GALAXY_COLUMNS`; attribute `unit`
    bands/<column>      (band,): name, pixel_scale_arcsec, zero_point, noise_sigma
    bands/psf           (band, y, x) float32, or absent
    bands/noise_correlation  (band, dy, dx), or absent: the noise is white or unknown

Images are stored in chunks of one stamp, so that a single galaxy can be read without the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from deblend.data.image_noise import WARN_FACTOR
from deblend.data.rows import KEPT_BYTES, JoinedRows, Pixels, Rows, row_batches
from deblend.errors import DeblendError
from deblend.hdf5 import (
    COMPRESSION,
    new_file,
    open_file,
    read_attributes,
    write_array,
    write_attributes,
)
from deblend.space import need_disk, need_memory

#: Columns that every data set has, with their units. Unknown values are NaN or "".
GALAXY_COLUMNS: dict[str, str] = {
    "id": "",
    "ra": "deg",
    "dec": "deg",
    "mag": "mag",
    "half_light_radius_px": "pix",
    "sersic_n": "",
    "axis_ratio": "",
    "redshift": "",
    "morphology": "",
    "p_sph": "",
    "p_disk": "",
    "p_irr": "",
    "origin": "",
}


TEXT_COLUMNS = ("id", "morphology", "origin", "split")


#: Columns that cleaning adds: photometry of the isolated galaxy.
ISOLATED_COLUMNS: dict[str, str] = {"flux_iso": "", "flux_auto": "", "segmap_area_px": "pix2"}


BAND_COLUMNS = ("name", "pixel_scale_arcsec", "zero_point", "noise_sigma")


FORMAT_VERSION = 1


#: What a file of stamps is, for messages.
FILE = "a complete stamps file"


#: Stamps that are in memory at a time where a file of many is written or measured.
BATCH = 256


#: Attribute of stamps that were cut at the positions of a catalogue: those of galaxies without a
#: position are NaN.
CUT_AT_POSITIONS = "cut_at_positions"


@dataclass
class Stamps:
    """Stamps of a data set, whose pixels are in memory, or on disk (`deblend.data.rows`).

    Attributes
    ----------
    images : ndarray, Rows or JoinedRows, shape (n, band, y, x), float32
        In counts/s at the band's zero point.
    segmaps : ndarray, Rows or JoinedRows, shape (n, y, x), int16
        Parent stamps: 0 background or unknown, 1.. objects. Cleaned stamps: 1 on the galaxy.
    galaxies : DataFrame, n rows
        At least `GALAXY_COLUMNS`.
    bands : DataFrame
        `BAND_COLUMNS`, one row per band.
    psf : ndarray, shape (band, y, x), float32, optional
    attributes : dict
        Plain values that are stored as attributes of the file.
    noise_correlation : ndarray, shape (band, 2 L + 1, 2 L + 1), optional
        Correlation of the background noise of two pixels by their distance, see
        `deblend.data.noise.read_correlation`; without it noise that is added is white.
    """

    images: Pixels
    segmaps: Pixels
    galaxies: pd.DataFrame
    bands: pd.DataFrame
    psf: np.ndarray | None = None
    attributes: dict[str, str | int | float] = field(default_factory=dict)
    noise_correlation: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.galaxies)
        if self.images.ndim != 4 or len(self.images) != n:
            raise DeblendError(
                f"images have shape {self.images.shape} for {n} galaxies and {len(self.bands)} "
                "bands: give an array of (galaxy, band, y, x)"
            )
        if self.images.shape[1] != len(self.bands):
            raise DeblendError(
                f"images have {self.images.shape[1]} bands, the band table {len(self.bands)} rows"
            )
        expected = (n, *self.images.shape[2:])
        if self.segmaps.shape != expected:
            raise DeblendError(
                f"segmaps have shape {self.segmaps.shape} but the images require {expected}"
            )
        for table, name, columns in (
            (self.galaxies, "galaxy", GALAXY_COLUMNS),
            (self.bands, "band", BAND_COLUMNS),
        ):
            missing = [c for c in columns if c not in table]
            if missing:
                raise DeblendError(f"the {name} table lacks the columns {', '.join(missing)}")

    def __len__(self) -> int:
        return len(self.galaxies)

    def noise(self) -> tuple[float, np.ndarray | None]:
        """Standard deviation and correlation of the noise of the first band.

        See `deblend.data.noise.noise_images`.
        """
        sigma = float(self.bands["noise_sigma"][0])
        return sigma, None if self.noise_correlation is None else self.noise_correlation[0]

    def take(self, rows: np.ndarray | slice) -> "Stamps":
        """The data set with only some of its galaxies; what is on disk stays there."""
        numbers = np.arange(len(self))[rows]
        return Stamps(
            _taken(self.images, numbers),
            _taken(self.segmaps, numbers),
            self.galaxies.iloc[rows].reset_index(drop=True),
            self.bands,
            self.psf,
            dict(self.attributes),
            self.noise_correlation,
        )


def _taken(pixels: Pixels, rows: np.ndarray) -> Pixels:
    """Some rows, which stay where they are: in memory or on disk."""
    if not isinstance(pixels, np.ndarray):
        return JoinedRows([pixels], rows)
    if pixels.size and not any(pixels.strides):
        # One number everywhere, as of maps that were not read: it needs no memory.
        return np.broadcast_to(pixels[:1], (len(rows), *pixels.shape[1:]))
    return pixels[rows]


def band_table(
    name: str, pixel_scale_arcsec: float, zero_point: float, noise_sigma: float
) -> pd.DataFrame:
    """Table of a single band (`BAND_COLUMNS`)."""
    return pd.DataFrame(
        {
            "name": [name],
            "pixel_scale_arcsec": [float(pixel_scale_arcsec)],
            "zero_point": [float(zero_point)],
            "noise_sigma": [float(noise_sigma)],
        }
    )


def galaxy_keys(galaxies: pd.DataFrame) -> np.ndarray:
    """Names of galaxies that are unique across data sets: origin and id.

    Two data sets from the same catalogue share keys; equal ids in unrelated catalogues differ.
    """
    return (galaxies["origin"].astype(str) + "/" + galaxies["id"].astype(str)).to_numpy(str)


def concatenate(parts: Sequence[Stamps]) -> Stamps:
    """Join data sets of the same bands and stamp size, in the order given.

    Their pixels are not copied: the joined ones are `JoinedRows`.

    Raises
    ------
    DeblendError
        See `joined_bands`.
    """
    first = parts[0]
    numbers = np.arange(sum(map(len, parts)))
    return Stamps(
        JoinedRows([p.images for p in parts], numbers),
        JoinedRows([p.segmaps for p in parts], numbers),
        pd.concat([p.galaxies for p in parts], ignore_index=True),
        joined_bands([p.bands for p in parts], [p.galaxies["id"] for p in parts]),
        first.psf,
        dict(first.attributes),
        first.noise_correlation,
    )


def joined_bands(tables: Sequence[pd.DataFrame], ids: Sequence[pd.Series]) -> pd.DataFrame:
    """Table of the bands of data sets that are joined.

    Parameters
    ----------
    tables : sequence of DataFrame
        `BAND_COLUMNS` of each.
    ids : sequence of Series
        Those of its galaxies. Data sets without galaxies, or whose noise is NaN, do not count.

    Returns
    -------
    DataFrame
        The noise is the median over all galaxies.

    Raises
    ------
    DeblendError
        The bands are not the same, or the noise of one differs by more than `WARN_FACTOR`.
    """
    first = tables[0]
    for table in tables[1:]:
        own, other = (t.drop(columns="noise_sigma").to_numpy().tolist() for t in (first, table))
        if own != other:
            raise DeblendError(
                f"data sets with the bands {own} and {other} (name, arcsec, zero point) cannot be "
                "joined: give them the same ones, or make a data set of each"
            )
    noises = []
    for b, name in enumerate(first["name"]):
        known = [
            (float(table["noise_sigma"].iloc[b]), len(names), names.iloc[0])
            for table, names in zip(tables, ids, strict=True)
            if len(names) and np.isfinite(table["noise_sigma"].iloc[b])
        ]
        if not known:
            return first
        low, high = min(known), max(known)
        if high[0] > WARN_FACTOR * low[0]:
            raise DeblendError(
                f"band {name}: noise_sigma is {low[0]:.3g} in the data with galaxy {low[2]} and "
                f"{high[0]:.3g} in those with {high[2]}, and all are to have the same: make a data "
                "set of each, or give noise_sigma if one is measured wrongly"
            )
        sigmas, counts, _ = zip(*known, strict=True)
        noises.append(float(np.median(np.repeat(sigmas, counts))))
    return first.assign(noise_sigma=noises)


def write_stamps(path: str | Path, stamps: Stamps) -> None:
    """Write a data set. The file is there only once it is complete.

    Parameters
    ----------
    path : path
    stamps : Stamps
    """
    n, n_bands, ny, nx = stamps.images.shape
    with new_file(path) as file:
        chunk = (1, n_bands, ny, nx)
        images = write_array(file, "images", shape=(n, *chunk[1:]), dtype=np.float32, chunks=chunk)
        options = {"chunks": (1, ny, nx), **COMPRESSION}
        segmaps = write_array(file, "segmaps", shape=(n, ny, nx), dtype=np.int16, **options)
        # Together; nothing of both is written until now.
        need_disk(file.filename, images.nbytes + segmaps.nbytes)
        for rows in row_batches(n, BATCH):
            images[rows], segmaps[rows] = stamps.images[rows], stamps.segmaps[rows]
        _write_tables(file, stamps, stamps.galaxies)


def write_parts(path: str | Path, parts: Iterable[Stamps]) -> None:
    """Write a data set that comes in parts, of which only one is in memory at a time.

    Parameters
    ----------
    path : path
        See `write_stamps`.
    parts : iterable of Stamps
        At least one. All have the PSFs and attributes of the first; a column that a part lacks is
        NaN there.

    Raises
    ------
    DeblendError
        See `joined_bands`.
    """
    tables: list[pd.DataFrame] = []
    bands: list[pd.DataFrame] = []
    with new_file(path) as file:
        for part in parts:
            if not tables:
                first = part.take(np.arange(0))
                for name, like, options in (
                    ("images", first.images, {"dtype": np.float32}),
                    ("segmaps", first.segmaps, {"dtype": np.int16, **COMPRESSION}),
                ):
                    shape = like.shape[1:]
                    options |= {"chunks": (1, *shape), "maxshape": (None, *shape)}
                    write_array(file, name, shape=like.shape, **options)
            start = sum(map(len, tables))
            images, segmaps = file["images"], file["segmaps"]
            # A flush would change the file. How small masks become is not known.
            n_values = (start + len(part)) * int(np.prod(part.images.shape[1:]))
            left = images.dtype.itemsize * n_values - Path(file.filename).stat().st_size
            need_disk(
                path, max(left, 0) + segmaps.dtype.itemsize * int(np.prod(part.segmaps.shape))
            )
            for array in (images, segmaps):
                array.resize(start + len(part), axis=0)
            # Stamp by stamp, so that the file does not depend on the sizes of the parts.
            for row, (image, segmap) in enumerate(zip(part.images, part.segmaps, strict=True)):
                images[start + row], segmaps[start + row] = image, segmap
            tables.append(part.galaxies)
            bands.append(part.bands)
        first.bands = joined_bands(bands, [table["id"] for table in tables])
        _write_tables(file, first, pd.concat(tables, ignore_index=True))


def _write_tables(file: h5py.File, stamps: Stamps, galaxies: pd.DataFrame) -> None:
    """Write all but the images and segmentation maps."""
    units = {**GALAXY_COLUMNS, **ISOLATED_COLUMNS}
    write_attributes(file, {"format_version": FORMAT_VERSION, **stamps.attributes})
    for column in galaxies:
        values = galaxies[column].to_numpy()
        values = values.astype(object if column in TEXT_COLUMNS else float)
        data = write_array(file, f"galaxies/{column}", values)
        write_attributes(data, {"unit": units.get(str(column), "")})
    for column in BAND_COLUMNS:
        values = stamps.bands[column].to_numpy()
        write_array(file, f"bands/{column}", values.astype(object if column == "name" else float))
    if stamps.psf is not None:
        write_array(file, "bands/psf", stamps.psf.astype(np.float32))
    if stamps.noise_correlation is not None:
        write_array(file, "bands/noise_correlation", stamps.noise_correlation.astype(float))


def read_stamps(
    path: str | Path, rows: np.ndarray | None = None, *, segmaps: bool = True
) -> Stamps:
    """Read a data set, or some of its galaxies.

    Parameters
    ----------
    path : path
    rows : ndarray of int, optional
        Rows of the galaxies to read, in increasing order; default: all.
    segmaps : bool
        Whether to read the segmentation maps; without them they are 0, and need no memory.

    Raises
    ------
    DeblendError
        The file is missing or truncated, has another layout, or does not fit into memory.
    """
    with open_file(path, FILE) as file:
        share = 1.0 if rows is None else len(rows) / max(len(file["images"]), 1)
        read = ("images", "segmaps") if segmaps else ("images",)
        need_memory(str(path), int(share * sum(file[name].nbytes for name in read)))
        selected: slice | np.ndarray = slice(None) if rows is None else np.asarray(rows)
        galaxies = _read_galaxies(file).iloc[selected].reset_index(drop=True)
        images = file["images"][selected]
        shape = (len(images), *images.shape[2:])
        maps = file["segmaps"][selected] if segmaps else np.broadcast_to(np.int16(0), shape)
        return Stamps(images, maps, galaxies, **_read_bands(file))


def open_stamps(path: str | Path, *, segmaps: bool = True, kept_bytes: int = KEPT_BYTES) -> Stamps:
    """A data set whose images and maps stay on disk, and are read when they are asked for.

    Parameters
    ----------
    path : path
    segmaps : bool
        See `read_stamps`.
    kept_bytes : int
        Memory for the images, and as much for the maps, that were used last: see
        `deblend.data.rows.Rows`.

    Raises
    ------
    DeblendError
        See `read_stamps`.
    """
    images = Rows(path, "images", FILE, kept_bytes=kept_bytes)
    maps: Pixels = np.broadcast_to(np.int16(0), (len(images), *images.shape[2:]))
    if segmaps:
        maps = Rows(path, "segmaps", FILE, kept_bytes=kept_bytes)
    with open_file(path, FILE) as file:
        return Stamps(images, maps, _read_galaxies(file), **_read_bands(file))


def read_galaxies(path: str | Path) -> pd.DataFrame:
    """Read only the galaxy table of a data set."""
    with open_file(path, FILE) as file:
        return _read_galaxies(file)


def _read_bands(file: h5py.File) -> dict[str, Any]:
    """All of a data set but what belongs to its galaxies."""
    group = file["bands"]
    return {
        "bands": pd.DataFrame(
            {c: group["name"].asstr()[:] if c == "name" else group[c][:] for c in BAND_COLUMNS}
        ),
        "psf": group["psf"][:] if "psf" in group else None,
        "attributes": {k: v for k, v in read_attributes(file).items() if k != "format_version"},
        "noise_correlation": group["noise_correlation"][:]
        if "noise_correlation" in group
        else None,
    }


def _read_galaxies(file: h5py.File) -> pd.DataFrame:
    group = file["galaxies"]
    # HDF5 sorts names: restore the order of the columns.
    order = [*GALAXY_COLUMNS, *ISOLATED_COLUMNS]
    names = [c for c in order if c in group] + [c for c in group if c not in order]
    return pd.DataFrame(
        {c: group[c].asstr()[:] if c in TEXT_COLUMNS else group[c][:] for c in names}
    )
