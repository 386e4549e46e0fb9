"""Comparison of published numbers with ours."""

import math
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import yaml
from deblend.intervals import wilson_interval

#: Number of standard errors of ours within which a published number agrees.
N_SIGMA = 2


#: Quantities that are shares of galaxies or blends in percent: their error depends on the number.
SHARES = (
    "accuracy_percent",
    "detection_percent",
    "false_positive_percent",
    "kept_percent",
    "outliers_percent",
    "type_percent",
    "undetected_percent",
)


#: Quantities that are differences from zero: smaller ones are better, whatever their sign.
BIASES = ("mean", "median")


#: Difference in dB that agrees, whatever the errors: a quarter more or less in a mean square.
TOLERANCE_DB = 1.0


#: Suffix of quantities for which the paper gives an upper limit.
LIMIT = "_at_most"


COLUMNS = (
    "paper",
    "item",
    "quantity",
    "published",
    "published_decimals",
    "reproduced",
    "low",
    "high",
    "difference",
    "ratio",
    "n",
    "better",
    "depends_on_data",
    "compared",
    "status",
    "configuration",
    "source",
)


#: A number, or [low, high] where the paper states a range.
Published = float | list[float]


#: Which numbers are better; "" if neither: then a difference is no judgement.
Better = Literal["lower", "higher", ""]


#: Kind of a number: see `Row`.
Scale = Literal["linear", "dB", "similarity"]


class Stated(float):
    """A number of a paper that knows how it is written there: 0.120 has three decimals.

    Attributes
    ----------
    text : str
    """

    text: str

    def __new__(cls, text: str) -> "Stated":
        """The number that a text says."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class _Loader(yaml.SafeLoader):
    """Reader of YAML that keeps the digits of numbers with a decimal point."""


def _stated(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    value = loader.construct_yaml_float(node)
    return Stated(node.value) if math.isfinite(value) else value


_Loader.add_constructor("tag:yaml.org,2002:float", _stated)


def read_published(path: str | Path) -> Any:
    """Content of config/published.yaml, with numbers that keep their digits (`Stated`)."""
    return _Loader(Path(path).read_text()).get_single_data()


def decimals(number: float) -> int:
    """Number of decimals that a number is written with, negative for tens (``1.e+1``: -1).

    Parameters
    ----------
    number : Stated, int or float
        A number that is neither `Stated` nor an integer counts with all digits that it needs.
    """
    if isinstance(number, int | np.integer):
        return 0
    text = number.text if isinstance(number, Stated) else repr(float(number))
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def rounding(number: float, units: float = 0.5) -> float:
    """By how much a written number may differ from the exact: half a unit of its last decimal.

    A paper that cuts digits off, or does so in places, is a whole unit off at most: `units` is 1
    then.
    """
    return units * 10.0 ** -decimals(number)


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
    better : {"lower", "higher", ""}
        Which numbers are better.
    low, high : float
        Ends of the 68 % interval of ours; NaN if it is not known. That of shares (`SHARES`) is
        computed from `n`.
    depends_on_data : bool
        Whether it is a number of the data, so that other data may have another one.
    rounding_units : float
        See `rounding`.
    scale : {"linear", "dB", "similarity"}
        What the number is. dB: a ratio in decibels, which agrees within `TOLERANCE_DB` in any case;
        higher ones are those of smaller mean squares. similarity: 1 is perfect, as for SSIM, so
        that what counts is the distance from 1.
    """

    item: str
    quantity: str
    published: Published
    reproduced: float
    n: float = math.nan
    better: Better = ""
    low: float = math.nan
    high: float = math.nan
    depends_on_data: bool = True
    rounding_units: float = 0.5
    scale: Scale = "linear"


def _is_one_of(quantity: str, names: Collection[str]) -> bool:
    """Whether a quantity, or the one that it is an upper limit of, is among these."""
    return quantity.removesuffix(LIMIT) in names


def with_interval(row: Row) -> Row:
    """A row whose interval, if it is a share, is at least the binomial one (Wilson's).

    Where a share is 0, resamples of a bootstrap have no width, whatever their number.
    """
    if not _is_one_of(row.quantity, SHARES) or not row.n > 0 or not math.isfinite(row.reproduced):
        return row
    low, high = wilson_interval(row.reproduced / 100 * row.n, row.n)
    return row._replace(
        low=float(np.fmin(row.low, max(100 * float(low), 0.0))),
        high=float(np.fmax(row.high, 100 * float(high))),
    )


