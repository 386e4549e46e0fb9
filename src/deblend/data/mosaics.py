"""Parent stamps cut from mosaics at a catalogue's positions (Boucaud et al. 2020, Sect. 2.1)."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord
from deblend.data.config import FieldConfig
from deblend.data.coordinates import celestial_wcs, check_positions, to_pixels
from deblend.data.image_files import open_image
from deblend.data.image_noise import checked_noise
from deblend.data.image_units import counts_factor
from deblend.data.ingest import QUANTITIES, read_catalog
from deblend.data.psfs import read_psf
from deblend.data.stamps import CUT_AT_POSITIONS, Stamps, band_table
from deblend.data.table_files import SENTINELS, Quantity, read_columns
from deblend.errors import DeblendError
from deblend.space import need_memory

log = logging.getLogger(__name__)


#: Columns with limits: a number such as -99 is below them, and stands for no value.
LIMITED = Quantity(sentinels=SENTINELS)


PROBABILITIES = ("p_sph", "p_disk", "p_irr")


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
        extends beyond the mosaic or has pixels without data (see `deblend.data.image_files`) is NaN
        in all pixels, which cleaning counts as "outside". Galaxies without a position come last,
        with stamps that are NaN, and are counted as "no_position". Ids begin with the name of the
        field.

    Raises
    ------
    DeblendError
        A file cannot be read, a column or the celestial coordinates are missing, the mosaic has
        another pixel scale or an unknown unit, no stamp is on it, or galaxies are beside their
        positions (`deblend.data.coordinates.check_positions`); or see `deblend.data.psfs.read_psf`
        and `deblend.data.image_noise.checked_noise`.
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
    galaxies = _within_limits(galaxies, config)
    rows, images = _cut_stamps(galaxies, config)
    unplaced = np.flatnonzero(galaxies[["ra", "dec"]].isna().any(axis=1))
    if len(unplaced):
        empty = np.full((len(unplaced), *images.shape[1:]), np.nan, np.float32)
        rows, images = np.concatenate([rows, unplaced]), np.concatenate([images, empty])
    galaxies = galaxies.iloc[rows].reset_index(drop=True)
    if config.morphology:
        galaxies = _add_morphology(galaxies, config)
    galaxies["id"] = config.name + "-" + galaxies["id"]
    galaxies["origin"] = Path(config.catalog).name
    size = config.stamp_size
    noise = checked_noise(
        images[np.isfinite(images[:, 0, 0])], config.noise_sigma, subject=f"field {config.name}"
    )
    bands = band_table(config.band, config.pixel_scale_arcsec, config.zero_point, noise)
    segmaps = np.zeros((len(images), size, size), np.int16)
    psf = read_psf(config.psf, config.pixel_scale_arcsec)
    return Stamps(images[:, None], segmaps, galaxies, bands, psf, {CUT_AT_POSITIONS: True})


def _within_limits(galaxies: pd.DataFrame, config: FieldConfig) -> pd.DataFrame:
    """Galaxies whose columns of the catalogue have values, and none above `max_values`."""
    if not config.max_values:
        return galaxies
    names = {name: name for name in config.max_values}
    values = read_columns(config.catalog, names, dict.fromkeys(names, LIMITED))
    # A comparison with NaN is false.
    kept = (values <= pd.Series(config.max_values)).all(axis=1).to_numpy()
    limits = ", ".join(f"{name} {limit:g}" for name, limit in config.max_values.items())
    if not kept.any():
        raise DeblendError(
            f"field {config.name}: none of the {len(kept)} galaxies of {config.catalog} is within "
            f"max_values ({limits}): correct them"
        )
    log.info(
        "%s: left out %d of %d galaxies of %s, beyond max_values (%s); %d of them lack a value",
        *(config.name, int((~kept).sum()), len(kept), config.catalog, limits),
        int(values.isna().any(axis=1).sum()),
    )
    return galaxies[kept].reset_index(drop=True)


def _cut_stamps(galaxies: pd.DataFrame, config: FieldConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rows of those galaxies that are on the mosaic, and their stamps (n, size, size)."""
    size, subject = config.stamp_size, f"field {config.name}"
    with open_image(
        config.mosaic,
        config.extension,
        weight=config.weight,
        mask_bits=config.mask_bits,
        what="the mosaic ",
    ) as image:
        if len(image.shape) != 2:
            raise DeblendError(
                f"{subject}: cannot read extension {image.label} of the mosaic {config.mosaic} (it "
                f"has {len(image.shape)} axes): give an image (y, x)"
            )
        wcs = celestial_wcs(
            image,
            subject=subject,
            pixel_scale_arcsec=config.pixel_scale_arcsec,
            apply_sip=config.apply_sip,
        )
        factor = counts_factor(
            image.header,
            config.unit,
            zero_point=config.zero_point,
            pixel_scale_arcsec=config.pixel_scale_arcsec,
            source=f"{subject}: {config.mosaic}",
        )
        ny, nx = image.shape
        xy = to_pixels(wcs, *galaxies[["ra", "dec"]].to_numpy(float).T)
        x, y = np.round(xy.T)
        rows = np.flatnonzero((x >= 0) & (x < nx) & (y >= 0) & (y < ny))
        n_placed = len(galaxies) - int(galaxies[["ra", "dec"]].isna().any(axis=1).sum())
        if not len(rows):
            raise DeblendError(
                f"{subject}: none of the {n_placed} positions in {config.catalog} is on "
                f"{config.mosaic}: check its columns of ra and dec (degrees)"
            )
        need_memory(
            f"{len(rows)} stamps of {config.mosaic}",
            4 * len(rows) * size**2,
            "a smaller stamp_size, or a catalogue of fewer galaxies",
        )
        stamps = np.full((len(rows), size, size), np.nan, np.float32)
        n_edge = n_zeros = n_pixels = 0
        for i, row in enumerate(rows):
            x0, y0 = int(x[row]) - size // 2, int(y[row]) - size // 2
            if x0 < 0 or y0 < 0 or x0 + size > nx or y0 + size > ny:
                n_edge += 1
                continue
            stamp = image.cut(y0, x0, size)
            n_zeros += bool((stamp == 0).any())
            if np.isfinite(stamp).all():
                stamps[i] = stamp * np.float32(factor)
            n_pixels += int(np.isnan(stamp).sum())
    usable = np.isfinite(stamps[:, 0, 0])
    n_missing = len(rows) - n_edge - int(usable.sum())
    counts = (
        f"of {n_placed} positions in {config.catalog}, {len(rows)} are on the mosaic "
        f"{config.mosaic}, {n_edge} of them too near its edge for a stamp of {size} px, and "
        f"{n_missing} have pixels without data in it ({n_pixels} of {n_missing * size**2}: NaN, "
        "marked by weights or a mask, or blocks of exact zeros)"
    )
    log.info(
        "%s: %s; pixels that are exactly 0 count as data in %d stamps; %d galaxies of the "
        "catalogue have no position",
        *(subject, counts, n_zeros, len(galaxies) - n_placed),
    )
    if not usable.any():
        raise DeblendError(
            f"{subject}: {counts}, so that no stamp is left, which has nothing to do with "
            "magnitudes: check that the columns of ra and dec (degrees) are those of this mosaic's "
            "coordinates, that it covers the galaxies, and its extension"
        )
    check_positions(
        stamps[usable],
        (xy[rows] - np.round(xy[rows]) + size // 2)[usable],
        galaxies["mag"].to_numpy(float)[rows][usable],
        subject=subject,
        catalog=config.catalog,
        remedy=f"check the columns of ra and dec, and the coordinates in the header of "
        f"{config.mosaic}; add a constant offset to the catalogue's positions",
    )
    return rows, stamps


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
