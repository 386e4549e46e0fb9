"""The catalogue of test blends, in the format that Boucaud et al. 2020 published.

Other networks than the paper's have columns under their own names.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.methods import (
    PAPER_METHODS,
    SEXTRACTOR,
    SEXTRACTOR_FLUXES,
    Method,
    catalog_methods,
)
from deblend.boucaud2020.predictions import pivot
from deblend.data.stamps import Stamps
from deblend.data.table_files import (
    MAG_RANGE,
    NUMBER,
    REDSHIFT,
    SENTINELS,
    SIZE,
    Quantity,
    numbers,
    open_table,
    texts,
)
from deblend.errors import DeblendError
from deblend.report.networks import not_learnt
from deblend.units import flux_from_mag, mag_from_flux

log = logging.getLogger(__name__)


GALAXIES = (("g1", "central"), ("g2", "companion"))


def catalog_columns(methods: Sequence[Method]) -> tuple[str, ...]:
    """Columns of a catalogue in their order: those of SExtractor follow the first network's."""
    networks = [method for method in methods if method.is_network]
    ordered = [*networks[:1], SEXTRACTOR, *networks[1:]]
    return (
        "id",
        "distance",
        *(f"{g}_{c}" for g, _ in GALAXIES for c in ("id", "mag", "rad", "z", "type")),
        "g1_flux",
        "g2_flux",
        *(f"{g}_flux_{method.suffix}" for method in ordered for g, _ in GALAXIES),
        "detection",
        "g1_sex_mag",
        "g2_sex_mag",
    )


#: Columns of the published catalogue, in its order.
COLUMNS = catalog_columns(PAPER_METHODS)


TEXT_COLUMNS = ("id", "g1_id", "g1_type", "g2_id", "g2_type")


SEXTRACTOR_COLUMNS = ("g1_flux_sex", "g2_flux_sex", "g1_sex_mag", "g2_sex_mag")


#: Codes of SExtractor's detection: nothing, the central galaxy, the companion, both, more than two.
DETECTION_CODES = (-1, 0, 1, 2, 3)


#: What columns are, in which other numbers than infinity can stand for no value. SExtractor's have
#: some where it found nothing, as an empty cell does.
QUANTITIES = {
    **dict.fromkeys(SEXTRACTOR_COLUMNS, Quantity(sentinels=SENTINELS)),
    **dict.fromkeys(("g1_rad", "g2_rad"), SIZE),
    **dict.fromkeys(("g1_z", "g2_z"), REDSHIFT),
}


