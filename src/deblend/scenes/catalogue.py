"""The catalogue of a set of scenes: one row for each source, with units, UCDs and flags."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.files import atomic
from deblend.scenes.flags import FLAGS
from deblend.scenes.inject import RECOVERY_COLUMNS, recovery
from deblend.scenes.networks import intrinsic_radius_arcsec
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import find_sources
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)

#: Zero point of a flux of 1 uJy.
MICROJANSKY = 23.9

#: Unit, UCD and description of the columns of sources.
SOURCE_COLUMNS = {
    "scene": ("", "meta.id", "number of the image, from 0"),
    "name": ("", "meta.id;meta.file", "name of the image"),
    "source": ("", "meta.id;meta.main", "number of the source in its image, from 0"),
    "x_px": ("pix", "pos.cartesian.x;instr.pixel", "x, 0 at the centre of the first pixel"),
    "y_px": ("pix", "pos.cartesian.y;instr.pixel", "y, 0 at the centre of the first pixel"),
    "ra": ("deg", "pos.eq.ra;meta.main", "right ascension by the header of the image"),
    "dec": ("deg", "pos.eq.dec;meta.main", "declination by the header of the image"),
    "detected": ("", "meta.code", "whether SEP detects the source"),
    "radius_arcsec": (
        "arcsec",
        "phys.angSize;src",
        "half-light radius by SEP, the PSF subtracted in quadrature",
    ),
}

#: The same of what a method measures.
METHOD_COLUMNS = {
    "flux": ("uJy", "phot.flux.density", "flux density"),
    "flux_error": ("uJy", "stat.error;phot.flux.density", "error of the noise alone"),
    "mag": ("mag", "phot.mag", "AB magnitude"),
    "flags": ("", "meta.code.qual", "sum of flags, see the header"),
    "p_blend": ("", "stat.probability", "probability of a blend"),
    "mask_area": ("arcsec2", "phys.angArea;src", "area of the mask"),
    "n_peaks": ("", "meta.number", "peaks in the network's image"),
}

#: The same of what is known of the image of a source in a band.
IMAGE_COLUMNS = {
    "sky_counts": ("ct / s", "instr.background", "sky level that was subtracted from a pixel"),
    "noise_counts": ("ct / s", "instr.det.noise", "standard deviation of the noise of a pixel"),
}

#: Units of fluxes, which those of pictures do not have.
FLUX_UNITS = ("uJy", "ct / s")


def source_table(scenes: Scenes) -> pd.DataFrame:
    """Sources of scenes with the columns of `SOURCE_COLUMNS`; `ra` and `dec` only if known.

    Also those of `IMAGE_COLUMNS`, with the name of each band.
    """
    sources = find_sources(scenes)
    scene = sources["scene"].to_numpy(int)
    table = sources[["scene", "source", "x_px", "y_px"]].copy()
    table.insert(1, "name", [scenes.names[i] for i in scene])
    if scenes.wcs:
        sky = np.full((len(table), 2), np.nan)
        for i in np.unique(scene):
            rows = scene == i
            wcs = WCS(fits.Header.fromstring(scenes.wcs[i]))
            sky[rows] = wcs.all_pix2world(table.loc[rows, ["x_px", "y_px"]].to_numpy(), 0)
        table["ra"], table["dec"] = sky.T
    table["detected"] = sources["found"].to_numpy(bool)
    radius = sources["radius_px"].to_numpy(float)
    for band, name in enumerate(scenes.bands):
        if scenes.sky is not None:
            table[f"sky_counts_{name}"] = scenes.sky[scene, band]
        table[f"noise_counts_{name}"] = scenes.noise_sigma[scene, band]
    table["radius_arcsec"] = intrinsic_radius_arcsec(scenes, scenes.detection_band, radius)
    return table


def wide_table(scenes: Scenes, sources: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of all methods to the table of sources.

    Parameters
    ----------
    scenes : Scenes
    sources : DataFrame
        From `source_table`.
    measured : DataFrame
        Tables of all methods.

    Returns
    -------
    DataFrame
        For each method the columns of `METHOD_COLUMNS` that it has values of, named
        QUANTITY_METHOD, and QUANTITY_METHOD_BAND if the scenes have several bands. Fluxes of
        pictures are sums of pixels, and have no magnitudes.
    """
    keys = ["scene", "source"]
    parts = [sources]
    for (method, band), rows in measured.groupby(["method", "band"], sort=False):
        zero_point = float(scenes.zero_points[scenes.bands.index(band)])
        factor = 1.0 if scenes.stretched else 10 ** (0.4 * (MICROJANSKY - zero_point))
        suffix = method if len(scenes.bands) == 1 else f"{method}_{band}"
        columns: dict[str, Any] = {}
        if rows["flux"].notna().any():
            columns["flux"] = rows["flux"] * factor
            if rows["flux_error"].notna().any():
                columns["flux_error"] = rows["flux_error"] * factor
            if not scenes.stretched:
                columns["mag"] = mag_from_flux(rows["flux"].to_numpy(), zero_point)
        if rows["p_blend"].notna().any():
            columns["p_blend"] = rows["p_blend"]
        if rows["mask_area_px"].notna().any():
            columns["mask_area"] = rows["mask_area_px"] * scenes.pixel_scale_arcsec**2
        if (rows["n_peaks"] >= 0).any():
            columns["n_peaks"] = rows["n_peaks"]
        columns["flags"] = rows["flags"]
        part = rows[keys].assign(**{f"{k}_{suffix}": v for k, v in columns.items()})
        aligned = sources[keys].merge(part, on=keys, how="left").drop(columns=keys)
        for name in aligned:
            if name.startswith(("flags_", "n_peaks_")):
                missing = FLAGS["not_found"][0] if name.startswith("flags_") else -1
                aligned[name] = aligned[name].fillna(missing).astype(int)
        parts.append(aligned)
    return pd.concat(parts, axis=1)


