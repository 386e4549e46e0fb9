"""Cut-outs in several bands from the user's stamps or from mosaics (Hemmati et al. 2022, Sect. 2).

Both have a catalogue; the configuration gives the names of its columns (`read_cutout_catalogue`).
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.wcs import WCS
from deblend.data.ingest import QUANTITIES, cut, read_array
from deblend.data.mosaics import check_wcs
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, Stamps
from deblend.data.table_files import (
    FLUX,
    MAGNITUDE,
    SHARE,
    Quantity,
    matching_rows,
    read_columns,
    size_in_px,
)
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import with_neighbours
from deblend.hemmati2022.cutout_config import (
    PARENT_MIN_PX,
    Band,
    BandPsf,
    CutoutConfig,
    Cutouts,
)
from deblend.hemmati2022.cutouts import EXTRA_COLUMNS, brightest_offsets, rejection_reason
from deblend.hemmati2022.degrade import psf_image
from deblend.seeds import generator
from deblend.units import mag_from_flux
from scipy.spatial import cKDTree

log = logging.getLogger(__name__)


#: Quantities for which the configuration can name columns, and what they are; sizes follow below.
COLUMNS: dict[str, Quantity | None] = {
    **{name: QUANTITIES[name] for name in ("id", "ra", "dec", "mag", "redshift", "morphology")},
    "flux": FLUX,
    "mag_f160w": MAGNITUDE,
    "flux_f160w": FLUX,
    "class_star": SHARE,
}


#: Sizes for which the configuration can name columns.
SIZES = ("half_light_radius", "fwhm")


#: AB zero point of fluxes in microjansky.
MICROJANSKY = 23.9


#: Side of the PSF images.
PSF_PX = 65


#: Sources nearer than this (px along both axes) are the same.
SAME_PX = 1e-3


#: Cut-outs that are in memory at a time: 100 of seven bands and 152 px have 65 MB.
BATCH = 100


#: The brightest pixel of a galaxy is searched for in the middle of its cut-out (side, px). If the
#: median distance from the catalogue's positions is larger than the limit (px), they and the mosaic
#: have different origins. It is not measured on fewer cut-outs.
CHECK_PX, MAX_OFFSET_PX, MIN_CHECKED = 64, 1.5, 20


def cutout_config(
    options: dict[str, Any], mosaics: Sequence[str] = (), psfs: Sequence[str] = ()
) -> CutoutConfig:
    """Make a `CutoutConfig` from keys of the configuration and the paths of files.

    Parameters
    ----------
    options : dict
    mosaics : sequence of path
        Of all bands, or none.
    psfs : sequence of path
        Of the bands that have a measured PSF, in their order.
    """
    bands = [dict(band) for band in options["bands"]]
    for band, mosaic in zip(bands, mosaics, strict=False):
        band["mosaic"] = mosaic
    return CutoutConfig(**{**options, "bands": bands_with_psfs(bands, psfs)})


def bands_with_psfs(bands: Sequence[dict[str, Any]], psfs: Sequence[str]) -> list[dict[str, Any]]:
    """Bands whose measured PSFs are the given files, in their order."""
    paths = iter(psfs)
    return [
        {**band, "psf": next(paths)} if psfs and band.get("psf") else dict(band) for band in bands
    ]


def read_cutout_catalogue(
    path: str | Path,
    columns: dict[str, str | None],
    pixel_scale_arcsec: float,
    radius_unit: str,
) -> pd.DataFrame:
    """Read a catalogue for `deblend.hemmati2022.cutouts.select`.

    Parameters
    ----------
    path : path
        In any format that `deblend.data.table_files.open_table` reads.
    columns : dict
        For each of our names (of `COLUMNS` and `SIZES`) the name in the catalogue, or None. `id` is
        required. A `flux` is converted to a magnitude; it is in microjansky if the column has no
        unit.
    pixel_scale_arcsec : float
        Pixel scale of the cut-outs.
    radius_unit : {"pix", "arcsec"}
        Unit of half_light_radius and fwhm if the columns have no unit.

    Returns
    -------
    DataFrame
        `deblend.data.stamps.GALAXY_COLUMNS` and `deblend.hemmati2022.cutouts.EXTRA_COLUMNS`, NaN if
        unknown; fwhm_px if `columns` names it. Unknown are numbers that are not plausible, such as
        the -99 of surveys or a negative redshift, and magnitudes if the flux is not positive.

    Raises
    ------
    DeblendError
        A column is missing, unknown, or has the wrong unit or text that is no number; or an id is
        missing or not unique.
    """
    # A second configuration file cannot remove a key of the first one, but can set it to null.
    named = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    allowed = [*COLUMNS, *SIZES]
    if set(named) - set(allowed) or "id" not in named:
        raise DeblendError(
            f"columns of {path} names {', '.join(named) or 'nothing'}: it has to name id and can "
            f"name {', '.join(allowed[1:])}"
        )
    for mag, flux in (("mag", "flux"), ("mag_f160w", "flux_f160w")):
        if mag in named and flux in named:
            raise DeblendError(
                f"columns of {path} names both {mag} ({named[mag]}) and {flux} ({named[flux]}): "
                "make one of them null"
            )
    size = size_in_px(pixel_scale_arcsec, radius_unit)
    table = read_columns(path, named, COLUMNS | dict.fromkeys(SIZES, size))
    for flux, mag in (("flux", "mag"), ("flux_f160w", "mag_f160w")):
        if flux in table:
            table[mag] = mag_from_flux(table.pop(flux), MICROJANSKY)
    table = table.rename(columns={name: f"{name}_px" for name in SIZES})
    result = pd.DataFrame(index=table.index)
    for column in (*GALAXY_COLUMNS, *EXTRA_COLUMNS):
        empty = "" if column in TEXT_COLUMNS else np.nan
        result[column] = table.pop(column) if column in table else empty
    if "morphology" not in named:
        result["morphology"] = "unknown"
    return result.assign(origin=Path(path).name).join(table)


def add_redshifts(
    catalogue: pd.DataFrame, path: str | Path, columns: dict[str, str | None]
) -> pd.DataFrame:
    """Add the redshifts of another table, which has the same ids; NaN if it has none.

    Raises
    ------
    DeblendError
        The table cannot be read, has an id of the catalogue more than once, or has none of them.
    """
    own_id, redshift_name = columns.get("id"), columns.get("redshift")
    if not own_id or not redshift_name:
        raise DeblendError(
            f"redshift_columns of {path} names {', '.join(columns)}: it has to name id and redshift"
        )
    # Another table may have ids of other fields too, so that only those of the catalogue count.
    named = {"own_id": own_id, "redshift": redshift_name}
    table = read_columns(path, named, {"own_id": None, "redshift": COLUMNS["redshift"]})
    rows = matching_rows(catalogue["id"], table["own_id"], f"column {own_id} of {path}")
    redshift = np.where(rows < 0, np.nan, table["redshift"].to_numpy()[rows])
    if np.isnan(redshift).all():
        raise DeblendError(
            f"{path} has no redshift for any id of the catalogue: check redshift_columns "
            f"({columns})"
        )
    known = int(np.isfinite(redshift).sum())
    log.info("%d of %d galaxies have a redshift in %s", known, len(catalogue), path)
    return catalogue.assign(redshift=redshift)


def band_psfs(config: Cutouts) -> np.ndarray:
    """PSF image of each band at the pixel scale of the cut-outs, (band, 65, 65), with a sum of 1.

    A measured PSF with another pixel scale is integrated over the pixels of the cut-outs.

    Raises
    ------
    DeblendError
        A band has neither a file nor a FWHM, or the file has no image of positive flux.
    """
    scale = config.pixel_scale_arcsec
    psfs = []
    for band in config.bands:
        if not isinstance(band, BandPsf) or band.psf is None:
            if not isinstance(band, BandPsf) or band.psf_fwhm_arcsec is None:
                raise DeblendError(
                    f"band {band.name} has no PSF: give psf (a file) or psf_fwhm_arcsec"
                )
            psfs.append(psf_image(band.psf_fwhm_arcsec, config.psf_moffat_beta, scale, PSF_PX))
            continue
        image = read_array(band.psf, band.psf_key)
        if image.ndim != 2 or not np.isfinite(image).all() or image.sum() <= 0:
            raise DeblendError(
                f"the PSF {band.psf} of band {band.name} has the shape {image.shape} and the sum "
                f"{image.sum()}: give one image of positive flux"
            )
        psf_scale = band.psf_pixel_scale_arcsec or scale
        # Cut the image so that the brightest pixel is the central one.
        y, x = np.unravel_index(image.argmax(), image.shape)
        half = min(y, x, image.shape[0] - 1 - y, image.shape[1] - 1 - x)
        centred = np.asarray(image[y - half : y + half + 1, x - half : x + half + 1], float)
        profile = galsim.InterpolatedImage(galsim.Image(centred), scale=psf_scale)
        method = "no_pixel" if np.isclose(psf_scale, scale) else "auto"
        drawn = profile.drawImage(nx=PSF_PX, ny=PSF_PX, scale=scale, method=method, dtype=float)
        psfs.append(drawn.array / drawn.array.sum())
    return np.stack(psfs)


def _stamps(images: np.ndarray, galaxies: pd.DataFrame, config: CutoutConfig) -> Stamps:
    bands = pd.DataFrame(
        {
            "name": band.name,
            "pixel_scale_arcsec": float(config.pixel_scale_arcsec),
            "zero_point": float(band.zero_point),
            "noise_sigma": float(band.noise_sigma),
        }
        for band in config.bands
    )
    return Stamps(
        images,
        np.zeros((len(images), *images.shape[2:]), np.int16),
        galaxies.drop(columns=["split", "reason"], errors="ignore").reset_index(drop=True),
        bands,
        band_psfs(config),
    )


def _planes(path: str | Path, key: str | None, n: int, config: CutoutConfig) -> np.ndarray:
    """Read the user's stamps, (n, band, y, x), in the order of the configured bands."""
    images = read_array(path, key)
    planes = [i if band.plane is None else band.plane for i, band in enumerate(config.bands)]
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or len(images) != n:
        raise DeblendError(
            f"{path} has shape {images.shape}, the catalogue {n} galaxies: give one stamp per "
            "galaxy, (galaxy, band, y, x)"
        )
    for band, plane in zip(config.bands, planes, strict=True):
        if not 0 <= plane < images.shape[1]:
            raise DeblendError(
                f"{path} has {images.shape[1]} bands and the plane of {band.name} is {plane}: give "
                f"0 to {images.shape[1] - 1}"
            )
    if min(images.shape[2:]) < PARENT_MIN_PX:
        raise DeblendError(
            f"the stamps of {path} have {images.shape[3]} x {images.shape[2]} px: give stamps of "
            f"at least {PARENT_MIN_PX} px a side"
        )
    return images if planes == list(range(images.shape[1])) else images[:, planes]


