"""Cut-outs in several bands from the user's stamps, and catalogues (Hemmati et al. 2022, Sect. 2).

The configuration gives the names of a catalogue's columns (`read_cutout_catalogue`). Cut-outs from
mosaics are in `deblend.hemmati2022.mosaic_cutouts`.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd
from deblend.data.coordinates import check_scale
from deblend.data.image_files import read_pixels
from deblend.data.image_noise import checked_noise
from deblend.data.image_units import UnitNote, counts_factor, report_units
from deblend.data.ingest import QUANTITIES, cut
from deblend.data.listing import files_by_id, stamp_files
from deblend.data.psfs import read_centred_psf
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
from deblend.hemmati2022.cutout_config import (
    PARENT_MIN_PX,
    Band,
    BandPsf,
    CutoutConfig,
    Cutouts,
)
from deblend.hemmati2022.cutouts import EXTRA_COLUMNS, rejection_reason
from deblend.hemmati2022.degrade import psf_image
from deblend.seeds import generator
from deblend.units import mag_from_flux

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


#: Cut-outs that are in memory at a time: 100 of seven bands and 152 px have 65 MB.
BATCH = 100


def cutout_config(
    options: dict[str, Any],
    mosaics: Sequence[str] = (),
    psfs: Sequence[str] = (),
    weights: Sequence[str] = (),
) -> CutoutConfig:
    """Make a `CutoutConfig` from keys of the configuration and the paths of files.

    Parameters
    ----------
    options : dict
    mosaics : sequence of path
        Of all bands, or none.
    psfs : sequence of path
        Of the bands that have a measured PSF, in their order.
    weights : sequence of path
        Of the bands that have a weight map, in their order.
    """
    bands = [dict(band) for band in options["bands"]]
    for band, mosaic in zip(bands, mosaics, strict=False):
        band["mosaic"] = mosaic
    weight_paths = iter(weights)
    for band in bands:
        if weights and band.get("weight"):
            band["weight"] = next(weight_paths)
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
        A band has neither a file nor a FWHM, or see `deblend.data.psfs.read_centred_psf`.
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
        name = f"the PSF {band.psf} of band {band.name}"
        psf_scale = band.psf_pixel_scale_arcsec or scale
        centred = read_centred_psf(band.psf, band.psf_key, name, psf_scale, on_pixel=True)
        profile = galsim.InterpolatedImage(galsim.Image(centred), scale=psf_scale)
        method = "no_pixel" if np.isclose(psf_scale, scale) else "auto"
        drawn = profile.drawImage(nx=PSF_PX, ny=PSF_PX, scale=scale, method=method, dtype=float)
        psfs.append(drawn.array / drawn.array.sum())
    return np.stack(psfs)


def band_noise(images: np.ndarray, config: CutoutConfig, *, is_added: bool = False) -> list[float]:
    """Noise of each band, compared with that of images (n, band, y, x).

    Noise that is added (`is_added`) takes the place of pixels that are exactly 0, and is not
    compared: those that are not have their own. See `deblend.data.image_noise.checked_noise`.
    """
    noise = []
    for b, band in enumerate(config.bands):
        subject = f"band {band.name}"
        if is_added and band.noise_sigma is not None:
            noise.append(float(band.noise_sigma))
            continue
        noise.append(
            checked_noise(images[:, b], band.noise_sigma, subject=subject, is_added=is_added)
        )
    return noise


def cutout_stamps(
    images: np.ndarray, galaxies: pd.DataFrame, config: CutoutConfig, noise: Sequence[float]
) -> Stamps:
    """Cut-outs (n, band, y, x) with the tables of galaxies and bands, and PSFs.

    The noise of a pixel in each band is that of `band_noise`.
    """
    bands = pd.DataFrame(
        {
            "name": band.name,
            "pixel_scale_arcsec": float(config.pixel_scale_arcsec),
            "zero_point": float(band.zero_point),
            "noise_sigma": float(sigma),
        }
        for band, sigma in zip(config.bands, noise, strict=True)
    )
    return Stamps(
        images,
        np.zeros((len(images), *images.shape[2:]), np.int16),
        galaxies.drop(columns=["split", "reason"], errors="ignore").reset_index(drop=True),
        bands,
        band_psfs(config),
    )


def band_factor(
    header: Any,
    band: Band,
    config: CutoutConfig,
    path: str | Path | None,
    notes: list[UnitNote] | None = None,
) -> float:
    """Factor by which the pixels of a band have to be multiplied to be counts/s.

    See `deblend.data.image_units.counts_factor`: the header is that of the file `path`.
    """
    return counts_factor(
        header,
        band.unit,
        zero_point=band.zero_point,
        pixel_scale_arcsec=config.pixel_scale_arcsec,
        source=f"band {band.name}: {path}",
        notes=notes,
    )


def _planes(
    images: str | Path | Sequence[str],
    key: str | None,
    mask_bits: Sequence[int | str] | None,
    ids: pd.Series,
    config: CutoutConfig,
) -> np.ndarray:
    """Read the user's stamps, (n, band, y, x), counts/s, in the order of the configured bands.

    Raises
    ------
    DeblendError
        Shapes do not fit the catalogue, the bands or each other; or see
        `deblend.data.listing.files_by_id` and `deblend.data.coordinates.check_scale`.
    """
    files = stamp_files(images)
    if files is None:
        path = Path(str(images))
        pixels = read_pixels(path, key, mask_bits)
        check_scale(pixels.header, config.pixel_scale_arcsec, path)
        array = pixels.values
        if array.ndim == 3:
            array = array[:, None]
        if array.ndim != 4 or len(array) != len(ids):
            raise DeblendError(
                f"{path} has shape {array.shape}, the catalogue {len(ids)} galaxies: give one "
                "stamp per galaxy, (galaxy, band, y, x)"
            )
        return _in_counts(array, pixels.header, path, config)
    stamps = []
    paths = files_by_id(images, files, ids)
    notes: dict[str, list[UnitNote]] = {band.name: [] for band in config.bands}
    for path in paths:
        pixels = read_pixels(path, key, mask_bits)
        check_scale(pixels.header, config.pixel_scale_arcsec, path)
        array = pixels.values
        if array.ndim == 2:
            array = array[None]
        if array.ndim != 3:
            raise DeblendError(
                f"{path} has shape {array.shape}: give the stamp of one galaxy, (y, x) or "
                "(band, y, x)"
            )
        stamps.append(_in_counts(array[None], pixels.header, path, config, notes)[0])
    for name, of_files in notes.items():
        report_units(of_files, f"band {name}")
    sides = np.array([stamp.shape[1:] for stamp in stamps])
    too_small = np.flatnonzero((sides < config.parent_px).any(axis=1))
    if (sides == sides[0]).all():
        return np.stack(stamps)
    if len(too_small):
        first = too_small[0]
        raise DeblendError(
            f"{len(too_small)} of {len(stamps)} stamps, which have different sizes, are smaller "
            f"than parent_px {config.parent_px}; the first is that of galaxy {ids.iloc[first]} in "
            f"{paths[first]}, {sides[first, 1]} x {sides[first, 0]} px: give larger ones, a "
            "smaller parent_px, or a catalogue without these galaxies"
        )
    size = int(sides.min())
    return np.stack(
        [
            [cut(band, band.shape[0] // 2, band.shape[1] // 2, size) for band in stamp]
            for stamp in stamps
        ]
    )


def _in_counts(
    images: np.ndarray,
    header: Any,
    path: Path,
    config: CutoutConfig,
    notes: dict[str, list[UnitNote]] | None = None,
) -> np.ndarray:
    """Stamps (n, band, y, x) of a file in counts/s, in the order of the configured bands."""
    planes = [i if band.plane is None else band.plane for i, band in enumerate(config.bands)]
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
    images = images if planes == list(range(images.shape[1])) else images[:, planes]
    factors = [
        band_factor(header, band, config, path, None if notes is None else notes[band.name])
        for band in config.bands
    ]
    if all(factor == 1 for factor in factors):
        return images
    return images * np.array(factors)[:, None, None]


def files_catalogue(
    images: str | Path | Sequence[str],
    images_key: str | None,
    catalog: str,
    columns: dict[str, str | None],
    radius_unit: str,
    config: CutoutConfig,
    mask_bits: Sequence[int | str] | None = None,
) -> pd.DataFrame:
    """Catalogue of the user's stamps.

    Parameters
    ----------
    images, images_key, catalog, columns, radius_unit
        See `deblend.data.image_files.read_pixels` and `read_cutout_catalogue`; images can be a file
        or, see `deblend.data.listing.stamp_files`, a file each.
    config : CutoutConfig
    mask_bits : sequence of int and str, optional
        See `deblend.data.image_files.read_pixels`.

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
    pixels = _planes(images, images_key, mask_bits, catalogue["id"], config)
    for column, name in measured.items():
        band = config.bands[names.index(name)]
        plane = np.nan_to_num(pixels[:, names.index(name)], posinf=0)
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
    images: str | Path | Sequence[str],
    selected: pd.DataFrame,
    config: CutoutConfig,
    *,
    images_key: str | None,
    add_noise: bool,
    recentre: bool,
    mask_bits: Sequence[int | str] | None = None,
) -> Iterator[Stamps]:
    """Cut-outs from the user's stamps, `BATCH` at a time.

    Parameters
    ----------
    seed : int
    name : str
        Name of the set of cut-outs: part of the seed.
    images : path or sequence of str
        Stamps, in a file (galaxy, band, y, x) or in a file (band, y, x) each, see
        `deblend.data.listing.stamp_files`.
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
    mask_bits : sequence of int and str, optional
        See `deblend.data.image_files.read_pixels`.

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
    pixels = _planes(images, images_key, mask_bits, selected["id"], config)
    kept = np.flatnonzero(selected["reason"] == "")
    noise = band_noise(pixels[kept[:: -(-len(kept) // BATCH) or 1]], config, is_added=add_noise)
    ny, nx = pixels.shape[2:]
    size = min(config.parent_px, ny, nx)
    if size < config.parent_px:
        log.warning(
            "stamps have %d x %d px: cut-outs have %d px, not %d", nx, ny, size, config.parent_px
        )
    detection = [band.name for band in config.bands].index(config.detection_band)
    sigma = np.array(noise, np.float32)[:, None, None]
    pixel_grid = np.indices((ny, nx))
    for rows in batches(kept):
        out = np.empty((len(rows), len(config.bands), size, size), np.float32)
        segmaps = np.zeros((len(rows), size, size), np.int16)
        for i, row in enumerate(rows):
            light = np.maximum(np.nan_to_num(pixels[row, detection], posinf=0), 0)
            y, x = ny // 2, nx // 2
            if recentre and light.any():
                y, x = (round(float(np.average(g, weights=light))) for g in pixel_grid)
            out[i] = [cut(plane, y, x, size) for plane in pixels[row].astype(np.float32)]
            segmaps[i] = np.nan_to_num(out[i, detection]) != 0
            if add_noise and rejection_reason(out[i]) != "missing_band":
                rng = generator(seed, "noise", name, selected["id"].iloc[row])
                drawn = sigma * rng.standard_normal(out[i].shape, np.float32)
                out[i] = np.where(out[i] == 0, drawn, out[i])
        stamps = cutout_stamps(out, selected.iloc[rows], config, noise)
        stamps.segmaps = segmaps
        yield stamps


def batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows, `BATCH` at a time."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