def write_catalogue(path: str | Path, table: pd.DataFrame, meta: Mapping[str, Any]) -> None:
    """Write a wide table as ECSV with units, UCDs and descriptions of all columns.

    Parameters
    ----------
    path : path
    table : DataFrame
        From `wide_table`.
    meta : dict
        Plain values for the header. The flag bits are added. With `stretched` fluxes have no unit.
    """
    result = Table.from_pandas(table)
    for name in result.colnames:
        unit, ucd, text = _described(name)
        column = result[name]
        column.description = text
        column.meta["ucd"] = ucd
        if unit and not (meta.get("stretched") and unit in FLUX_UNITS):
            column.unit = unit
    bits = {name: {"bit": value, "means": text} for name, (value, text) in FLAGS.items()}
    result.meta.update({**meta, "flags": bits})
    with atomic(path) as temporary:
        result.write(temporary, format="ascii.ecsv", overwrite=True)


def _described(name: str) -> tuple[str, str, str]:
    """Unit, UCD and description of a column."""
    if name in SOURCE_COLUMNS:
        return SOURCE_COLUMNS[name]
    # The longest first, since flux_error begins with flux.
    columns = METHOD_COLUMNS | IMAGE_COLUMNS
    quantity = next(q for q in sorted(columns, key=len, reverse=True) if name.startswith(f"{q}_"))
    unit, ucd, text = columns[quantity]
    return unit, ucd, f"{text}, {name.removeprefix(f'{quantity}_')}"


def catalogue_meta(
    scenes: Scenes,
    injected: Scenes | None,
    of_injected: pd.DataFrame,
    *,
    sources: pd.DataFrame,
    data: Mapping[str, Any],
    networks: Mapping[str, Any],
    notes: Mapping[str, str],
    left_out: Mapping[str, str],
    code: Mapping[str, Any],
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Header of the catalogue, and the recovery of injected galaxies.

    Parameters
    ----------
    scenes, injected : Scenes
    of_injected : DataFrame
        Tables of all methods for the injected scenes.
    sources : DataFrame
        From `source_table`.
    data : dict
        The entry of the configuration.
    networks : dict
        What each network is.
    notes, left_out : dict
        What was compared and resampled, and why a method was left out, by method.
    code : dict
        Commit of the code and whether it is modified.
    """
    found = recovery(injected, of_injected) if injected is not None else recovery_of_none()
    bands = {
        name: {
            "zero_point": float(scenes.zero_points[b]),
            "median_noise_sigma": float(np.median(scenes.noise_sigma[:, b])),
        }
        for b, name in enumerate(scenes.bands)
    }
    empty = sorted(set(range(len(scenes))) - set(sources["scene"].tolist()))
    rows = [{k: _plain(v) for k, v in row.items()} for row in found.to_dict("records")]
    return {
        "data": dict(data),
        "n_scenes": len(scenes),
        "stretched": scenes.stretched,
        "noise": dict(zip(scenes.bands, scenes.noise_notes, strict=False)),
        "scenes_without_sources": [scenes.names[i] for i in empty],
        "pixel_scale_arcsec": scenes.pixel_scale_arcsec,
        "bands": bands,
        "networks": dict(networks),
        "compared": dict(notes),
        "left_out": dict(left_out),
        "injected": rows,
        "code": dict(code),
    }, found


def recovery_of_none() -> pd.DataFrame:
    """The table of `deblend.scenes.inject.recovery` where nothing was injected."""
    return pd.DataFrame(columns=list(RECOVERY_COLUMNS))


def _plain(value: Any) -> Any:
    """A value for the header, with four digits; None where it is not known."""
    if isinstance(value, float | np.floating):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
