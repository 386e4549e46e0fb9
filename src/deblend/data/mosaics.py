"""Parent stamps cut from mosaics at a catalogue's positions (Boucaud et al. 2020, Sect. 2.1)."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from deblend.data.config import FieldConfig
from deblend.data.ingest import QUANTITIES, read_catalog, read_psf
from deblend.data.stamps import Stamps, band_table
from deblend.data.table_files import read_columns
from deblend.errors import DeblendError

log = logging.getLogger(__name__)


PROBABILITIES = ("p_sph", "p_disk", "p_irr")


#: Largest relative difference between the mosaic's pixel scale and the configured one.
SCALE_TOLERANCE = 0.01


def cut_field(config: FieldConfig) -> Stamps:
    """Cut a stamp around each galaxy of a catalogue.

    Parameters
    ----------
    config : FieldConfig
        Here `mosaic`, `catalog`, `morphology` and `psf` are paths.

    Returns
    -------
    Stamps
        All galaxies of the catalogue whose position is on the mosaic; a catalogue may cover other
        fields too. The pixel that contains the position is (size // 2, size // 2). A stamp that
        extends beyond the mosaic or has pixels without data (NaN, or exactly 0 after drizzling) is
        NaN in all pixels, which cleaning counts as "outside". Ids begin with the name of the field.

    Raises
    ------
    DeblendError
        A file cannot be read, a column or the celestial coordinates are missing, the mosaic has
        another pixel scale, or no galaxy is on it; or see `deblend.data.ingest.read_psf`.
    """
    lacking = [c for c in ("ra", "dec") if c not in config.columns]
    if lacking:
        raise DeblendError(
            f"field {config.name}: columns does not say which column of {config.catalog} is "
            f"{', '.join(lacking)}"
        )
    galaxies = read_catalog(
        config.catalog, config.columns, config.pixel_scale_arcsec, config.radius_unit
    )
    rows, images = _cut_stamps(galaxies[["ra", "dec"]].to_numpy(float), config)
    log.info(
        "%s: %d of the %d galaxies in %s are on the mosaic, %d of them too near its edge or a hole",
        config.name,
        len(rows),
        len(galaxies),
        config.catalog,
        int(np.isnan(images[:, 0, 0]).sum()),
    )
    galaxies = galaxies.iloc[rows].reset_index(drop=True)
    if config.morphology:
        galaxies = _add_morphology(galaxies, config)
    galaxies["id"] = config.name + "-" + galaxies["id"]
    galaxies["origin"] = Path(config.catalog).name
    size = config.stamp_size
    bands = band_table(
        config.band, config.pixel_scale_arcsec, config.zero_point, config.noise_sigma
    )
    segmaps = np.zeros((len(images), size, size), np.int16)
    return Stamps(images[:, None], segmaps, galaxies, bands, read_psf(config.psf))


def _cut_stamps(positions: np.ndarray, config: FieldConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows of those positions (n, 2; degrees) that are on the mosaic, and their stamps."""
    size = config.stamp_size
    try:
        with fits.open(config.mosaic) as file:
            hdu = file[config.extension]
            wcs = WCS(hdu.header, naxis=2)
            subject = f"field {config.name}"
            check_wcs(wcs, subject, config.mosaic, config.extension, config.pixel_scale_arcsec)
            ny, nx = hdu.shape
            x, y = np.round(wcs.world_to_pixel_values(*positions.T))
            rows = np.flatnonzero((x >= 0) & (x < nx) & (y >= 0) & (y < ny))
            if not len(rows):
                raise DeblendError(
                    f"field {config.name}: none of the {len(positions)} positions in "
                    f"{config.catalog} is on {config.mosaic}: check its columns of ra and dec "
                    "(degrees)"
                )
            stamps = np.full((len(rows), size, size), np.nan, np.float32)
            for i, row in enumerate(rows):
                x0, y0 = int(x[row]) - size // 2, int(y[row]) - size // 2
                if x0 < 0 or y0 < 0 or x0 + size > nx or y0 + size > ny:
                    continue
                # `section` reads only the rows of the stamp: mosaics have gigabytes.
                stamp = np.asarray(hdu.section[y0 : y0 + size, x0 : x0 + size], np.float32)
                if np.isfinite(stamp).all() and (stamp != 0).all():
                    stamps[i] = stamp
    except (OSError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise DeblendError(
            f"field {config.name}: cannot read extension {config.extension} of the mosaic "
            f"{config.mosaic} ({error})"
        ) from error
    return rows, stamps


def check_wcs(
    wcs: WCS, subject: str, mosaic: str | Path, extension: int | str, pixel_scale_arcsec: float
) -> None:
    """Check that a mosaic has celestial coordinates and the configured pixel scale.

    Parameters
    ----------
    wcs : WCS
    subject : str
        The field or band, for the message.
    mosaic : path
    extension : int or str
    pixel_scale_arcsec : float

    Raises
    ------
    DeblendError
        The mosaic lacks celestial coordinates or has another pixel scale.
    """
    if not wcs.has_celestial:
        raise DeblendError(
            f"{subject}: extension {extension} of {mosaic} has no celestial coordinates"
        )
    scales = proj_plane_pixel_scales(wcs) * 3600
    if np.abs(scales / pixel_scale_arcsec - 1).max() > SCALE_TOLERANCE:
        raise DeblendError(
            f"{subject}: the pixels of {mosaic} are {scales[0]:.4g} x {scales[1]:.4g} arcsec, "
            f"pixel_scale_arcsec is {pixel_scale_arcsec}"
        )


def _add_morphology(galaxies: pd.DataFrame, config: FieldConfig) -> pd.DataFrame:
    """Add class probabilities of the nearest entry of another catalogue, each used at most once."""
    table = _read_morphology(config)
    galaxies = galaxies.assign(morphology="", **dict.fromkeys(PROBABILITIES, np.nan))
    with_position = np.flatnonzero(galaxies[["ra", "dec"]].notna().all(axis=1))
    table = table[table[["ra", "dec"]].notna().all(axis=1)]
    if len(with_position) and len(table):
        nearest, separation, _ = _sky_coordinates(
            galaxies.iloc[with_position]
        ).match_to_catalog_sky(_sky_coordinates(table))
        distance = separation.arcsec
        pairs = pd.DataFrame({"galaxy": with_position, "entry": nearest, "distance": distance})
        pairs = pairs[pairs["distance"] <= config.match_radius_arcsec]
        pairs = pairs.sort_values(["distance", "galaxy"]).drop_duplicates("entry")
        columns = [galaxies.columns.get_loc(c) for c in PROBABILITIES]
        galaxies.iloc[pairs["galaxy"], columns] = table.iloc[pairs["entry"]][
            list(PROBABILITIES)
        ].to_numpy()
        log.info(
            "%s: %d of %d galaxies are within %g arcsec of an entry of %s",
            config.name,
            len(pairs),
            len(galaxies),
            config.match_radius_arcsec,
            config.morphology,
        )
    return galaxies


def _read_morphology(config: FieldConfig) -> pd.DataFrame:
    needed = ("ra", "dec", *PROBABILITIES)
    lacking = [c for c in needed if c not in config.morphology_columns]
    if lacking:
        raise DeblendError(
            f"field {config.name}: morphology_columns does not say which column of "
            f"{config.morphology} is {', '.join(lacking)}"
        )
    columns = {name: config.morphology_columns[name] for name in needed}
    return read_columns(str(config.morphology), columns, QUANTITIES)


def _sky_coordinates(table: pd.DataFrame) -> SkyCoord:
    """Coordinates of the columns `ra` and `dec`, degrees."""
    return SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit=u.deg)