def output_catalog(
    stamps: Stamps,
    blends: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    detection: pd.Series,
    methods: Sequence[Method] = PAPER_METHODS,
    sextractor_flux: str = "isophotal",
) -> pd.DataFrame:
    """Join blends, truth and predictions in the published format.

    Parameters
    ----------
    stamps : Stamps
        Only its tables are used.
    blends : DataFrame
        Of the test split.
    predictions : dict
        Name of a network's method to its long-form predictions, and "sep" to SEP's. Methods that
        are absent leave their columns empty.
    detection : Series
        SEP's detection code of each blend, indexed by blend.
    methods : sequence of Method
        Networks that have columns; SExtractor always has.
    sextractor_flux : {"isophotal", "auto"}
        Which fluxes of SEP are SExtractor's; those of the paper are isophotal.

    Returns
    -------
    DataFrame
        `catalog_columns` of the methods. Fluxes are in counts/s. True fluxes and the networks' are
        at the data set's zero point, SEP's at its fitted one. Radii and the distance are in pixels.

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
    for prefix, galaxy in GALAXIES:
        galaxy_rows = galaxies.iloc[blends[galaxy].to_numpy()].reset_index(drop=True)
        for name, column in source_columns.items():
            table[f"{prefix}_{name}"] = galaxy_rows[column]
        table[f"{prefix}_flux"] = flux_from_mag(galaxy_rows["mag"], zero_point)
    for method in dict.fromkeys((*methods, SEXTRACTOR)):
        suffix, key = method.suffix, method.name if method.is_network else "sep"
        if key not in predictions:
            table[[f"g1_flux_{suffix}", f"g2_flux_{suffix}"]] = np.nan
            continue
        sextractor = SEXTRACTOR_FLUXES[sextractor_flux][0]
        name = predictions[key]["method"].iloc[0] if method.is_network else sextractor
        flux = pivot(predictions[key], name)
        flux_zero_points = pivot(predictions[key], name, "zero_point")
        missing = np.setdiff1d(blends["blend"], flux.index)
        if len(missing):
            raise DeblendError(
                f"{key} has no prediction for {len(missing)} of {len(blends)} blends (the first "
                f"is {missing[0]}): predictions and blends are from different runs"
            )
        flux, flux_zero_points = flux.loc[blends["blend"]], flux_zero_points.loc[blends["blend"]]
        if method.is_network:
            flux = flux * 10 ** (0.4 * (zero_point - flux_zero_points))
        for prefix, galaxy in GALAXIES:
            table[f"{prefix}_flux_{suffix}"] = flux[galaxy].to_numpy()
            if not method.is_network:
                table[f"{prefix}_sex_mag"] = mag_from_flux(
                    flux[galaxy], float(flux_zero_points[galaxy].iloc[0])
                )
    table["detection"] = detection.loc[blends["blend"]].to_numpy()
    for column in ("g1_sex_mag", "g2_sex_mag"):
        if column not in table:
            table[column] = np.nan
    return table[list(catalog_columns(methods))]


def check_catalog(table: pd.DataFrame, name: str = "the catalogue") -> pd.DataFrame:
    """Check that a table is in the published format, or in that of other networks' catalogues.

    Parameters
    ----------
    table : DataFrame
        With the paper's networks, all of them, or with others, each a pair of columns
        `g1_flux_NETWORK` and `g2_flux_NETWORK`; with SExtractor.
    name : str
        Of the file, for messages.

    Returns
    -------
    DataFrame
        `catalog_columns` of its methods as numbers: detection codes as integers (files may have
        2.0), NaN where infinite or, in `QUANTITIES`, where a number stands for no value. Fluxes
        that are not positive stay: statistics count them.

    Raises
    ------
    DeblendError
        The table lacks a column, is empty, has two pairs of columns of one network, or has unknown
        detection codes, texts instead of numbers, or galaxies without a true magnitude.
    """
    columns = _columns_of(table, name)
    missing = [column for column in columns if column not in table]
    if missing:
        raise DeblendError(
            f"{name} lacks the columns {', '.join(missing)}: it has to be in the format of the "
            "catalogue that Boucaud et al. 2020 published (results/README.md)"
        )
    if table.empty:
        raise DeblendError(f"{name} has no rows")
    table = table[list(columns)].copy()
    for column in [c for c in columns if c not in TEXT_COLUMNS]:
        quantity, where = QUANTITIES.get(column, NUMBER), f"column {column} of {name}"
        # That a method has no flux for a galaxy is nothing unusual.
        table[column] = numbers(table[column], quantity, where, log_unknown="_flux" not in column)
    unknown = sorted(set(table["detection"]) - set(DETECTION_CODES), key=str)
    if unknown:
        listed = ", ".join(f"{code:g}" for code in unknown)
        raise DeblendError(
            f"{name} has detection codes [{listed}]; they can be "
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


def _columns_of(table: pd.DataFrame, name: str) -> tuple[str, ...]:
    """Columns that a table has to have: the published ones if it has one of its networks'."""
    # Either galaxy's column makes a pair, so that the other one is missed.
    names = [str(column).replace("g2_flux_", "g1_flux_") for column in table]
    try:
        methods = catalog_methods(names)
    except DeblendError as error:
        raise DeblendError(f"{name}: {error}") from error
    further = [m for m in methods if m not in PAPER_METHODS]
    only_further = bool(further) and len(further) + 1 == len(methods)
    return catalog_columns(methods if only_further else [*PAPER_METHODS, *further])


