"""Table 1 of Reiman & Goehre 2019."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.reiman2019.metrics import STATISTICS, summary

#: For each quantity its name in Table 1, and the published row with which it is compared.
ROWS = {
    "psnr_db": ("PSNR (dB)", "psnr_db"),
    "psnr_eq6_db": ("PSNR of Eq. 6 (dB)", "psnr_db"),
    "ssim": ("SSIM", "ssim"),
    "ssim_as_published": ("SSIM on [-1, 1], range 2", "ssim"),
    "ssim_authors_code": ("SSIM on [0, 1], range 2", "ssim"),
}


#: For each method its column in Table 1.
COLUMNS = {"gan": "Ours (GAN)", "mse": "MSE only", "blend": "Blend itself"}


def table1(
    scores: pd.DataFrame, published: Mapping[str, Mapping[str, float | None]]
) -> pd.DataFrame:
    """Statistics of the scores of all test images, with the published ones.

    Parameters
    ----------
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    published : dict
        Statistics of `psnr_db` and `ssim`; None for those that the paper does not give.

    Returns
    -------
    DataFrame
        `Metric`, `Statistic`, a column for each method, `Published`. The paper does not say which
        reading of PSNR and SSIM it used, so its numbers are repeated for each.
    """
    statistics = summary(scores).set_index(["method", "galaxy", "quantity"])
    rows = []
    for quantity, (name, published_name) in ROWS.items():
        for statistic in STATISTICS:
            value = published[published_name].get(statistic)
            row = {"Metric": name, "Statistic": statistic}
            row |= {
                column: statistics.loc[(method, "both", quantity), statistic]
                for method, column in COLUMNS.items()
            }
            rows.append(row | {"Published": np.nan if value is None else value})
    return pd.DataFrame(rows)
