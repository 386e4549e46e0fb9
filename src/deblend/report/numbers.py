"""Published numbers beside ours, and whether they agree."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

#: Ratios of ours to the published number that count as reproduced.
FACTOR = 1.25


#: Largest difference of a mean magnitude error, which may be 0, that counts as reproduced, mag.
BIAS_MAG = 0.02


#: Shares of galaxies or blends: they fluctuate with their number.
SHARES = ("outliers_percent", "detection_percent", "accuracy_percent")


#: Suffix of quantities of which the paper gives an upper limit.
LIMIT = "_at_most"


COLUMNS = (
    "paper",
    "item",
    "quantity",
    "published",
    "reproduced",
    "ratio",
    "n",
    "status",
    "configuration",
    "source",
)


#: A number, or [low, high] where the paper states a range.
Published = float | list[float]


class Row(NamedTuple):
    """A number of a paper beside ours; NaN where nothing was measured.

    Attributes
    ----------
    item : str
        Section, figure or table, and what the number is of.
    quantity : str
        Name of the number, with its unit; with `LIMIT` where the paper gives an upper limit.
    published : float or [low, high]
    reproduced : float
    n : float
        Galaxies or blends that ours is of; NaN where that means nothing.
    """

    item: str
    quantity: str
    published: Published
    reproduced: float
    n: float = math.nan


def status(quantity: str, published: Published, reproduced: float, n: float = math.nan) -> str:
    """Whether a number is reproduced.

    Parameters
    ----------
    quantity : str
    published : float or [low, high]
        What is in a range is reproduced.
    reproduced : float
        NaN where nothing was measured.
    n : float
        How many galaxies or blends a share is of.

    Returns
    -------
    str
        `not run` where there is no number. `reproduced`: a mean magnitude error (`mean`) within
        0.02 mag of the published; limits (`LIMIT`) not exceeded; anything else within a factor of
        1.25, or, if it is a share (`SHARES`), within two binomial errors of a share of n.
        `differs` otherwise, also where ours is better.
    """
    if not np.isfinite(reproduced):
        return "not run"
    nearest = float(np.clip(reproduced, np.min(published), np.max(published)))
    difference = abs(reproduced - nearest)
    if quantity == "mean":
        agrees = difference <= BIAS_MAG
    elif quantity.endswith(LIMIT):
        agrees = reproduced <= nearest
    else:
        agrees = nearest / FACTOR <= reproduced <= nearest * FACTOR
    if quantity in SHARES and n > 0:
        # At least one of n: a share below that cannot be told from none.
        share = max(nearest / 100, 1 / n)
        agrees = agrees or difference <= 200 * math.sqrt(share * (1 - share) / n)
    return "reproduced" if agrees else "differs"


def reproduction_table(rows: Mapping[str, Iterable[Row]], paper: str) -> pd.DataFrame:
    """A paper's numbers beside ours.

    Parameters
    ----------
    rows : dict
        Configuration (scale and data set, or what else the numbers are from) to its rows.
    paper : str
        To record.

    Returns
    -------
    DataFrame
        `COLUMNS`. `published` is the nearer end where the paper gives a range, which the quantity
        then names; `ratio` is ours over it; `n` galaxies or blends; `status` see `status`; `source`
        says that the number is of this run, and is empty where there is none.
    """
    table = []
    for configuration, part in rows.items():
        for item, quantity, published, reproduced, n in part:
            ends = (float(np.min(published)), float(np.max(published)))
            nearest = ends[int(abs(reproduced - ends[1]) < abs(reproduced - ends[0]))]
            label = quantity
            if ends[0] < ends[1]:
                label += f" (published: {ends[0]:g} to {ends[1]:g})"
            state = status(quantity, published, reproduced, n)
            ratio = reproduced / nearest if nearest else math.nan
            source = "" if state == "not run" else "this run"
            table.append(
                (
                    *(paper, item, label, nearest, reproduced, ratio, n, state),
                    *(configuration, source),
                )
            )
    return pd.DataFrame(table, columns=list(COLUMNS))