def read_catalog(path: str | Path, n_blends: int | None = None) -> pd.DataFrame:
    """Read a catalogue in the published format, see `check_catalog`.

    Parameters
    ----------
    path : path
        CSV, or another format that `deblend.data.table_files.open_table` reads.
    n_blends : int, optional
        Number of rows that the catalogue's description has.

    Raises
    ------
    DeblendError
        The file cannot be read, or is not in that format, or has another number of rows.
    """
    table = open_table(path)
    if n_blends is not None and len(table) != n_blends:
        raise DeblendError(
            f"{path} has {len(table)} blends, its description {n_blends}: delete both and run again"
        )
    frame = pd.DataFrame({name: _with_gaps(table[name]) for name in table.colnames})
    for column in set(TEXT_COLUMNS) & set(frame):
        values = texts(table[column])
        is_integer = all(text.isdecimal() for text in values.tolist())
        # Blends are numbered where the workflow makes catalogues.
        frame[column] = values.astype(int) if is_integer else pd.Series(values).replace("", np.nan)
    return check_catalog(frame, str(path))


def _with_gaps(column: np.ndarray) -> np.ndarray:
    """Values of a column of a table, NaN where it is masked, also for integers."""
    if np.ma.isMaskedArray(column) and column.dtype.kind in "biu":
        column = column.astype(float)
    return np.ma.filled(column, np.nan)


def describe_catalog(
    table: pd.DataFrame,
    stamps: Stamps,
    sep: pd.DataFrame,
    sextractor_flux: str = "isophotal",
) -> dict[str, float | int | str]:
    """Describe a catalogue: zero points, numbers of blends and galaxies, detections.

    Parameters
    ----------
    table : DataFrame
        From `output_catalog`.
    stamps : Stamps
    sep : DataFrame
        SEP's long-form predictions.
    sextractor_flux : {"isophotal", "auto"}
        As for `output_catalog`.

    Returns
    -------
    dict
        `network_zero_point`, `sextractor_zero_point` (mag), `sextractor_flux`, `noise_sigma` of the
        stamps (counts/s, at the networks' zero point), `n_blends`, `n_galaxies`, and the percentage
        of blends with each detection code.
    """
    rows = sep[sep["method"] == SEXTRACTOR_FLUXES[sextractor_flux][0]]
    return {
        "network_zero_point": float(stamps.bands.zero_point[0]),
        "sextractor_zero_point": float(rows["zero_point"].iloc[0]),
        "sextractor_flux": sextractor_flux,
        "noise_sigma": stamps.noise()[0],
        **_counts(table),
    }


def describe_networks(records: Sequence[dict[str, Any]], of_paper: bool) -> dict[str, str | None]:
    """Describe the networks of a catalogue.

    Parameters
    ----------
    records : sequence of dict
        Descriptions of one or two networks (`deblend.report.networks.read_networks`): the second
        one is the joint network of the paper's catalogue.
    of_paper : bool
        Whether the catalogue has the paper's names for them, else their own.

    Returns
    -------
    dict
        `network`, `joint`: their names, None for no joint network. `architecture`: that of the
        network under its own name, which is the paper's name of such networks; else None.
        `not_learnt`: which of them have learnt nothing, if any.
    """
    names = [record["name"] for record in records]
    return {
        "network": names[0],
        "joint": names[1] if len(names) > 1 else None,
        "architecture": None if of_paper else records[0]["architecture"],
        "not_learnt": not_learnt(records),
    }


def zero_points(about: dict[str, Any]) -> dict[str, float]:
    """Zero points of a catalogue from its description, as figures' functions take them."""
    return {name: about[name] for name in ("network_zero_point", "sextractor_zero_point")}


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