def compare(row: Row) -> str:
    """How our number compares with the published one.

    It agrees if the two intervals overlap: ours is twice as wide as the 68 % interval (2 sigma; of
    no width where it is not known), and the published one reaches from half a unit of its last
    decimal below to half a unit above (or as `rounding_units` says), or so around the ends of a
    range. Numbers in dB also agree if they differ by no more than `TOLERANCE_DB`. An upper limit
    agrees with what is below it.

    Returns
    -------
    str
        agrees; better or worse, if it is known which numbers are better; else differs. not run if
        there is no number of ours.
    """
    ours = row.reproduced
    if not math.isfinite(ours):
        return "not run"
    ends = row.published if isinstance(row.published, list) else [row.published]
    margins = [rounding(end, row.rounding_units) for end in ends]
    lowest = min(end - margin for end, margin in zip(ends, margins, strict=True))
    highest = max(end + margin for end, margin in zip(ends, margins, strict=True))
    below, above = (
        N_SIGMA * abs(ours - end) if math.isfinite(end) else 0.0 for end in (row.low, row.high)
    )
    if row.scale == "dB":
        below, above = max(below, TOLERANCE_DB), max(above, TOLERANCE_DB)
    # Without this margin the rounding of floats would decide about 0.125 and 0.12.
    margin = 1e-9 * max(abs(lowest), abs(highest), 1e-3)
    is_limit = row.quantity.endswith(LIMIT)
    if ours - below <= highest + margin and (is_limit or ours + above >= lowest - margin):
        return "agrees"
    if is_limit:
        return "worse"
    if not row.better:
        return "differs"
    is_lower = abs(ours) < max(map(abs, ends)) if row.quantity in BIASES else ours < lowest
    return "better" if is_lower == (row.better == "lower") else "worse"


def _ratio(row: Row, published: float) -> float:
    """Our number over the published one, as its scale says: see `reproduction_table`."""
    if _is_one_of(row.quantity, (*SHARES, *BIASES)):
        return math.nan
    if row.scale == "dB":
        return 10 ** ((published - row.reproduced) / 10)
    ours, theirs = row.reproduced, published
    if row.scale == "similarity":
        ours, theirs = 1 - ours, 1 - theirs
    return ours / theirs if theirs else math.nan


def reproduction_table(
    rows: Mapping[str, Iterable[Row]], paper: str, papers_data: bool | Collection[str] = True
) -> pd.DataFrame:
    """Table of a paper's numbers and ours.

    Parameters
    ----------
    rows : dict
        Rows by configuration, such as the scale and the data set.
    paper : str
        Name of the paper, to be recorded.
    papers_data : bool or collection of str
        Whether the data are those of the paper, or the configurations whose data are.

    Returns
    -------
    DataFrame
        `COLUMNS`. If the paper gives a range, `published` is the nearer end and the quantity names
        the range. `published_decimals` is how exactly it is known. `low` and `high` are the ends of
        the 68 % interval of ours. `difference` is ours minus `published`: for shares in percentage
        points. `ratio` is our number divided by `published`, except for shares and biases; in dB
        that of the mean squared errors, for similarities that of the distances from 1.
        `compared` is what `compare` says. `status` is the same, but "not comparable" for numbers
        that depend on the data if the data are not the paper's. `source` says that the number is
        from this run; it is empty if there is no number.
    """
    table = []
    for configuration, part in rows.items():
        for row in map(with_interval, part):
            ends = row.published if isinstance(row.published, list) else [row.published]
            nearest = min((abs(row.reproduced - end), end) for end in ends)[1]
            label = row.quantity
            if min(ends) < max(ends):
                label += f" (published: {min(ends):g} to {max(ends):g})"
            compared = compare(row)
            is_papers = (
                papers_data if isinstance(papers_data, bool) else configuration in papers_data
            )
            is_other = row.depends_on_data and not is_papers
            table.append(
                (
                    *(paper, row.item, label, float(nearest), decimals(nearest)),
                    *(row.reproduced, row.low, row.high, row.reproduced - nearest),
                    *(_ratio(row, nearest), row.n),
                    *(row.better, row.depends_on_data, compared),
                    "not comparable" if is_other and compared != "not run" else compared,
                    *(configuration, "" if compared == "not run" else "this run"),
                )
            )
    return pd.DataFrame(table, columns=list(COLUMNS))
