"""The table of detections, false positives and flux errors of Hemmati et al. 2022."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    MEASURED_NETWORKS,
    MIN_MEASURED,
    RESOLUTIONS,
    SAMPLES,
    blend_counts,
    false_positive_rate,
    flux_errors,
    flux_improvement,
    improvement_intervals,
    measured_resolutions,
    parse_detections,
)
from deblend.hemmati2022.resampling import interval_of_share
from deblend.intervals import wilson_interval

COLUMNS = ("Quantity", "Resolution", "Value", "Low", "High", "n", "Published")


def _detection_rows(
    detections: pd.DataFrame, published: Mapping[str, Any]
) -> Iterator[tuple[str, float, float, float, float, float]]:
    published_percent = {
        **published["detected_percent"],
        "gan_multi": published["detected_multi_percent"],
    }
    table = parse_detections(detections)
    counts = blend_counts(table)
    for resolution in RESOLUTIONS:
        value = published_percent.get(resolution, np.nan)
        if resolution in measured_resolutions(table):
            detected = table[f"detected_{resolution}"]
            low, high = (100 * end for end in interval_of_share(detected.to_numpy(), counts))
            yield resolution, 100 * float(detected.mean()), low, high, len(detected), value
        elif np.isfinite(value):
            yield resolution, np.nan, np.nan, np.nan, 0, value


def _photometry_rows(photometry: pd.DataFrame, published_ratio: float) -> Iterator[tuple]:
    """Median |flux error| and median offset, and how much smaller networks' positions make them.

    No profile fits all galaxies, and a wrong one changes the flux more in sharper images. The
    magnitude measured in high resolution is thus not the true one, and errors are given relative to
    both that and the magnitude of the catalogue.
    """
    against_catalogue = photometry.assign(mag_input=photometry["mag_true"])
    for against, fits, ratio in (
        ("", photometry, published_ratio),
        (", catalogue's", against_catalogue, np.nan),
    ):
        for position in MEASURED_NETWORKS:
            found = flux_improvement(fits, position)
            n = found["n"]
            if position != "gan" and not n:
                continue
            few = " (few blends)" if n < MIN_MEASURED else ""
            interval = improvement_intervals(fits, position)
            for prefix, name, unit, factor in (
                ("", f"Median |flux error{against}|", "%", 100),
                ("offset_", f"Median offset{against}", "mag", 1),
            ):
                row = f"{name} ({unit}){few}"
                for resolution, key in (("low", "low"), (position, "gan")):
                    if resolution == "low" and position != "gan":
                        continue  # its blends are not those of the row of that name
                    low, high = interval[f"{prefix}{key}"]
                    value = found[f"{prefix}{key}"]
                    yield row, resolution, factor * value, factor * low, factor * high, n, np.nan
                row = f"{name}, low over GAN{few}"
                key = f"{prefix}ratio"
                yield row, position, found[key], *interval[key], n, ratio
    for position in MEASURED_NETWORKS:
        flags = photometry.get(f"flags_{position}", pd.Series(-1, index=photometry.index))
        measured = photometry[flags.fillna(-1) >= 0]
        if len(measured):
            n_failed = len(measured) - len(flux_errors(measured, position))
            ends = wilson_interval(np.array(n_failed), np.array(len(measured)))
            share = [100 * n_failed / len(measured), *(100 * float(end) for end in ends)]
            yield "Blends with a failed fit (%)", position, *share, len(measured), np.nan


def detection_table(
    detections: pd.DataFrame,
    false_positives: pd.DataFrame,
    photometry: pd.DataFrame,
    published: Mapping[str, Any],
) -> pd.DataFrame:
    """Numbers of detections, false positives and photometry, with the published ones.

    Parameters
    ----------
    detections : DataFrame
        See `deblend.hemmati2022.metrics.parse_detections`.
    false_positives : DataFrame
        See `deblend.hemmati2022.metrics.false_positive_rate`; perhaps with `chance`.
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`; with `mag_true`, from the catalogue.
    published : dict
        Section `hemmati2022` of `config/published.yaml`.

    Returns
    -------
    DataFrame
        `COLUMNS`. `Low` and `High` are the ends of the 68 % interval by a bootstrap of the galaxies
        (Wilson's of failed fits). Values that were not measured or not published are NaN.
    """
    rows: list[tuple] = [
        ("Blends detected (%)", *row) for row in _detection_rows(detections, published)
    ]
    for sample, name in SAMPLES.items():
        for resolution in RESOLUTIONS:
            found = false_positive_rate(false_positives, resolution, [sample])
            if found["n"]:
                share = 100 * found[["rate", "low", "high"]]
                # The threshold is set for a rate on single galaxies: that is no result.
                is_paper = resolution == "gan" and sample.startswith("one_peak")
                published_value = published["false_positive_percent"] if is_paper else np.nan
                rows.append((name, resolution, *share, found["n"], published_value))
    # Beside false peaks: what peaks at random places would match.
    chance = false_positives[false_positives["sample"] == "blends"].set_index("resolution")
    for resolution in [r for r in RESOLUTIONS if "chance" in chance and r in chance.index]:
        value, n = 100 * chance.loc[resolution, "chance"], chance.loc[resolution, "n"]
        name = "Random places in blends that match a catalogued galaxy (%)"
        rows.append((name, resolution, value, np.nan, np.nan, n, np.nan))
    rows += _photometry_rows(photometry, published["flux_improvement"])
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["Resolution"] = table["Resolution"].map(RESOLUTIONS)
    return table.astype({"n": int, **dict.fromkeys(("Value", "Low", "High", "Published"), float)})
