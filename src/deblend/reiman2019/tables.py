"""Table 1 of Reiman & Goehre 2019."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.reiman2019.metrics import STATISTICS, summary

#: Quantity to what Table 1 calls it, and which of the published rows it stands beside.
ROWS = {
    "psnr_db": ("PSNR (dB)", "psnr_db"),
    "psnr_eq6_db": ("PSNR of Eq. 6 (dB)", "psnr_db"),
    "ssim": ("SSIM", "ssim"),
    "ssim_as_published": ("SSIM on [-1, 1], range 2", "ssim"),
    "ssim_authors_code": ("SSIM on [0, 1], range 2", "ssim"),
}


#: Method to its column.
COLUMNS = {"gan": "Ours (GAN)", "mse": "MSE only", "blend": "Blend itself"}


def table1(
    scores: pd.DataFrame, published: Mapping[str, Mapping[str, float | None]]
) -> pd.DataFrame:
    """Statistics of the scores of all test images, beside the published ones.

    Parameters
    ----------
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.
    published : dict
        `psnr_db` and `ssim` to statistics; None where the paper has none.

    Returns
    -------
    DataFrame
        `Metric`, `Statistic`, a column a method, `Published`. The paper does not say which reading
        of PSNR and SSIM is its own: its numbers stand beside each.
    """
    found = summary(scores).set_index(["method", "galaxy", "quantity"])
    rows = []
    for quantity, (name, theirs) in ROWS.items():
        for statistic in STATISTICS:
            stated = published[theirs].get(statistic)
            row = {"Metric": name, "Statistic": statistic}
            row |= {
                column: found.loc[(method, "both", quantity), statistic]
                for method, column in COLUMNS.items()
            }
            rows.append(row | {"Published": np.nan if stated is None else stated})
    return pd.DataFrame(rows)
