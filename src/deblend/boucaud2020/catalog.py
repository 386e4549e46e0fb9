"""The catalogue of test blends, in the format that Boucaud et al. 2020 published."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.boucaud2020.predictions import pivot
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.units import flux_from_mag, mag_from_flux

log = logging.getLogger(__name__)


#: Columns of the published catalogue, in its order.
COLUMNS = (
    "id",
    "distance",
    *(f"g1_{c}" for c in ("id", "mag", "rad", "z", "type")),
    *(f"g2_{c}" for c in ("id", "mag", "rad", "z", "type")),
    "g1_flux",
    "g2_flux",
    "g1_flux_b2f",
    "g2_flux_b2f",
    "g1_flux_sex",
    "g2_flux_sex",
    "g1_flux_b2m2f",
    "g2_flux_b2m2f",
    "detection",
    "g1_sex_mag",
    "g2_sex_mag",
)


#: Column suffixes of the methods.
SUFFIXES = {"blend2flux": "b2f", "blend2mask2flux": "b2m2f", "sep_iso": "sex"}


#: Codes of SExtractor's detection: nothing, the central galaxy, the companion, both, more than two.
DETECTION_CODES = (-1, 0, 1, 2, 3)


#: Numbers that stand for "not found" in SExtractor's columns, as an empty cell does.
SENTINELS = (-9999.0, -999.0, -99.0, 99.0, 999.0, 9999.0)


#: Range of AB magnitudes that a galaxy can have.
MAG_RANGE = (5.0, 40.0)


def output_catalog(
    stamps: Stamps,
    blends: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    detection: pd.Series,
) -> pd.DataFrame:
    """Join blends, truth and predictions in the published format.

    Parameters
    ----------
    stamps : Stamps
        Only its tables are used.
    blends : DataFrame
        Of the test split.
    predictions : dict
        Method (a key of `SUFFIXES`) to long-form predictions. Methods that are absent leave their
        columns empty.
    detection : Series
        SEP's detection code of each blend, indexed by blend.

    Returns
    -------
    DataFrame
        `COLUMNS`. Fluxes are in counts/s. True fluxes and the networks' are at the data set's zero
        point, SEP's (isophotal) at its fitted one. Radii and the distance are in pixels.

    Raises
    ------
    DeblendError
        Predictions are missing for some blends.
    """
    galaxies = stamps.galaxies
    zero_point = float(stamps.bands.zero_point[0])
    table = pd.DataFrame({"id": blends["blend"], "distance": np.hypot(blends.dx, blends.dy)})
    source_columns = {
        "id": "id",
        "mag": "mag",
        "rad": "half_light_radius_px",
        "z": "redshift",
        "type": "morphology",
    }
    for prefix, galaxy in (("g1", "central"), ("g2", "companion")):
        galaxy_rows = galaxies.iloc[blends[galaxy].to_numpy()].reset_index(drop=True)
        for name, column in source_columns.items():
            table[f"{prefix}_{name}"] = galaxy_rows[column]
        table[f"{prefix}_flux"] = flux_from_mag(galaxy_rows["mag"], zero_point)
    for method, suffix in SUFFIXES.items():
        if method not in predictions:
            table[[f"g1_flux_{suffix}", f"g2_flux_{suffix}"]] = np.nan
            continue
        method_name = "sep_iso" if suffix == "sex" else predictions[method]["method"].iloc[0]
        flux = pivot(predictions[method], method_name)
        flux_zero_points = pivot(predictions[method], method_name, "zero_point")
        missing = np.setdiff1d(blends["blend"], flux.index)
        if len(missing):
            raise DeblendError(
                f"{method} has no prediction for {len(missing)} of {len(blends)} blends (the first "
                f"is {missing[0]}): predictions and blends are from different runs"
            )
        flux, flux_zero_points = flux.loc[blends["blend"]], flux_zero_points.loc[blends["blend"]]
        if suffix != "sex":
            flux = flux * 10 ** (0.4 * (zero_point - flux_zero_points))
        for prefix, galaxy in (("g1", "central"), ("g2", "companion")):
            table[f"{prefix}_flux_{suffix}"] = flux[galaxy].to_numpy()
            if suffix == "sex":
                table[f"{prefix}_sex_mag"] = mag_from_flux(
                    flux[galaxy], float(flux_zero_points[galaxy].iloc[0])
                )
    table["detection"] = detection.loc[blends["blend"]].to_numpy()
    for column in ("g1_sex_mag", "g2_sex_mag"):
        if column not in table:
            table[column] = np.nan
    return table[list(COLUMNS)]


def check_catalog(table: pd.DataFrame, name: str = "the catalogue") -> pd.DataFrame:
    """Check that a table is in the published format.

    Parameters
    ----------
    table : DataFrame
    name : str
        Of the file, for messages.

    Returns
    -------
    DataFrame
        `COLUMNS` as numbers: detection codes as integers (files may have 2.0), SExtractor's fluxes
        and magnitudes NaN where they hold one of the sentinels for "not found" (`SENTINELS`), all
        fluxes NaN where infinite. Fluxes that are not positive stay: statistics count them.

    Raises
    ------
    DeblendError
        The table lacks a column, is empty, or has unknown detection codes, texts instead of
        numbers, or galaxies without a true magnitude.
    """
    missing = [c for c in COLUMNS if c not in table]
    if missing:
        raise DeblendError(
            f"{name} lacks the columns {', '.join(missing)}: it has to be in the format of the "
            "catalogue that Boucaud et al. 2020 published (results/README.md)"
        )
    if table.empty:
        raise DeblendError(f"{name} has no rows")
    table = table[list(COLUMNS)].copy()
    for column in [c for c in COLUMNS if not c.endswith(("id", "_type"))]:
        numbers = pd.to_numeric(table[column], errors="coerce")
        bad = numbers.isna() & table[column].notna()
        if bad.any():
            raise DeblendError(
                f"{name}: {column} has {bad.sum()} values that are not numbers, the first is "
                f"{table[column][bad].iloc[0]!r}: correct them, or leave them empty"
            )
        table[column] = numbers.replace([np.inf, -np.inf], np.nan)
        if column.endswith(("_sex", "_sex_mag")):
            table[column] = table[column].mask(table[column].isin(SENTINELS))
    unknown = sorted(set(table["detection"]) - set(DETECTION_CODES), key=str)
    if unknown:
        raise DeblendError(
            f"{name} has detection codes {unknown}; they can be "
            f"{', '.join(map(str, DETECTION_CODES))}"
        )
    table["detection"] = table["detection"].astype(int)
    for column in ("g1_mag", "g2_mag"):
        bad = ~table[column].between(*MAG_RANGE)
        if bad.any():
            raise DeblendError(
                f"{name}: {column}, the truth, is no magnitude in {bad.sum()} rows (the first is "
                f"{table[column][bad].iloc[0]} of blend {table['id'][bad].iloc[0]}): leave those "
                "rows out"
            )
    return table


def read_catalog(path: str | Path) -> pd.DataFrame:
    """Read a catalogue in the published format: CSV, see `check_catalog`.

    Raises
    ------
    DeblendError
        The file cannot be read as CSV, or is not in that format.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DeblendError(f"cannot read {path} as a CSV table: {error}") from error
    return check_catalog(table, str(path))


