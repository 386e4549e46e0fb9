"""Parent stamps from the user's stamps and catalogue, an archive, or a RealGalaxy catalogue."""

import logging
from dataclasses import replace
from pathlib import Path

import galsim
import numpy as np
import pandas as pd
from astropy import units as u
from deblend.data.config import FilesConfig, RealGalaxyConfig
from deblend.data.coordinates import check_scale
from deblend.data.image_files import READ_ERRORS, read_array, read_pixels
from deblend.data.image_noise import checked_noise
from deblend.data.image_units import UnitNote, counts_factor, report_units
from deblend.data.listing import files_by_id, stamp_files
from deblend.data.profiles import moffat_psf
from deblend.data.psfs import read_psf
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, Stamps, band_table
from deblend.data.table_files import (
    AXIS_RATIO,
    DECLINATION,
    MAGNITUDE,
    REDSHIFT,
    RIGHT_ASCENSION,
    SERSIC_INDEX,
    SHARE,
    SIZE,
    Quantity,
    matching_rows,
    read_columns,
    size_in_px,
)
from deblend.errors import DeblendError
from deblend.seeds import generator
from deblend.space import need_memory

log = logging.getLogger(__name__)


#: Catalogue columns that every data set needs.
REQUIRED = ("id", "mag", "half_light_radius")


#: What to do if the noise of stamps is not noise_sigma, by whether noise is added to them.
NOISE_REMEDY = {
    False: "correct noise_sigma or the unit of the images, leave noise_sigma out to have it "
    "measured, or, for images without noise, set add_noise to true",
    True: "set add_noise to false for images with noise",
}


#: What the columns of a catalogue are, beside its sizes; None for texts.
QUANTITIES: dict[str, Quantity | None] = {
    "id": None,
    "ra": RIGHT_ASCENSION,
    "dec": DECLINATION,
    "mag": MAGNITUDE,
    "sersic_n": SERSIC_INDEX,
    "axis_ratio": AXIS_RATIO,
    "redshift": REDSHIFT,
    "morphology": None,
    **dict.fromkeys(("p_sph", "p_disk", "p_irr"), SHARE),
}


def read_catalog(
    path: str | Path, columns: dict[str, str], pixel_scale_arcsec: float, radius_unit: str
) -> pd.DataFrame:
    """Read a catalogue into `GALAXY_COLUMNS`.

    Parameters
    ----------
    path : path
        In any format that `deblend.data.table_files.open_table` reads.
    columns : dict
        Name of the catalogue's column for each of `GALAXY_COLUMNS`. `id`, `mag` and
        `half_light_radius` are required.
    pixel_scale_arcsec : float
    radius_unit : {"pix", "arcsec"}
        Unit of the radius column if the catalogue does not state it.

    Returns
    -------
    DataFrame
        `GALAXY_COLUMNS`, NaN where the catalogue has no number, or none that is plausible. The
        morphology is "unknown" if the catalogue has neither classes nor their probabilities.

    Raises
    ------
    DeblendError
        A column is missing or unknown, has text that is no number or a unit that cannot be
        converted, or an id is missing or not unique.
    """
    allowed = [*(c for c in GALAXY_COLUMNS if c not in ("half_light_radius_px", "origin"))]
    allowed.append("half_light_radius")
    unknown = sorted(set(columns) - set(allowed))
    if unknown:
        raise DeblendError(
            f"columns names {', '.join(unknown)}, which a data set does not have; it can be "
            f"{', '.join(allowed)}"
        )
    lacking = [c for c in REQUIRED if c not in columns]
    if lacking:
        raise DeblendError(f"columns does not say which column of {path} is {', '.join(lacking)}")
    quantities = {**QUANTITIES, "half_light_radius": size_in_px(pixel_scale_arcsec, radius_unit)}
    table = read_columns(path, columns, quantities)
    table = table.rename(columns={"half_light_radius": "half_light_radius_px"})
    result = pd.DataFrame(index=table.index)
    for name in GALAXY_COLUMNS:
        result[name] = table.get(name, "" if name in TEXT_COLUMNS else np.nan)
    if not {"morphology", "p_sph", "p_disk", "p_irr"} & set(columns):
        result["morphology"] = "unknown"
    return result


