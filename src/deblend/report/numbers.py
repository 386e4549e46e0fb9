"""Comparison of published numbers with ours."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

#: Largest factor between our number and the published one for which it counts as reproduced.
FACTOR = 1.25


#: The same for mean magnitude errors, which may be 0: largest difference, mag.
BIAS_MAG = 0.02


#: Quantities that are shares of galaxies or blends, whose random error depends on their number.
SHARES = ("outliers_percent", "detection_percent", "accuracy_percent")


#: Suffix of quantities for which the paper gives an upper limit.
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
    """A number of a paper and ours, which is NaN if nothing was measured.

    Attributes
    ----------
    item : str
        Section, figure or table of the paper, and what the number is about.
    quantity : str
        Name of the number, with its unit; it ends with `LIMIT` if the paper gives an upper limit.
    published : float or [low, high]
    reproduced : float
    n : float
        Number of galaxies or blends that our number is based on; NaN if not applicable.
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
        Numbers within a range are reproduced.
    reproduced : float
        NaN if nothing was measured.
    n : float
        For shares: number of galaxies or blends.

    Returns
    -------
    str
        `not run` if there is no number. `reproduced` if a mean magnitude error (`mean`) differs by
        at most 0.02 mag, an upper limit (`LIMIT`) is not exceeded, or any other number agrees
        within a factor of 1.25 or, for shares (`SHARES`), within two binomial standard errors. Else
        `differs`, even if our number is better.
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
        # At least 1/n: smaller shares cannot be distinguished from zero.
        share = max(nearest / 100, 1 / n)
        agrees = agrees or difference <= 200 * math.sqrt(share * (1 - share) / n)
    return "reproduced" if agrees else "differs"


def reproduction_table(rows: Mapping[str, Iterable[Row]], paper: str) -> pd.DataFrame:
    """Table of a paper's numbers and ours.

    Parameters
    ----------
    rows : dict
        Rows by configuration, such as the scale and the data set.
    paper : str
        Name of the paper, to be recorded.

    Returns
    -------
    DataFrame
        `COLUMNS`. If the paper gives a range, `published` is the nearer end and the quantity names
        the range. `ratio` is our number divided by `published`, `n` the number of galaxies or
        blends. For `status`, see the function. `source` says that the number is from this run; it
        is empty if there is no number.
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
