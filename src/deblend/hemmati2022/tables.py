"""The table of detections of Hemmati et al. 2022, and the numbers that its rows share."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    RESOLUTIONS,
    SAMPLES,
    false_positive_rate,
    flux_errors,
    improvement,
    measured,
    wilson,
    with_resolutions,
)

COLUMNS = ("Quantity", "Resolution", "Value", "Low", "High", "n", "Published")


def _detected(
    detections: pd.DataFrame, published: Mapping[str, Any]
) -> Iterator[tuple[str, float, float, float, float, float]]:
    stated = {**published["detected_percent"], "gan_multi": published["detected_multi_percent"]}
    table = with_resolutions(detections)
    for resolution in RESOLUTIONS:
        theirs = stated.get(resolution, np.nan)
        if resolution in measured(table):
            hit = table[f"detected_{resolution}"]
            low, high = (100 * float(end) for end in wilson(hit.sum(), np.array(len(hit))))
            yield resolution, 100 * float(hit.mean()), low, high, len(hit), theirs
        else:
            yield resolution, np.nan, np.nan, np.nan, 0, theirs


def detection_table(
    detections: pd.DataFrame,
    false_positives: pd.DataFrame,
    photometry: pd.DataFrame,
    published: Mapping[str, Any],
) -> pd.DataFrame:
    """Detections, false positives and photometry in numbers, beside the published ones.

    Parameters
    ----------
    detections : DataFrame
        See `with_resolutions`.
    false_positives : DataFrame
        See `false_positive_rate`.
    photometry : DataFrame
        See `flux_errors`; and `mag_true`, the catalogue's.
    published : dict
        The paper's part of `config/published.yaml`.

    Returns
    -------
    DataFrame
        `COLUMNS`. `Low` and `High` are the ends of Wilson's 68 % interval of a share; NaN where
        there is nothing.
    """
    rows: list[tuple] = [("Blends detected (%)", *row) for row in _detected(detections, published)]
    for sample, name in SAMPLES.items():
        for resolution in RESOLUTIONS:
            found = false_positive_rate(false_positives, resolution, [sample])
            if found["n"]:
                share = 100 * found[["rate", "low", "high"]]
                theirs = published["false_positive_percent"] if resolution == "gan" else np.nan
                rows.append((name, resolution, *share, found["n"], theirs))
    # An exponential fitted to a galaxy that is none errs more the sharper the image: magnitudes
    # measured in high resolution are no truth, so that errors are given against both.
    truth = photometry.assign(mag_input=photometry["mag_true"])
    theirs = published["flux_improvement"]
    for against, fits, stated in (("", photometry, theirs), (", catalogue's", truth, np.nan)):
        found, nothing = improvement(fits), (np.nan, np.nan)
        for position in ("low", "gan"):
            value = 100 * found[position]
            rows.append(
                (f"Median |flux error{against}| (%)", position, value, *nothing, found["n"], np.nan)
            )
        name = f"Median |flux error{against}|, low over GAN"
        rows.append((name, "gan", found["ratio"], *nothing, found["n"], stated))
    if len(photometry):
        lost = len(photometry) - len(flux_errors(photometry))
        share = [
            100 * lost / len(photometry),
            *(100 * np.array(wilson(np.array(lost), np.array(len(photometry))))),
        ]
        rows.append(("Blends with a failed fit (%)", "gan", *share, len(photometry), np.nan))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["Resolution"] = table["Resolution"].map(RESOLUTIONS)
    return table.astype({"n": int, **dict.fromkeys(("Value", "Low", "High", "Published"), float)})