def files_catalogue(
    images: str,
    images_key: str | None,
    catalog: str,
    columns: dict[str, str | None],
    radius_unit: str,
    config: CutoutConfig,
) -> pd.DataFrame:
    """Catalogue of the user's stamps.

    Parameters
    ----------
    images, images_key, catalog, columns, radius_unit
        See `deblend.data.ingest.read_array` and `read_cutout_catalogue`.
    config : CutoutConfig

    Returns
    -------
    DataFrame
        Magnitudes for which `columns` has no name are measured from the sum of the positive pixels
        of the stamps; their sky has to be exactly 0 for that.

    Raises
    ------
    DeblendError
        Magnitudes are not in the catalogue and cannot be measured.
    """
    catalogue = read_cutout_catalogue(catalog, columns, config.pixel_scale_arcsec, radius_unit)
    measured = {"mag": config.detection_band, "mag_f160w": "f160w"}
    names = [band.name for band in config.bands]
    measured = {
        column: band
        for column, band in measured.items()
        if band in names and not (columns.get(column) or columns.get(column.replace("mag", "flux")))
    }
    if not measured:
        return catalogue
    pixels = _planes(images, images_key, len(catalogue), config)
    for column, name in measured.items():
        band = config.bands[names.index(name)]
        plane = np.nan_to_num(pixels[:, names.index(name)])
        if np.median(plane) != 0:
            raise DeblendError(
                f"columns names no {column} and the sky of {images} is not exactly 0, so that it "
                f"cannot be measured: give the column of {column}"
            )
        catalogue[column] = mag_from_flux(np.maximum(plane, 0).sum(axis=(1, 2)), band.zero_point)
        log.info("%s is measured on the stamps, since the catalogue has none", column)
    return catalogue


