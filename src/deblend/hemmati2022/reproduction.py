"""The numbers of Hemmati et al. 2022, compared with ours."""

import math
from collections.abc import Iterable, Iterator, Mapping
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
from deblend.hemmati2022.resampling import interval, interval_of_share
from deblend.report.numbers import Row


def detection_rows(
    published: Mapping[str, Any], detections: pd.DataFrame, false_positives: pd.DataFrame
) -> Iterator[Row]:
    """Shares of the blends that are detected (Abstract, Sects 4 and 4.2, Fig. 5).

    With many false positives a share says nothing: there is then no number of ours, and the item
    says why. All intervals are by galaxy.

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
    many = _many(rates)
    counts = blend_counts(table)
    measured = [r for r in rates if r not in many]
    share = {r: 100 * float(table[f"detected_{r}"].mean()) for r in measured}
    ends = {
        r: [100 * x for x in interval_of_share(table[f"detected_{r}"].to_numpy(), counts)]
        for r in measured
    }
    unknown = [math.nan, math.nan]
    for resolution, value in published["detected_percent"].items():
        ours, (low, high) = share.get(resolution, math.nan), ends.get(resolution, unknown)
        item = f"Sect. 4, {resolution} resolution{many.get(resolution, '')}"
        yield Row(item, "detection_percent", value, ours, n, "higher", low, high)
    for resolution, value in published["undetected_percent"].items():
        ours, (low, high) = share.get(resolution, math.nan), ends.get(resolution, unknown)
        item = f"Abstract, {resolution} resolution{many.get(resolution, '')}"
        yield Row(item, "undetected_percent", value, 100 - ours, n, "lower", 100 - high, 100 - low)
    multi = share.get("gan_multi", math.nan)
    item = f"Sect. 4.2, gan resolution, multi-band{many.get('gan_multi', '')}"
    value = published["detected_multi_percent"]
    low, high = ends.get("gan_multi", unknown)
    yield Row(item, "detection_percent", value, multi, n, "higher", low, high)
    low, high = unknown
    if {"gan", "gan_multi"} <= share.keys():
        # The same blends in both, so that the error is that of the difference.
        gains = 100 * (table["detected_gan_multi"] - table["detected_gan"].astype(float))
        low, high = interval(counts @ gains.to_numpy() / counts.sum(axis=1))
    gain, value = multi - share.get("gan", math.nan), published["multi_gain_percent"]
    yield Row(item, "gain_percent", value, gain, n, "higher", low, high)
    # We take the first bin of Fig. 5 as the "very low flux ratios".
    first_bin = pd.DataFrame()
    if n and measured:
        bins = detection_fractions(table, "delta_mag", bin_edges(table["delta_mag"]), measured)
        first_bin = bins[bins["bin_low"] == bins["bin_low"].min()].set_index("resolution")
    for resolution, value in published["detected_at_low_flux_ratio_percent"].items():
        numbers = [math.nan] * 4
        if resolution in first_bin.index:
            row = first_bin.loc[resolution]
            numbers = [100 * row["fraction"], row["n"], 100 * row["low"], 100 * row["high"]]
        ours, n_first, low, high = map(float, numbers)
        item = f"Sect. 4, {resolution} resolution, lowest flux ratios{many.get(resolution, '')}"
        yield Row(item, "detection_percent", value, ours, n_first, "higher", low, high)


def _many(rates: Mapping[str, float]) -> dict[str, str]:
    """What to say of those resolutions that have many false positives."""
    return {
        resolution: f", {rate:.0%} false positives"
        for resolution, rate in rates.items()
        if rate > MAX_FALSE_POSITIVE_RATE
    }


def false_positive_rows(
    published: Mapping[str, Any], false_positives: pd.DataFrame
) -> Iterator[Row]:
    """The GAN's false positives, where high and low resolution show one peak (Sect. 4).

    As a share of all blends, or of those with one peak in both: the paper does not say which. The
    rate on single galaxies, the paper's other sample, is no result here: it sets the threshold.

    Parameters
    ----------
    published : dict
        `false_positive_percent`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    """
    for item, samples in (
        ("Sect. 4, one peak in high and low, of all blends", ["one_peak_of_all"]),
        ("Sect. 4, one peak in high and low, of those", ["one_peak"]),
    ):
        found = false_positive_rate(false_positives, "gan", samples)
        n, rate, low, high = (float(found[x]) for x in ("n", "rate", "low", "high"))
        row = Row(item, "false_positive_percent", published["false_positive_percent"], 100 * rate)
        yield row._replace(n=n, better="lower", low=100 * low, high=100 * high)


def photometry_rows(
    published: Mapping[str, Any], photometry: pd.DataFrame, false_positives: pd.DataFrame
) -> Iterator[Row]:
    """The improvement of the photometry (Abstract, Sects 4.1 and 4.2, Fig. 7), in both readings.

    There is no number of ours at the positions of a network with many false positives, nor of fewer
    than `MIN_MEASURED` blends.

    Parameters
    ----------
    published : dict
        `flux_improvement`.
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    """
    value, unknown = published["flux_improvement"], (math.nan, math.nan)
    sections = {"gan": "Abstract, Sect. 4.1", "gan_multi": "Sect. 4.2, multi-band"}
    for position, item in sections.items():
        found = flux_improvement(photometry, position)
        n = found["n"]
        if position == "gan_multi" and not n:
            continue
        rate = float(false_positive_rate(false_positives, position, ["unblended"])["rate"])
        why = f", {n:.0f} blends" if n < MIN_MEASURED else _many({position: rate}).get(position, "")
        interval = improvement_intervals(photometry, position)
        for quantity, key in (
            ("flux_improvement", "ratio"),
            ("offset_improvement", "offset_ratio"),
        ):
            ours, (low, high) = (math.nan, unknown) if why else (found[key], interval[key])
            yield Row(f"{item}{why}", quantity, value, ours, n, "higher", low, high)


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


def degraded_rows(published: Mapping[str, Any], quality: pd.DataFrame) -> Iterator[Row]:
    """FWHM and depth of the degraded images, beside HSC's (Sect. 2).

    Parameters
    ----------
    published : dict
        `hsc` with `fwhm_arcsec` and `depth_5_sigma_mag`.
    quality : DataFrame
        See `deblend.hemmati2022.quality.image_quality`.
    """
    rows = quality.set_index("quantity")
    for quantity, name in (
        ("fwhm_arcsec", "low_fwhm_arcsec"),
        ("depth_5_sigma_mag", "low_depth_mag"),
    ):
        value, n = (float(rows.loc[name, column]) for column in ("value", "n"))
        item = "Sect. 2, degraded images beside HSC's in i"
        yield Row(item, quantity, published["hsc"][quantity], value, n)


def size_rows(published: Mapping[str, Any], networks: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Number of galaxies on which a GAN is trained (Fig. 2).

    How long a training takes differs from run to run, so that it is in `training_time.csv`.

    Parameters
    ----------
    published : dict
        `n_train_cutouts`.
    networks : iterable of dict
        Descriptions of the networks (`network.json`), with their `name`.
    """
    for network in networks:
        if network["name"] == "vanilla":
            n, value = float(network["n_train_galaxies"]), published["n_train_cutouts"]
            yield Row("Fig. 2, galaxies of the training", "galaxies", value, n)


def our_rows(
    published: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    som: Mapping[str, Any],
    networks: Iterable[Mapping[str, Any]],
) -> list[Row]:
    """Every number of the paper, with that of this run.

    Parameters
    ----------
    published : dict
        Section `hemmati2022` of config/published.yaml.
    tables : dict
        `detections`, `false_positives`, `photometry`, `quality`.
    som : dict
        Numbers of the self-organising map, from `som.json`.
    networks : iterable of dict
        See `size_rows`.
    """
    return [
        *detection_rows(published, tables["detections"], tables["false_positives"]),
        *false_positive_rows(published, tables["false_positives"]),
        *photometry_rows(published, tables["photometry"], tables["false_positives"]),
        *som_rows(published, som),
        *degraded_rows(published, tables["quality"]),
        *size_rows(published, networks),
    ]