def centre_on_light(image: np.ndarray, size: int) -> np.ndarray:
    """Cut a stamp whose central pixel contains the centroid of the light; NaN outside the image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Sky subtracted.
    size : int

    Returns
    -------
    ndarray, shape (size, size)
    """
    weights = np.maximum(np.nan_to_num(image, posinf=0), 0)
    if not weights.any():
        return cut(image, image.shape[0] // 2, image.shape[1] // 2, size)
    y, x = np.indices(image.shape)
    return cut(
        image,
        round(float(np.average(y, weights=weights))),
        round(float(np.average(x, weights=weights))),
        size,
    )


def cut(image: np.ndarray, y: int, x: int, size: int, fill: float = np.nan) -> np.ndarray:
    """Cut a square with pixel (y, x) at its centre; `fill` outside the image."""
    out = np.full((size, size), fill, image.dtype)
    y0, x0 = y - size // 2, x - size // 2
    rows = slice(max(y0, 0), min(y0 + size, image.shape[0]))
    columns = slice(max(x0, 0), min(x0 + size, image.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = image[
            rows, columns
        ]
    return out


def renumbered(segmaps: np.ndarray, source: str | Path) -> np.ndarray:
    """Segmentation maps with the labels 0, 1, 2 ... in each.

    Parameters
    ----------
    segmaps : ndarray, shape (n, y, x)
        0 for the background. Negative labels and NaN are those of masked pixels: they are neither
        background nor galaxy, and get a label of their own, as a neighbour has. Where the central
        pixel is masked, the map has no galaxy, and masked pixels are background.
    source : path
        For messages.

    Returns
    -------
    ndarray, shape (n, y, x), int16

    Raises
    ------
    DeblendError
        No map has a pixel with the label 0.
    """
    if not (segmaps == 0).any():
        raise DeblendError(
            f"{source} has no pixel with the label 0: give segmentation maps with 0 for the "
            f"background (the labels are {', '.join(f'{x:g}' for x in np.unique(segmaps)[:5])} ...)"
        )
    out = np.zeros(segmaps.shape, np.int16)
    is_masked = ~(segmaps >= 0)
    centre = tuple(side // 2 for side in segmaps.shape[1:])
    for segmap, masked, labels in zip(segmaps, is_masked, out, strict=True):
        numbers = np.unique(segmap[segmap > 0])
        objects = segmap > 0
        labels[objects] = 1 + np.searchsorted(numbers, segmap[objects])
        if not masked[centre]:
            labels[masked] = len(numbers) + 1
    if is_masked.any():
        log.warning(
            "%s: %d pixels in %d of %d maps have negative labels or NaN: they are replaced by "
            "noise as neighbours are; %d of the maps have one in the centre, so that no galaxy is "
            "found there",
            source,
            np.count_nonzero(is_masked),
            np.count_nonzero(is_masked.any(axis=(1, 2))),
            len(segmaps),
            np.count_nonzero(is_masked[:, *centre]),
        )
    return out


def _centre(image: np.ndarray) -> tuple[int, int]:
    """Central pixel (y, x) of an image."""
    return image.shape[0] // 2, image.shape[1] // 2


def _read_stamps(config: FilesConfig, ids: pd.Series) -> list[np.ndarray]:
    """The image (y, x) of each galaxy, from one array or from a file each.

    Raises
    ------
    DeblendError
        See `ingest_files`.
    """
    files = stamp_files(config.images)
    if files is not None:
        paths = files_by_id(config.images, files, ids)
        notes: list[UnitNote] = []
        images = [_one_band(_in_counts(config, path, notes), config.plane, path) for path in paths]
        report_units(notes, f"the stamps of {config.catalog}")
    else:
        paths = [Path(str(config.images))] * len(ids)
        array = _in_counts(config, paths[0])
        if array.ndim == 2:
            array = array[None]
        if array.ndim not in (3, 4) or len(array) != len(ids):
            raise DeblendError(
                f"{config.images} has shape {array.shape}, the catalogue {len(ids)} galaxies: "
                "give one stamp a galaxy, (galaxy, y, x) or (galaxy, band, y, x)"
            )
        images = [_one_band(stamp, config.plane, paths[0]) for stamp in array]
    size = config.stamp_size
    small = [i for i, image in enumerate(images) if min(image.shape) < size]
    if small:
        (height, width), path = images[small[0]].shape, paths[small[0]]
        raise DeblendError(
            f"{len(small)} of {len(images)} stamps are smaller than stamp_size {size}; the first "
            f"is that of galaxy {ids[small[0]]} in {path}, {width} x {height} px: give larger "
            "ones, a smaller stamp_size, or a catalogue without these galaxies"
        )
    return images


def _in_counts(config: FilesConfig, path: Path, notes: list[UnitNote] | None = None) -> np.ndarray:
    """Pixels of a file of stamps in counts/s; NaN where it has no data."""
    pixels = read_pixels(path, config.images_key, config.mask_bits)
    check_scale(pixels.header, config.pixel_scale_arcsec, path)
    factor = counts_factor(
        pixels.header,
        config.unit,
        zero_point=config.zero_point,
        pixel_scale_arcsec=config.pixel_scale_arcsec,
        source=path,
        notes=notes,
    )
    return pixels.values * factor


def _one_band(array: np.ndarray, plane: int | None, path: Path) -> np.ndarray:
    """Image (y, x) of one band from that of one galaxy, (y, x) or (band, y, x)."""
    if array.ndim == 3:
        if plane is None or not 0 <= plane < len(array):
            raise DeblendError(
                f"{path} has {len(array)} bands and plane is {plane}: give the band's number, 0 to "
                f"{len(array) - 1}"
            )
        array = array[plane]
    if array.ndim != 2:
        raise DeblendError(
            f"{path} has shape {array.shape}: give the stamp of one galaxy, (y, x) or (band, y, x)"
        )
    return array


def ingest_files(config: FilesConfig, seed: int) -> Stamps:
    """Parent stamps from the user's arrays and catalogue.

    Parameters
    ----------
    config : FilesConfig
    seed : int
        Seed of the added noise; each galaxy has its own generator, by its id.

    Returns
    -------
    Stamps

    Raises
    ------
    DeblendError
        Shapes do not match each other or the stamp size, or see
        `deblend.data.image_files.read_pixels`, `deblend.data.coordinates.check_scale`,
        `deblend.data.image_units.counts_factor`,
        `deblend.data.listing.files_by_id`, `deblend.data.psfs.read_psf`,
        `deblend.data.image_noise.checked_noise` and `renumbered`.
    """
    galaxies = read_catalog(
        config.catalog, config.columns, config.pixel_scale_arcsec, config.radius_unit
    )
    galaxies["origin"] = Path(config.catalog).name
    images = _read_stamps(config, galaxies["id"])
    size = config.stamp_size
    # The stamps and their segmentation maps.
    need_memory(
        f"{len(images)} stamps of {config.catalog}",
        (4 + 2) * len(images) * size**2,
        "a smaller stamp_size, or fewer galaxies",
    )
    out = np.empty((len(images), 1, size, size), np.float32)
    for i, image in enumerate(images):
        stamp = image.astype(np.float32)
        if config.recentre:
            out[i, 0] = centre_on_light(stamp, size)
        else:
            out[i, 0] = cut(stamp, *_centre(stamp), size)
    segmaps = _read_segmaps(config, galaxies["id"], images)
    noise = checked_noise(
        out[:, 0],
        config.noise_sigma,
        subject=f"the stamps of {config.catalog}",
        segmaps=segmaps,
        is_added=config.add_noise,
        remedy=NOISE_REMEDY[config.add_noise],
    )
    if config.add_noise:
        for i, galaxy in enumerate(galaxies["id"]):
            rng = generator(seed, "noise", config.band, galaxy)
            out[i, 0] += rng.normal(0, noise, (size, size)).astype(np.float32)
    bands = band_table(config.band, config.pixel_scale_arcsec, config.zero_point, noise)
    return Stamps(out, segmaps, galaxies, bands, read_psf(config.psf, config.pixel_scale_arcsec))


def _read_segmaps(config: FilesConfig, ids: pd.Series, images: list[np.ndarray]) -> np.ndarray:
    """Segmentation maps (n, y, x) of the stamps; 0 if there are none.

    They are in a file of their own for all galaxies or for each, or, if only `segmaps_key` is
    given, beside the images in their files.

    Raises
    ------
    DeblendError
        See `ingest_files`.
    """
    size = config.stamp_size
    if config.segmaps is None and config.segmaps_key is None:
        return np.zeros((len(images), size, size), np.int16)
    if config.recentre:
        raise DeblendError("segmaps cannot be given together with recentre: true")
    source = config.images if config.segmaps is None else config.segmaps
    files = stamp_files(source)
    if files is not None:
        paths = files_by_id(source, files, ids, "segmentation map")
        maps = [_plain(read_array(path, config.segmaps_key)) for path in paths]
    else:
        paths = [Path(str(source))] * len(images)
        array = read_array(paths[0], config.segmaps_key)
        maps = list(array[None] if array.ndim == 2 else array)
        if len(maps) != len(images):
            raise DeblendError(
                f"{source} has shape {array.shape}, the catalogue {len(images)} galaxies: give one "
                "map of the same size a stamp"
            )
    for segmap, image, galaxy, path in zip(maps, images, ids, paths, strict=True):
        if segmap.shape != image.shape:
            raise DeblendError(
                f"the segmentation map of galaxy {galaxy} in {path} has shape {segmap.shape}, its "
                f"image {image.shape}: give a map of the same pixels"
            )
    parts = np.stack([cut(segmap, *_centre(segmap), size, fill=0) for segmap in maps])
    return renumbered(parts, paths[0] if files is None else f"{paths[0]} and {len(paths) - 1} more")


def _plain(array: np.ndarray) -> np.ndarray:
    """An array without leading axes of length 1, at least two axes."""
    while array.ndim > 2 and len(array) == 1:
        array = array[0]
    return array


def ingest_real_galaxies(config: RealGalaxyConfig, seed: int) -> Stamps:
    """Parent stamps from a GalSim RealGalaxyCatalog, with another PSF, pixel scale and noise.

    Each galaxy is deconvolved from its own PSF, convolved with the target PSF and resampled. Its
    noise is whitened, and more noise is added to reach `noise_sigma`. Stamps with more noise than
    that are kept; the log says how many there are.

    Parameters
    ----------
    config : RealGalaxyConfig
    seed : int

    Returns
    -------
    Stamps

    Raises
    ------
    DeblendError
        The catalogue cannot be read, or see `real_galaxy_table`.
    """
    path = Path(config.catalog)
    try:
        catalog = galsim.RealGalaxyCatalog(path.name, dir=str(path.parent))
    except OSError as error:
        raise DeblendError(f"cannot read the RealGalaxy catalogue {path}: {error}") from error
    table = real_galaxy_table(path, config.fits_catalog, config.pixel_scale_arcsec)
    size, scale = config.stamp_size, config.pixel_scale_arcsec
    target = moffat_psf(config.psf_fwhm_arcsec, config.psf_moffat_beta)
    images, n_noisier = [], 0
    for i in range(catalog.nobjects):
        galsim_seed = generator(seed, "noise", config.band, table["id"][i]).integers(1, 2**31)
        rng = galsim.BaseDeviate(int(galsim_seed))
        try:
            galaxy = galsim.Convolve(galsim.RealGalaxy(catalog, index=i, rng=rng), target)
        except (*READ_ERRORS, galsim.GalSimError) as error:
            raise DeblendError(
                f"cannot read the image of galaxy {table['id'][i]} of {path} ({error}): a file "
                "that the catalogue names is missing or broken; fetch it again"
            ) from error
        image = galsim.ImageF(size, size, scale=scale)
        centre = galsim.PositionD(size // 2 + 1, size // 2 + 1)
        galaxy.drawImage(image, center=centre, method="no_pixel")
        variance = galaxy.noise.whitenImage(image)
        missing_variance = config.noise_sigma**2 - variance
        if missing_variance > 0:
            image.addNoise(galsim.GaussianNoise(rng, sigma=missing_variance**0.5))
        else:
            n_noisier += 1
        images.append(image.array.copy())
    log.info(
        "%d of %d stamps are noisier than noise_sigma %g",
        n_noisier,
        len(images),
        config.noise_sigma,
    )
    images_array = np.stack(images)
    checked_noise(
        images_array,
        config.noise_sigma,
        subject=f"the stamps of {path}",
        remedy="noise can be added to the galaxies' own, not removed: raise noise_sigma",
    )
    psf = target.drawImage(nx=31, ny=31, scale=scale, method="no_pixel").array
    return Stamps(
        images_array[:, None],
        np.zeros((len(images), size, size), np.int16),
        table,
        band_table(config.band, scale, config.zero_point, config.noise_sigma),
        psf[None],
    )


#: What the columns of a RealGalaxy catalogue and of its companion are; sizes are in pixels of the
#: galaxy's own image.
REAL_GALAXY_QUANTITIES: dict[str, Quantity | None] = {
    "id": None,
    "companion_id": None,
    "ra": RIGHT_ASCENSION,
    "dec": DECLINATION,
    "mag": MAGNITUDE,
    "own_pixel_scale": replace(SIZE, unit=u.arcsec),
    "radius": SIZE,
    "redshift": REDSHIFT,
}


def real_galaxy_table(
    catalog: str | Path, companion: str | Path | None, pixel_scale_arcsec: float
) -> pd.DataFrame:
    """Galaxies of a RealGalaxy catalogue, with the sizes and redshifts of its companion.

    Parameters
    ----------
    catalog : path
    companion : path, optional
        Table with IDENT, flux_radius (pixels of the galaxy's own image) and perhaps ZPHOT, in any
        order; it can have other galaxies too. By default the catalogue itself has these columns.
    pixel_scale_arcsec : float
        Of the pixels that radii are converted to.

    Returns
    -------
    DataFrame
        `GALAXY_COLUMNS`, a row for each of the catalogue.

    Raises
    ------
    DeblendError
        A table cannot be read or lacks a column, an IDENT is missing or not unique, or the
        companion lacks a galaxy.
    """
    own = {"id": "IDENT", "ra": "RA", "dec": "DEC", "mag": "MAG", "own_pixel_scale": "PIXEL_SCALE"}
    further = {"radius": "flux_radius", "redshift": "ZPHOT"}
    if companion is None:
        table = read_columns(catalog, own | further, REAL_GALAXY_QUANTITIES, optional=further)
    else:
        table = read_columns(catalog, own, REAL_GALAXY_QUANTITIES)
        names = {"companion_id": "IDENT", **further}
        other = read_columns(companion, names, REAL_GALAXY_QUANTITIES, optional=further)
        rows = matching_rows(table["id"], other["companion_id"], f"column IDENT of {companion}")
        lacking = table["id"][rows < 0]
        if len(lacking):
            raise DeblendError(
                f"{companion} lacks {len(lacking)} of the {len(table)} galaxies of {catalog} (the "
                f"first: IDENT {lacking.iloc[0]}): give the companion of this catalogue"
            )
        table = table.join(other.iloc[rows].reset_index(drop=True))
    if "radius" not in table:
        raise DeblendError(
            f"{companion or catalog} has no sizes: give fits_catalog, its companion with a column "
            "flux_radius (px)"
        )
    known = {
        "half_light_radius_px": table["radius"] * table["own_pixel_scale"] / pixel_scale_arcsec,
        "morphology": "unknown",
        "origin": Path(catalog).name,
        **{name: table[name] for name in GALAXY_COLUMNS if name in table},
    }
    return pd.DataFrame(
        {name: known.get(name, np.nan) for name in GALAXY_COLUMNS}, index=table.index
    )
