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

import h5py
import numpy as np
import pandas as pd
from deblend.data.image_noise import WARN_FACTOR
from deblend.errors import DeblendError
from deblend.hdf5 import (
    COMPRESSION,
    new_file,
    open_file,
    read_attributes,
    write_array,
    write_attributes,
)
from deblend.space import need_memory

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


#: Attribute of stamps that were cut at the positions of a catalogue: those of galaxies without a
#: position are NaN.
CUT_AT_POSITIONS = "cut_at_positions"


@dataclass
class Stamps:
    """Stamps of a data set, in memory.

    Attributes
    ----------
    images : ndarray, shape (n, band, y, x), float32
        In counts/s at the band's zero point.
    segmaps : ndarray, shape (n, y, x), int16
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

    images: np.ndarray
    segmaps: np.ndarray
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
        """The data set with only some of its galaxies."""
        return Stamps(
            self.images[rows],
            self.segmaps[rows],
            self.galaxies.iloc[rows].reset_index(drop=True),
            self.bands,
            self.psf,
            dict(self.attributes),
            self.noise_correlation,
        )


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

    Raises
    ------
    DeblendError
        See `joined_bands`.
    """
    first = parts[0]
    return Stamps(
        np.concatenate([p.images for p in parts]),
        np.concatenate([p.segmaps for p in parts]),
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
        images = stamps.images.astype(np.float32, copy=False)
        write_array(file, "images", images, chunks=(1, n_bands, ny, nx))
        segmaps = stamps.segmaps.astype(np.int16, copy=False)
        write_array(file, "segmaps", segmaps, chunks=(1, ny, nx), **COMPRESSION)
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
            for name, values in (("images", part.images), ("segmaps", part.segmaps)):
                file[name].resize(start + len(part), axis=0)
                file[name][start:] = values
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
    with open_file(path, "a complete stamps file") as file:
        share = 1.0 if rows is None else len(rows) / max(len(file["images"]), 1)
        read = ("images", "segmaps") if segmaps else ("images",)
        need_memory(str(path), int(share * sum(file[name].nbytes for name in read)))
        selected: slice | np.ndarray = slice(None) if rows is None else np.asarray(rows)
        galaxies = _read_galaxies(file)
        bands = pd.DataFrame(
            {
                c: file["bands/name"].asstr()[:] if c == "name" else file[f"bands/{c}"][:]
                for c in BAND_COLUMNS
            }
        )
        images = file["images"][selected]
        shape = (len(images), *images.shape[2:])
        return Stamps(
            images,
            file["segmaps"][selected] if segmaps else np.broadcast_to(np.int16(0), shape),
            galaxies.iloc[selected].reset_index(drop=True),
            bands,
            file["bands/psf"][:] if "psf" in file["bands"] else None,
            {k: v for k, v in read_attributes(file).items() if k != "format_version"},
            file["bands/noise_correlation"][:] if "noise_correlation" in file["bands"] else None,
        )


def read_galaxies(path: str | Path) -> pd.DataFrame:
    """Read only the galaxy table of a data set."""
    with open_file(path, "a complete stamps file") as file:
        return _read_galaxies(file)


def _read_galaxies(file: h5py.File) -> pd.DataFrame:
    group = file["galaxies"]
    # HDF5 sorts names: restore the order of the columns.
    order = [*GALAXY_COLUMNS, *ISOLATED_COLUMNS]
    names = [c for c in order if c in group] + [c for c in group if c not in order]
    return pd.DataFrame(
        {c: group[c].asstr()[:] if c in TEXT_COLUMNS else group[c][:] for c in names}
    )