def files_cutouts(
    seed: int,
    name: str,
    images: str,
    selected: pd.DataFrame,
    config: CutoutConfig,
    *,
    images_key: str | None,
    add_noise: bool,
    recentre: bool,
) -> Iterator[Stamps]:
    """Cut-outs from the user's stamps, `BATCH` at a time.

    Parameters
    ----------
    seed : int
    name : str
        Name of the set of cut-outs: part of the seed.
    images : path
        Stamps (galaxy, band, y, x): see `deblend.data.ingest.read_array`.
    selected : DataFrame
        From `deblend.hemmati2022.cutouts.select`, one row per stamp.
    config : CutoutConfig
        parent_px is reduced to the side of the stamps if that is smaller.
    images_key : str, optional
    add_noise : bool
        Add noise to pixels that are exactly 0. This is for stamps in which all pixels outside the
        galaxy are 0; those of the galaxy already have noise.
    recentre : bool
        Cut around the centroid of the light in the detection band instead of the middle of the
        stamp.

    Yields
    ------
    Stamps
        Cut-outs of the galaxies that are kept (without a reason). Pixels outside the stamp are NaN.
        Segmentation maps are 1 where the detection band was not 0. Other sources in them are not
        known: a catalogue has one row per stamp, and stamps have no coordinates.
    """
    log.warning(
        "other galaxies in the stamps are not known: a peak at one of them counts as false, and it "
        "raises the detection thresholds, unless the stamps have none"
    )
    pixels = _planes(images, images_key, len(selected), config)
    ny, nx = pixels.shape[2:]
    size = min(config.parent_px, ny, nx)
    if size < config.parent_px:
        log.warning(
            "stamps have %d x %d px: cut-outs have %d px, not %d", nx, ny, size, config.parent_px
        )
    detection = [band.name for band in config.bands].index(config.detection_band)
    sigma = np.array([band.noise_sigma for band in config.bands], np.float32)[:, None, None]
    pixel_grid = np.indices((ny, nx))
    for rows in _batches(np.flatnonzero(selected["reason"] == "")):
        out = np.empty((len(rows), len(config.bands), size, size), np.float32)
        segmaps = np.zeros((len(rows), size, size), np.int16)
        for i, row in enumerate(rows):
            light = np.maximum(np.nan_to_num(pixels[row, detection]), 0)
            y, x = ny // 2, nx // 2
            if recentre and light.any():
                y, x = (round(float(np.average(g, weights=light))) for g in pixel_grid)
            out[i] = [cut(plane, y, x, size) for plane in pixels[row].astype(np.float32)]
            segmaps[i] = np.nan_to_num(out[i, detection]) != 0
            if add_noise and rejection_reason(out[i]) != "missing_band":
                rng = generator(seed, "noise", name, selected["id"].iloc[row])
                noise = sigma * rng.standard_normal(out[i].shape, np.float32)
                out[i] = np.where(out[i] == 0, noise, out[i])
        stamps = _stamps(out, selected.iloc[rows], config)
        stamps.segmaps = segmaps
        yield stamps


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows, `BATCH` at a time."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def archive_cutouts(
    selected: pd.DataFrame,
    config: CutoutConfig,
    neighbour_mag_max: float | None = None,
    offset_arcsec: Sequence[float] = (0.0, 0.0),
) -> Iterator[tuple[Stamps, np.ndarray]]:
    """Cut-outs from the mosaics of the bands, `BATCH` at a time.

    Only the needed rows of the mosaics are read.

    Parameters
    ----------
    selected : DataFrame
        From `deblend.hemmati2022.cutouts.select`, with ra and dec (deg): the whole catalogue.
    config : CutoutConfig
    neighbour_mag_max : float, optional
        Faintest magnitude in the detection band of the sources that count as neighbours; all by
        default.
    offset_arcsec : sequence of two floats
        Added to ra (in the coordinate, not in the angle on the sky) and dec.

    Yields
    ------
    stamps : Stamps
        Cut-outs of the galaxies that are kept (without a reason). The galaxy's position is in pixel
        parent_px // 2. Their table has the other sources of the catalogue in each cut-out
        (`deblend.hemmati2022.blends.with_neighbours`).
    reasons : ndarray of str
        Why a cut-out cannot be used: "missing_band", the position is outside a mosaic, or the
        mosaic has no data at all there (NaN, or exactly 0 as in drizzled images); "edge", the
        cut-out extends beyond a mosaic; "bad_pixels", some pixels have no data; "" if it can be
        used.

    Raises
    ------
    DeblendError
        A mosaic is missing or broken, has another pixel scale or no celestial coordinates, or
        covers none of the galaxies; or galaxies are beside their positions, see `check_centres`.
    """
    galaxies = selected[selected["reason"] == ""].reset_index(drop=True)
    size, names = config.parent_px, [band.name for band in config.bands]
    detection = names.index(config.detection_band)
    systems = []
    for band in config.bands:
        with _mosaic(band, config.pixel_scale_arcsec) as (hdu, wcs):
            systems.append(wcs)
            x, y = _pixels(galaxies, wcs, offset_arcsec).T
            ny, nx = hdu.shape
            if not ((x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)).any():
                raise DeblendError(
                    f"band {band.name}: none of the {len(galaxies)} selected galaxies is on the "
                    f"mosaic {band.mosaic}: check its address and the columns of ra and dec "
                    "(degrees)"
                )
    sources = selected[np.isfinite(selected[["ra", "dec"]].to_numpy(float)).all(axis=1)]
    if neighbour_mag_max is not None:
        sources = sources[(sources["mag"] <= neighbour_mag_max) | (sources["reason"] == "")]
    around = neighbours_in(
        _pixels(galaxies, systems[detection], offset_arcsec),
        _pixels(sources, systems[detection], offset_arcsec),
        sources["mag"].to_numpy(float),
        size,
    )
    for rows in _batches(np.arange(len(galaxies))):
        part = galaxies.iloc[rows]
        images = np.full((len(rows), len(config.bands), size, size), np.nan, np.float32)
        reasons = np.full(len(rows), "", dtype=object)
        for b, band in enumerate(config.bands):
            with _mosaic(band, config.pixel_scale_arcsec) as (hdu, wcs):
                positions = _pixels(part, wcs, offset_arcsec)
                with _readable(band):
                    found = _cut_band(hdu, positions, images[:, b])
            log.info("%s: %s", band.name, pd.Series(found).value_counts().to_dict())
            reasons = _more_severe(reasons, found)
        usable = reasons == ""
        check_centres(
            images[usable, detection],
            part[usable],
            systems[detection],
            config.detection_band,
            offset_arcsec,
        )
        table = with_neighbours(part, [around[row] for row in rows])
        yield _stamps(images, table, config), reasons