def describe_catalog(
    table: pd.DataFrame, stamps: Stamps, predictions: dict[str, pd.DataFrame]
) -> dict[str, float | int]:
    """Describe a catalogue: zero points, numbers of blends and galaxies, detections.

    Returns
    -------
    dict
        `network_zero_point`, `sextractor_zero_point` (mag), `n_blends`, `n_galaxies`, and the
        percentage of blends with each detection code.
    """
    sextractor = predictions["sep_iso"]
    isophotal = sextractor[sextractor["method"] == "sep_iso"]
    return {
        "network_zero_point": float(stamps.bands.zero_point[0]),
        "sextractor_zero_point": float(isophotal["zero_point"].iloc[0]),
        **_counts(table),
    }


#: Largest range of the zero points of a catalogue's galaxies that counts as one zero point, mag.
ZERO_POINT_TOLERANCE = 0.005


def common_zero_point(table: pd.DataFrame, flux: str, mag: str) -> float | None:
    """Zero point by which a catalogue's fluxes correspond to its magnitudes, if there is one.

    Parameters
    ----------
    table : DataFrame
    flux, mag : str
        Names of columns, with `{}` for the galaxy's number.

    Returns
    -------
    float or None
        None if no galaxy has both, or if fluxes and magnitudes are of different measurements, so
        that each galaxy gives another zero point.
    """
    parts = []
    for number in (1, 2):
        positive_flux = table[flux.format(number)].where(table[flux.format(number)] > 0)
        parts.append(table[mag.format(number)] + 2.5 * np.log10(positive_flux))
    zero_points = pd.concat(parts).replace([np.inf, -np.inf], np.nan).dropna()
    if zero_points.empty or np.ptp(zero_points) > ZERO_POINT_TOLERANCE:
        return None
    return float(np.round(zero_points.median(), 6))


def describe_published(
    table: pd.DataFrame, zero_points: dict[str, float]
) -> dict[str, float | int | str]:
    """Describe the catalogue that Boucaud et al. 2020 published, as `describe_catalog`.

    Parameters
    ----------
    table : DataFrame
        Its fluxes and magnitudes give the zero points.
    zero_points : dict
        Published zero points of `networks` and `sextractor`, mag. They are used if the table gives
        none.

    Returns
    -------
    dict
        `zero_points_from` has the source of each zero point. A warning is logged if the table gives
        none, or one that differs from the published one.
    """
    columns = {
        "networks": ("g{}_flux", "g{}_mag"),
        "sextractor": ("g{}_flux_sex", "g{}_sex_mag"),
    }
    used, source = dict(zero_points), dict.fromkeys(columns, "the paper")
    for name, (flux, mag) in columns.items():
        value = common_zero_point(table, flux, mag)
        if value is None:
            log.warning(
                "%s and %s of the catalogue have no zero point in common: the published %.3f is "
                "taken for %s",
                *(flux.format("?"), mag.format("?"), zero_points[name], name),
            )
            continue
        used[name], source[name] = value, "the catalogue"
        if abs(value - zero_points[name]) > ZERO_POINT_TOLERANCE:
            log.warning(
                "the zero point of %s is %.3f, the published one %.3f: the catalogue's is taken",
                *(name, value, zero_points[name]),
            )
    return {
        "network_zero_point": used["networks"],
        "sextractor_zero_point": used["sextractor"],
        "zero_points_from": "; ".join(f"{name}: {origin}" for name, origin in source.items()),
        **_counts(table),
        "scale": "published",
        "dataset": "published",
        "label": "catalogue published by Boucaud et al. 2020",
    }


def _counts(table: pd.DataFrame) -> dict[str, float | int]:
    galaxies = pd.concat([table["g1_id"], table["g2_id"]])
    return {
        "n_blends": len(table),
        "n_galaxies": int(galaxies.nunique()),
        **{
            f"detection_{code}_percent": float(100 * (table["detection"] == code).mean())
            for code in DETECTION_CODES
        },
    }
