"""Cut-outs in several bands from the user's stamps or from mosaics (Hemmati et al. 2022, Sect. 2).

Both have a catalogue, whose columns the configuration names: see `read_cutout_catalogue`.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS
from deblend.data.ingest import cut, read_array, read_table
from deblend.data.mosaics import check_wcs
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, Stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.config import PARENT_MIN_PX, Band, CutoutConfig
from deblend.hemmati2022.cutouts import EXTRA_COLUMNS, why
from deblend.hemmati2022.degrade import psf_image
from deblend.seeds import generator
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)


#: What the configuration may name columns for, and their units where a column has none.
COLUMNS: dict[str, u.UnitBase | None] = {
    "id": None,
    "ra": u.deg,
    "dec": u.deg,
    "mag": u.mag,
    "flux": u.uJy,
    "mag_f160w": u.mag,
    "flux_f160w": u.uJy,
    "class_star": None,
    "redshift": None,
    "half_light_radius": None,
    "fwhm": None,
    "morphology": None,
}


#: Zero point of fluxes in microjansky.
MICROJANSKY = 23.9


#: Side of the PSF images.
PSF_PX = 65


def cutout_config(options: dict[str, Any], mosaics: Sequence[str] = ()) -> CutoutConfig:
    """The configuration's keys, and the mosaics' paths, as a `CutoutConfig`."""
    bands = [dict(band) for band in options["bands"]]
    for band, mosaic in zip(bands, mosaics, strict=False):
        band["mosaic"] = mosaic
    return CutoutConfig(**{**options, "bands": bands})


def read_cutout_catalogue(
    path: str | Path,
    columns: dict[str, str | None],
    pixel_scale_arcsec: float,
    radius_unit: str,
) -> pd.DataFrame:
    """Read a catalogue (CSV, ECSV, FITS table ...) into what `deblend.hemmati2022.cutouts.select`
    needs.

    Parameters
    ----------
    path : path
    columns : dict
        Our name (of `COLUMNS`) to the catalogue's, or None. `id` is needed. A `flux` stands for a
        magnitude; it is in microjansky where the column has no unit.
    pixel_scale_arcsec : float
    radius_unit : {"pix", "arcsec"}
        Of half_light_radius and fwhm where the columns have no unit.

    Returns
    -------
    DataFrame
        `deblend.data.stamps.GALAXY_COLUMNS` and `deblend.hemmati2022.cutouts.EXTRA_COLUMNS`, NaN
        where unknown; fwhm_px where columns names it. Fluxes that are not positive are magnitudes
        unknown.

    Raises
    ------
    DeblendError
        A column is missing, unknown or of the wrong unit.
    """
    # An overlay cannot take a key away, but it can make it null.
    named = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    if set(named) - set(COLUMNS) or "id" not in named:
        raise DeblendError(
            f"columns of {path} names {', '.join(named) or 'nothing'}: it has to name id and can "
            f"name {', '.join(list(COLUMNS)[1:])}"
        )
    for mag, flux in (("mag", "flux"), ("mag_f160w", "flux_f160w")):
        if mag in named and flux in named:
            raise DeblendError(
                f"columns of {path} names both {mag} ({named[mag]}) and {flux} ({named[flux]}): "
                "make one of them null"
            )
    table = read_table(path, named)
    read: dict[str, Any] = {}
    for ours, theirs in named.items():
        column = table[theirs]
        if ours in TEXT_COLUMNS:
            read[ours] = np.asarray(np.ma.filled(column, "")).astype(str)
            continue
        values = np.asarray(np.ma.filled(np.ma.asarray(column).astype(float), np.nan))
        radius = ours in ("half_light_radius", "fwhm")
        target = u.Unit(radius_unit) if radius else COLUMNS[ours]
        if column.unit is not None and target is not None:
            try:
                values = (values * column.unit).to_value(target)
            except u.UnitConversionError as error:
                raise DeblendError(
                    f"column {theirs} of {path} is in {column.unit}, which cannot be converted to "
                    f"{target}"
                ) from error
        if radius:
            read[f"{ours}_px"] = values / (pixel_scale_arcsec if radius_unit == "arcsec" else 1)
        elif ours.startswith("flux"):
            read[ours.replace("flux", "mag")] = mag_from_flux(values, MICROJANSKY)
        else:
            read[ours] = values
    result = pd.DataFrame(index=range(len(table)))
    for column in (*GALAXY_COLUMNS, *EXTRA_COLUMNS):
        result[column] = read.pop(column, "" if column in TEXT_COLUMNS else np.nan)
    if "morphology" not in named:
        result["morphology"] = "unknown"
    return result.assign(origin=Path(path).name, **read)


def add_redshifts(
    catalogue: pd.DataFrame, path: str | Path, columns: dict[str, str | None]
) -> pd.DataFrame:
    """Redshifts from another table with the same ids, NaN where it has none.

    Raises
    ------
    DeblendError
        The table cannot be read, or none of its ids is in the catalogue.
    """
    table = read_cutout_catalogue(path, columns, 1.0, "pix").drop_duplicates("id")
    redshift = table.set_index("id")["redshift"].reindex(catalogue["id"])
    if redshift.isna().all():
        raise DeblendError(
            f"{path} has no redshift for any id of the catalogue: check redshift_columns "
            f"({columns})"
        )
    log.info("%d of %d galaxies have a redshift in %s", redshift.count(), len(catalogue), path)
    return catalogue.assign(redshift=redshift.to_numpy())


def band_psfs(config: CutoutConfig) -> np.ndarray:
    """PSF image of each band at the cut-outs' pixel scale, (band, 65, 65), each summing to 1.

    A measured one of finer pixels is integrated over the cut-outs' pixels.

    Raises
    ------
    DeblendError
        A band has neither a file nor a FWHM, or the file holds no image.
    """
    scale = config.pixel_scale_arcsec
    psfs = []
    for band in config.bands:
        if band.psf is None:
            if band.psf_fwhm_arcsec is None:
                raise DeblendError(
                    f"band {band.name} has no PSF: give psf (a file) or psf_fwhm_arcsec"
                )
            psfs.append(psf_image(band.psf_fwhm_arcsec, config.psf_moffat_beta, scale, PSF_PX))
            continue
        image = read_array(band.psf, band.psf_key)
        if image.ndim != 2 or not np.isfinite(image).all() or image.sum() <= 0:
            raise DeblendError(
                f"the PSF {band.psf} of band {band.name} has shape {image.shape} and the sum "
                f"{image.sum()}: give one image of positive flux"
            )
        given = band.psf_pixel_scale_arcsec or scale
        # The brightest pixel becomes the central one.
        y, x = np.unravel_index(image.argmax(), image.shape)
        half = min(y, x, image.shape[0] - 1 - y, image.shape[1] - 1 - x)
        centred = np.asarray(image[y - half : y + half + 1, x - half : x + half + 1], float)
        profile = galsim.InterpolatedImage(galsim.Image(centred), scale=given)
        method = "no_pixel" if np.isclose(given, scale) else "auto"
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
    """The user's stamps, (n, band, y, x), in the order of the configured bands."""
    images = read_array(path, key)
    planes = [i if band.plane is None else band.plane for i, band in enumerate(config.bands)]
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or len(images) != n:
        raise DeblendError(
            f"{path} has shape {images.shape}, the catalogue {n} galaxies: give one stamp a "
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
            f"the stamps of {path} have {images.shape[3]} x {images.shape[2]} px: frames to "
            f"degrade have {PARENT_MIN_PX}, give larger ones"
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
        Magnitudes that columns does not name are of the sum of the stamps' positive pixels, for
        which their sky has to be exactly 0.

    Raises
    ------
    DeblendError
        Magnitudes are neither in the catalogue nor to be measured.
    """
    catalogue = read_cutout_catalogue(catalog, columns, config.pixel_scale_arcsec, radius_unit)
    measured = {"mag": config.detection_band, "mag_f160w": "f160w"}
    names = [band.name for band in config.bands]
    measured = {
        column: band
        for column, band in measured.items()
        if band in names and catalogue[column].isna().all()
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
        log.info("%s is measured on the stamps: the catalogue has none", column)
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
) -> Stamps:
    """Cut-outs from the user's stamps.

    Parameters
    ----------
    seed : int
    name : str
        Of the set of cut-outs.
    images : path
        See `deblend.data.ingest.read_array`: (galaxy, band, y, x).
    selected : DataFrame
        From `deblend.hemmati2022.cutouts.select`, a row a stamp.
    config : CutoutConfig
        parent_px is cut down to the stamps' side.
    images_key : str, optional
    add_noise : bool
        Add noise to pixels that are exactly 0, where stamps were cut at the galaxy's outline: what
        is within it has its own noise.
    recentre : bool
        Cut around the light's centroid in the detection band instead of the stamp's middle.

    Returns
    -------
    Stamps
        Of the galaxies without a reason; pixels beyond the stamp are NaN. Segmentation maps are 1
        where the detection band was not 0.
    """
    pixels = _planes(images, images_key, len(selected), config)
    rows = np.flatnonzero(selected["reason"] == "")
    n_bands, ny, nx = pixels.shape[1:]
    size = min(config.parent_px, ny, nx)
    if size < config.parent_px:
        log.warning(
            "stamps have %d x %d px: parents have %d, not %d", nx, ny, size, config.parent_px
        )
    detection = [band.name for band in config.bands].index(config.detection_band)
    sigma = np.array([band.noise_sigma for band in config.bands], np.float32)[:, None, None]
    out = np.empty((len(rows), n_bands, size, size), np.float32)
    segmaps = np.zeros((len(rows), size, size), np.int16)
    grid = np.indices((ny, nx))
    for i, row in enumerate(rows):
        light = np.maximum(np.nan_to_num(pixels[row, detection]), 0)
        y, x = ny // 2, nx // 2
        if recentre and light.any():
            y, x = (round(float(np.average(g, weights=light))) for g in grid)
        out[i] = [cut(plane, y, x, size) for plane in pixels[row].astype(np.float32)]
        segmaps[i] = np.nan_to_num(out[i, detection]) != 0
        if add_noise and why(out[i]) != "missing_band":
            rng = generator(seed, "noise", name, selected["id"].iloc[row])
            noise = sigma * rng.standard_normal(out[i].shape, np.float32)
            out[i] = np.where(out[i] == 0, noise, out[i])
    stamps = _stamps(out, selected.iloc[rows], config)
    stamps.segmaps = segmaps
    return stamps


def archive_cutouts(selected: pd.DataFrame, config: CutoutConfig) -> tuple[Stamps, np.ndarray]:
    """Cut-outs from mosaics, one a band, of which only the cut-outs' rows are read.

    Parameters
    ----------
    selected : DataFrame
        From `deblend.hemmati2022.cutouts.select`, with ra and dec (deg).
    config : CutoutConfig

    Returns
    -------
    stamps : Stamps
        Of the galaxies without a reason; the pixel that holds the position is parent_px // 2.
    reasons : ndarray of str
        "missing_band": off a mosaic or where it has no data at all (NaN, or exactly 0 as drizzling
        leaves pixels); "edge": the cut-out leaves a mosaic; "bad_pixels": some pixels without data.

    Raises
    ------
    DeblendError
        A mosaic is missing or broken, has another pixel scale or no celestial coordinates, or
        covers none of the galaxies.
    """
    galaxies = selected[selected["reason"] == ""]
    size = config.parent_px
    images = np.full((len(galaxies), len(config.bands), size, size), np.nan, np.float32)
    reasons = np.full(len(galaxies), "", dtype=object)
    positions = galaxies[["ra", "dec"]].to_numpy(float)
    for b, band in enumerate(config.bands):
        found = _cut_band(positions, band, config.pixel_scale_arcsec, images[:, b])
        log.info("%s: %s", band.name, pd.Series(found).value_counts().to_dict())
        if (found == "missing_band").all():
            raise DeblendError(
                f"band {band.name}: none of the {len(galaxies)} selected galaxies is on the mosaic "
                f"{band.mosaic}: check its address and the columns of ra and dec (degrees)"
            )
        reasons = _worse(reasons, found)
    return _stamps(images, galaxies, config), reasons


def _worse(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    order: Sequence[str] = ("missing_band", "edge", "bad_pixels", "")
    rank = {name: i for i, name in enumerate(order)}
    return np.array(
        [min(pair, key=rank.__getitem__) for pair in zip(one, other, strict=True)], dtype=object
    )


def _cut_band(
    positions: np.ndarray, band: Band, pixel_scale_arcsec: float, out: np.ndarray
) -> np.ndarray:
    """Fill the cut-outs (n, y, x) of one band; why each is of no use, "" where it is of use."""
    if band.mosaic is None:
        raise DeblendError(f"band {band.name} has no mosaic: give its path or address")
    size = out.shape[-1]
    found = np.full(len(positions), "", dtype=object)
    try:
        with fits.open(band.mosaic) as file:
            hdu = file[band.extension]
            wcs = WCS(hdu.header, naxis=2)
            what = f"band {band.name}"
            check_wcs(wcs, what, band.mosaic, band.extension, pixel_scale_arcsec)
            ny, nx = hdu.shape
            x, y = np.round(wcs.world_to_pixel_values(*positions.T))
            inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
            for i in range(len(positions)):
                if not inside[i]:
                    found[i] = "missing_band"
                    continue
                x0, y0 = int(x[i]) - size // 2, int(y[i]) - size // 2
                if x0 < 0 or y0 < 0 or x0 + size > nx or y0 + size > ny:
                    found[i] = "edge"
                    continue
                # A section reads its own rows from the file: mosaics have gigabytes.
                pixels = np.asarray(hdu.section[y0 : y0 + size, x0 : x0 + size], np.float32)
                data = np.isfinite(pixels) & (pixels != 0)
                if data.all():
                    out[i] = pixels
                else:
                    found[i] = "bad_pixels" if data.any() else "missing_band"
    except (OSError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise DeblendError(
            f"band {band.name}: cannot read extension {band.extension} of the mosaic {band.mosaic} "
            f"({error}): give a FITS image, or leave the band out"
        ) from error
    return found