def check_centres(
    images: np.ndarray,
    galaxies: pd.DataFrame,
    wcs: WCS,
    band: str,
    offset_arcsec: Sequence[float],
) -> None:
    """Check that the galaxies are in the middle of their cut-outs.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Cut-outs in the detection band.
    galaxies : DataFrame, n rows
        ra and dec (deg).
    wcs : WCS
        Of the mosaic.
    band : str
        Name of the band.
    offset_arcsec : sequence of two floats
        That of the configuration, see `archive_cutouts`.

    Raises
    ------
    DeblendError
        The median distance of the brightest pixels from the central ones is larger than
        `MAX_OFFSET_PX`: the message has the offset that is needed.
    """
    if len(images) < MIN_CHECKED:
        return
    dx, dy = np.median(brightest_offsets(images, CHECK_PX), axis=0)
    if np.hypot(dx, dy) <= MAX_OFFSET_PX:
        return
    xy = _pixels(galaxies, wcs, offset_arcsec)
    there = np.column_stack(wcs.pixel_to_world_values(*(xy + [dx, dy]).T))
    needed = np.median(there - galaxies[["ra", "dec"]].to_numpy(float), axis=0) * 3600
    raise DeblendError(
        f"the brightest pixels of {len(images)} cut-outs in {band} are {dx:+.1f} px in x and "
        f"{dy:+.1f} px in y from the catalogue's positions (median), with offset_arcsec "
        f"{[float(o) for o in offset_arcsec]}: set it to [{needed[0]:.3f}, {needed[1]:.3f}]"
    )


