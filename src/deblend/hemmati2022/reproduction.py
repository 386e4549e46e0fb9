"""The numbers of Hemmati et al. 2022 beside ours."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from deblend.hemmati2022.metrics import (
    detection_fractions,
    edges,
    false_positive_rate,
    improvement,
    measured,
    with_resolutions,
)
from deblend.report.numbers import Row


def detection_rows(published: Mapping[str, Any], detections: pd.DataFrame) -> Iterator[Row]:
    """Shares of the blends that are detected (Abstract, Sects 4 and 4.2, Fig. 5).

    Parameters
    ----------
    published : dict
        `detected_percent`, `undetected_percent`, `detected_at_low_flux_ratio_percent`,
        `detected_multi_percent`, `multi_gain_percent`, `n_blends`.
    detections : DataFrame
        See `deblend.hemmati2022.metrics.with_resolutions`.
    """
    table = with_resolutions(detections)
    n = float(len(table))
    share = {r: 100 * float(table[f"detected_{r}"].mean()) for r in measured(table)}
    for resolution, value in published["detected_percent"].items():
        mine = share.get(resolution, math.nan)
        yield Row(f"Sect. 4, {resolution} resolution", "detection_percent", value, mine, n)
    for resolution, value in published["undetected_percent"].items():
        mine = 100 - share.get(resolution, math.nan)
        yield Row(f"Abstract, {resolution} resolution", "undetected_percent", value, mine, n)
    multi = share.get("gan_multi", math.nan)
    item = "Sect. 4.2, gan resolution, multi-band"
    yield Row(item, "detection_percent", published["detected_multi_percent"], multi, n)
    gain = multi - share.get("gan", math.nan)
    yield Row(item, "gain_percent", published["multi_gain_percent"], gain, n)
    yield Row("Sect. 4", "n_blends", published["n_blends"], n)
    # "Very low flux ratios" are the first bin of Fig. 5.
    first = pd.DataFrame()
    if n:
        bins = detection_fractions(table, "delta_mag", edges(table["delta_mag"]), measured(table))
        first = bins[bins["bin_low"] == bins["bin_low"].min()].set_index("resolution")
    for resolution, value in published["detected_at_low_flux_ratio_percent"].items():
        there = resolution in first.index
        mine = 100 * float(first.loc[resolution, "fraction"]) if there else math.nan
        n_first = float(first.loc[resolution, "n"]) if there else math.nan
        item = f"Sect. 4, {resolution} resolution, lowest flux ratios"
        yield Row(item, "detection_percent", value, mine, n_first)


def false_positive_rows(
    published: Mapping[str, Any], false_positives: pd.DataFrame
) -> Iterator[Row]:
    """The GAN's false positives on single galaxies, and with the blends of one peak (Sect. 4).

    Parameters
    ----------
    published : dict
        `false_positive_percent`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    """
    for item, samples in (
        ("Sect. 4, unblended", ["unblended"]),
        ("Sect. 4, unblended and one peak", ["unblended", "one_peak"]),
    ):
        found = false_positive_rate(false_positives, "gan", samples)
        value, rate = published["false_positive_percent"], 100 * float(found["rate"])
        yield Row(item, "false_positive_percent", value, rate, float(found["n"]))


def photometry_rows(published: Mapping[str, Any], photometry: pd.DataFrame) -> Iterator[Row]:
    """The improvement of the photometry (Abstract, Sect. 4.1).

    Parameters
    ----------
    published : dict
        `flux_improvement`.
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`.
    """
    found = improvement(photometry)
    value = published["flux_improvement"]
    yield Row("Abstract, Sect. 4.1", "flux_improvement", value, found["ratio"], found["n"])


def som_rows(published: Mapping[str, Any], som: Mapping[str, Any]) -> Iterator[Row]:
    """How many blends there are in a cell of the self-organising map (Sect. 4).

    Parameters
    ----------
    published : dict
        `som` with `mean`, `median`, `dispersion`, `rows`, `columns`.
    som : dict
        `som.json`: `mean_occupancy`, `median_occupancy`, `dispersion`, `shape`.
    """
    theirs = published["som"]
    mine = {
        "mean": som["mean_occupancy"],
        "median": som["median_occupancy"],
        "dispersion": som["dispersion"],
        "rows": som["shape"][0],
        "columns": som["shape"][1],
    }
    for name, value in mine.items():
        yield Row("Sect. 4, map of blends", f"cells_{name}", theirs[name], float(value))


def our_rows(
    published: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], som: Mapping[str, Any]
) -> list[Row]:
    """Every number of the paper beside that of this run.

    Parameters
    ----------
    published : dict
        `hemmati2022` of config/published.yaml.
    tables : dict
        `detections`, `false_positives`, `photometry`.
    som : dict
        Numbers of the self-organising map.
    """
    return [
        *detection_rows(published, tables["detections"]),
        *false_positive_rows(published, tables["false_positives"]),
        *photometry_rows(published, tables["photometry"]),
        *som_rows(published, som),
    ]
