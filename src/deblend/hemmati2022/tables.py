"""The table of detections, false positives and flux errors of Hemmati et al. 2022."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    RESOLUTIONS,
    SAMPLES,
    blend_counts,
    false_positive_rate,
    flux_errors,
    flux_improvement,
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
        See `deblend.hemmati2022.metrics.false_positive_rate`.
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`; with `mag_true`, from the catalogue.
    published : dict
        Section `hemmati2022` of `config/published.yaml`.

    Returns
    -------
    DataFrame
        `COLUMNS`. `Low` and `High` are the ends of the 68 % interval of a share, by a bootstrap of
        the galaxies. Values that were not measured or not published are NaN.
    """
    rows: list[tuple] = [
        ("Blends detected (%)", *row) for row in _detection_rows(detections, published)
    ]
    for sample, name in SAMPLES.items():
        for resolution in RESOLUTIONS:
            found = false_positive_rate(false_positives, resolution, [sample])
            if found["n"]:
                share = 100 * found[["rate", "low", "high"]]
                published_value = (
                    published["false_positive_percent"]
                    if resolution == "gan" and sample != "blends"
                    else np.nan
                )
                rows.append((name, resolution, *share, found["n"], published_value))
    # The fits assume exponential profiles. If a galaxy has another profile, the error of its flux
    # is larger in sharper images. The magnitude measured in high resolution is thus not the true
    # one, and errors are given relative to both that and the magnitude of the catalogue.
    against_catalogue = photometry.assign(mag_input=photometry["mag_true"])
    published_value = published["flux_improvement"]
    for against, fits, published_ratio in (
        ("", photometry, published_value),
        (", catalogue's", against_catalogue, np.nan),
    ):
        found, no_interval = flux_improvement(fits), (np.nan, np.nan)
        for position in ("low", "gan"):
            value = 100 * found[position]
            rows.append(
                (
                    f"Median |flux error{against}| (%)",
                    position,
                    value,
                    *no_interval,
                    found["n"],
                    np.nan,
                )
            )
        name = f"Median |flux error{against}|, low over GAN"
        rows.append((name, "gan", found["ratio"], *no_interval, found["n"], published_ratio))
    if len(photometry):
        n_failed = len(photometry) - len(flux_errors(photometry))
        share = [
            100 * n_failed / len(photometry),
            *(100 * np.array(wilson_interval(np.array(n_failed), np.array(len(photometry))))),
        ]
        rows.append(("Blends with a failed fit (%)", "gan", *share, len(photometry), np.nan))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["Resolution"] = table["Resolution"].map(RESOLUTIONS)
    return table.astype({"n": int, **dict.fromkeys(("Value", "Low", "High", "Published"), float)})
