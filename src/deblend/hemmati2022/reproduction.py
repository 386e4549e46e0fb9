"""The numbers of Hemmati et al. 2022, compared with ours."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from deblend.hemmati2022.metrics import (
    MAX_FALSE_POSITIVE_RATE,
    MIN_MEASURED,
    bin_edges,
    blend_counts,
    detection_fractions,
    false_positive_rate,
    flux_improvement,
    improvement_intervals,
    measured_resolutions,
    parse_detections,
)
from deblend.hemmati2022.resampling import interval
from deblend.report.numbers import Row


def detection_rows(
    published: Mapping[str, Any], detections: pd.DataFrame, false_positives: pd.DataFrame
) -> Iterator[Row]:
    """Shares of the blends that are detected (Abstract, Sects 4 and 4.2, Fig. 5).

    With many false positives a share says nothing: there is then no number of ours, and the item
    says why.

    Parameters
    ----------
    published : dict
        `detected_percent`, `undetected_percent`, `detected_at_low_flux_ratio_percent`,
        `detected_multi_percent`, `multi_gain_percent`.
    detections : DataFrame
        See `deblend.hemmati2022.metrics.parse_detections`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    """
    table = parse_detections(detections)
    n = float(len(table))
    rates = {
        r: float(false_positive_rate(false_positives, r, ["unblended"])["rate"])
        for r in measured_resolutions(table)
    }
    many = {r: f", {rate:.0%} false positives" for r, rate in rates.items()
            if rate > MAX_FALSE_POSITIVE_RATE}  # fmt: skip
    measured = [r for r in rates if r not in many]
    share = {r: 100 * float(table[f"detected_{r}"].mean()) for r in measured}
    for resolution, value in published["detected_percent"].items():
        ours = share.get(resolution, math.nan)
        item = f"Sect. 4, {resolution} resolution{many.get(resolution, '')}"
        yield Row(item, "detection_percent", value, ours, n, "higher")
    for resolution, value in published["undetected_percent"].items():
        ours = 100 - share.get(resolution, math.nan)
        item = f"Abstract, {resolution} resolution{many.get(resolution, '')}"
        yield Row(item, "undetected_percent", value, ours, n, "lower")
    multi = share.get("gan_multi", math.nan)
    item = f"Sect. 4.2, gan resolution, multi-band{many.get('gan_multi', '')}"
    value = published["detected_multi_percent"]
    yield Row(item, "detection_percent", value, multi, n, "higher")
    low, high = math.nan, math.nan
    if {"gan", "gan_multi"} <= share.keys():
        # The same blends in both, so that the error is that of the difference.
        gains = 100 * (table["detected_gan_multi"] - table["detected_gan"].astype(float))
        counts = blend_counts(table)
        low, high = interval(counts @ gains.to_numpy() / counts.sum(axis=1))
    gain, value = multi - share.get("gan", math.nan), published["multi_gain_percent"]
    yield Row(item, "gain_percent", value, gain, n, "higher", low, high)
    # We take the first bin of Fig. 5 as the "very low flux ratios".
    first_bin = pd.DataFrame()
    if n and measured:
        bins = detection_fractions(table, "delta_mag", bin_edges(table["delta_mag"]), measured)
        first_bin = bins[bins["bin_low"] == bins["bin_low"].min()].set_index("resolution")
    for resolution, value in published["detected_at_low_flux_ratio_percent"].items():
        in_first_bin = resolution in first_bin.index
        ours = 100 * float(first_bin.loc[resolution, "fraction"]) if in_first_bin else math.nan
        n_first = float(first_bin.loc[resolution, "n"]) if in_first_bin else math.nan
        item = f"Sect. 4, {resolution} resolution, lowest flux ratios{many.get(resolution, '')}"
        yield Row(item, "detection_percent", value, ours, n_first, "higher")


def false_positive_rows(
    published: Mapping[str, Any], false_positives: pd.DataFrame
) -> Iterator[Row]:
    """The GAN's false positives, where high and low resolution show one peak (Sect. 4).

    As a share of the single galaxies with all blends, or with those of one peak in both: the paper
    does not say which.

    Parameters
    ----------
    published : dict
        `false_positive_percent`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    """
    for item, samples in (
        ("Sect. 4, unblended and all blends", ["unblended", "one_peak_of_all"]),
        ("Sect. 4, unblended and one peak", ["unblended", "one_peak"]),
    ):
        rates = false_positive_rate(false_positives, "gan", samples)
        value, rate = published["false_positive_percent"], 100 * float(rates["rate"])
        yield Row(item, "false_positive_percent", value, rate, float(rates["n"]), "lower")


def photometry_rows(published: Mapping[str, Any], photometry: pd.DataFrame) -> Iterator[Row]:
    """The improvement of the photometry (Abstract, Sects 4.1 and 4.2, Fig. 7), in both readings.

    Parameters
    ----------
    published : dict
        `flux_improvement`.
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`.
    """
    value = published["flux_improvement"]
    sections = {"gan": "Abstract, Sect. 4.1", "gan_multi": "Sect. 4.2, multi-band"}
    for position, item in sections.items():
        found = flux_improvement(photometry, position)
        n = found["n"]
        if position == "gan_multi" and not n:
            continue
        few = ", few blends" if n < MIN_MEASURED else ""
        interval = improvement_intervals(photometry, position)
        for quantity, key in (
            ("flux_improvement", "ratio"),
            ("offset_improvement", "offset_ratio"),
        ):
            yield Row(f"{item}{few}", quantity, value, found[key], n, "higher", *interval[key])


def som_rows(published: Mapping[str, Any], som: Mapping[str, Any]) -> Iterator[Row]:
    """Numbers of blends in the cells of the self-organising map (Sect. 4), over their mean.

    The mean itself is the number of blends over that of cells, which the configuration sets.

    Parameters
    ----------
    published : dict
        `som` with `mean`, `median`, `dispersion`.
    som : dict
        From `som.json`: `mean_occupancy`, `median_occupancy`, `dispersion`.
    """
    ours = {"median": som["median_occupancy"], "dispersion": som["dispersion"]}
    for name, value in ours.items():
        # With the mean of the paper, so that the published digits keep their meaning.
        scaled = float(value) * published["som"]["mean"] / som["mean_occupancy"]
        yield Row("Sect. 4, map of blends", f"cells_{name}", published["som"][name], scaled)


def our_rows(
    published: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], som: Mapping[str, Any]
) -> list[Row]:
    """Every number of the paper, with that of this run.

    Parameters
    ----------
    published : dict
        Section `hemmati2022` of config/published.yaml.
    tables : dict
        `detections`, `false_positives`, `photometry`.
    som : dict
        Numbers of the self-organising map, from `som.json`.
    """
    return [
        *detection_rows(published, tables["detections"], tables["false_positives"]),
        *false_positive_rows(published, tables["false_positives"]),
        *photometry_rows(published, tables["photometry"]),
        *som_rows(published, som),
    ]