def _pixels(table: pd.DataFrame, wcs: WCS, offset_arcsec: Sequence[float]) -> np.ndarray:
    """x, y on a mosaic, shape (n, 2)."""
    sky = table[["ra", "dec"]].to_numpy(float) + np.asarray(offset_arcsec, float) / 3600
    return np.column_stack(wcs.world_to_pixel_values(*sky.T))


def neighbours_in(
    galaxies: np.ndarray, sources: np.ndarray, mags: np.ndarray, size: int
) -> list[np.ndarray]:
    """Other sources in the cut-out of each galaxy.

    Parameters
    ----------
    galaxies, sources : ndarray, shapes (n, 2) and (m, 2)
        x, y on a mosaic. A source at the position of the galaxy is the galaxy.
    mags : ndarray, shape (m,)
        Magnitudes of the sources.
    size : int
        Side of the cut-outs, whose pixel size // 2 is the nearest to the galaxy.

    Returns
    -------
    list of n ndarrays, shape (k, 3)
        dx and dy from that pixel, and the magnitude.
    """
    if not len(galaxies) or not len(sources):
        return [np.empty((0, 3))] * len(galaxies)
    middle = np.round(galaxies)
    near = cKDTree(sources).query_ball_point(middle, size / 2 + 1, p=np.inf, return_sorted=True)
    found = []
    for galaxy, centre, rows in zip(galaxies, middle, near, strict=True):
        offset = sources[rows] - centre
        inside = ((offset >= -(size // 2) - 0.5) & (offset < size - size // 2 - 0.5)).all(axis=1)
        inside &= (np.abs(sources[rows] - galaxy) > SAME_PX).any(axis=1)
        found.append(np.column_stack([offset, mags[rows]])[inside])
    return found


def _more_severe(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The more severe of two reasons, for each galaxy."""
    by_severity: Sequence[str] = ("missing_band", "edge", "bad_pixels", "")
    rank = {name: i for i, name in enumerate(by_severity)}
    return np.array(
        [min(pair, key=rank.__getitem__) for pair in zip(one, other, strict=True)], dtype=object
    )


@contextmanager
def _mosaic(band: Band, pixel_scale_arcsec: float) -> Iterator[tuple[Any, WCS]]:
    """The image of a band, and its celestial coordinates."""
    if band.mosaic is None:
        raise DeblendError(f"band {band.name} has no mosaic: give its path or address")
    with ExitStack() as stack:
        with _readable(band):
            hdu = stack.enter_context(fits.open(band.mosaic))[band.extension]
            wcs = WCS(hdu.header, naxis=2)
            check_wcs(wcs, f"band {band.name}", band.mosaic, band.extension, pixel_scale_arcsec)
            if len(hdu.shape) != 2:
                raise ValueError(f"it has {len(hdu.shape)} axes")
        yield hdu, wcs


@contextmanager
def _readable(band: Band) -> Iterator[None]:
    """Report errors in reading the mosaic of a band."""
    try:
        yield
    except (OSError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise DeblendError(
            f"band {band.name}: cannot read extension {band.extension} of the mosaic {band.mosaic} "
            f"({error}): give a FITS image, or leave the band out"
        ) from error


def _cut_band(hdu: Any, positions: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Fill the cut-outs (n, y, x) of one band; return the reasons why cut-outs cannot be used."""
    size = out.shape[-1]
    reasons = np.full(len(positions), "", dtype=object)
    ny, nx = hdu.shape
    x, y = np.round(positions.T)
    inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
    for i in range(len(positions)):
        if not inside[i]:
            reasons[i] = "missing_band"
            continue
        x0, y0 = int(x[i]) - size // 2, int(y[i]) - size // 2
        if x0 < 0 or y0 < 0 or x0 + size > nx or y0 + size > ny:
            reasons[i] = "edge"
            continue
        # A section reads only its own rows from the file, since mosaics have gigabytes.
        pixels = np.asarray(hdu.section[y0 : y0 + size, x0 : x0 + size], np.float32)
        has_data = np.isfinite(pixels) & (pixels != 0)
        if has_data.all():
            out[i] = pixels
        else:
            reasons[i] = "bad_pixels" if has_data.any() else "missing_band"
    return reasons
