"""Curves of Figures 4 to 6 of Farrens et al. 2022, and the axis that they share."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.farrens2022.metrics import PUBLISHED_RULES
from deblend.plots.style import COLOURS
from matplotlib.axes import Axes

#: Lines, markers and colours of the methods. SEP's markers are open, so that those of BlendHunter
#: are seen inside where both agree.
METHODS: dict[str, dict[str, Any]] = {
    "BlendHunter": {"ls": "-", "marker": "o", "ms": 3, "color": "black"},
    "SEP": {"ls": "--", "marker": "s", "ms": 4.5, "mfc": "none", "color": COLOURS["ours"]},
}


TRAINING_NOISE = r"$\sigma_{\rm noise}$ of the training stamps (counts)"


#: Appearance of the bars of the two uncertainties: of the stamps, and of the realisations.
STAMPS_BAR: dict[str, Any] = {"ls": "", "elinewidth": 5, "alpha": 0.2, "zorder": 1}
REALISATIONS_BAR: dict[str, Any] = {"capsize": 2, "elinewidth": 0.8}


#: Look of the curves of the paper: light, below ours.
PUBLISHED_LINE: dict[str, Any] = {
    "lw": 0.9,
    "alpha": 0.45,
    "zorder": 1.5,
    "elinewidth": 0.7,
    "capsize": 1,
}


def effective_numbers(accuracies: pd.DataFrame) -> pd.Series:
    """Effective number of stamps of each subset, since those of some kinds have weights.

    Parameters
    ----------
    accuracies : DataFrame
        `subset`, `n`, `accuracy` and its `error`: the number of independent stamps that have a
        binomial error of that size. All accuracies of a subset are of the same stamps.

    Returns
    -------
    Series
        By subset; `n` if all its accuracies are 0 or 1, whose error is zero for any number.
    """
    share, error = accuracies["accuracy"], accuracies["error"]
    effective = (share * (1 - share) / error**2).where(error > 0)
    groups = accuracies.assign(effective=effective).groupby("subset")
    return groups["effective"].median().fillna(groups["n"].max())


def sep_note(rules: str) -> str:
    """Which labels of SEP a figure has, for its label."""
    return f"SEP's labels: {rules}"


def comparable(published: pd.DataFrame, rules: str) -> pd.DataFrame:
    """The paper's curves that can be compared with SEP by some rules of labelling.

    Parameters
    ----------
    published : DataFrame
        A figure's curves, from `deblend.farrens2022.published.curves`.
    rules : str
        Those of SEP's labels in our figure.

    Returns
    -------
    DataFrame
        All by the authors' rules, which are the paper's; else those of BlendHunter alone, and none
        of differences from SEP, which have no `method`.
    """
    if rules == PUBLISHED_RULES:
        return published
    if "method" not in published:
        return published.iloc[:0]
    return published[published["method"] != "SEP"]


def draw_against_noise(
    axis: Axes, summary: pd.DataFrame, name: str, unit: float = 100, **look: Any
) -> None:
    """Draw accuracies, their interval and their scatter over realisations against noise.

    Parameters
    ----------
    axis : Axes
    summary : DataFrame
        `noise_sigma` (counts), `mean` and `std` of accuracies in [0, 1], and `low` and `high`, the
        ends of the 68 % interval of the test stamps.
    name : str
        Name of the curve in the legend.
    unit : float
        What accuracies are multiplied with: 100 for per cent.
    **look
        Options of `Axes.errorbar`, such as `ls` and `color`.
    """
    x, y = summary["noise_sigma"], unit * summary["mean"]
    below, above = y - unit * summary["low"], unit * summary["high"] - y
    axis.errorbar(x, y, [below, above], ecolor=look.get("color"), **STAMPS_BAR)
    # Without scatter, as of a single realisation, there are no bars, whose caps would be lines.
    scatter = unit * summary["std"].where(summary["std"] > 0)
    axis.errorbar(x, y, scatter, label=name, **REALISATIONS_BAR, **look)


def draw_published(
    axis: Axes, curve: pd.DataFrame, style: str, colour: str, unit: float = 100
) -> None:
    """Draw a curve of the paper with its errors, if there is one, under ours.

    Parameters
    ----------
    axis : Axes
    curve : DataFrame
        `noise_sigma`, `mean`, `error`: see `deblend.farrens2022.published.curves`.
    style, colour : str
        Those of our curve.
    unit : float
        See `draw_against_noise`.
    """
    if len(curve):
        curve = curve.sort_values("noise_sigma")
        y, error = unit * curve["mean"], unit * curve["error"]
        axis.errorbar(curve["noise_sigma"], y, error, ls=style, color=colour, **PUBLISHED_LINE)


def name_published(axis: Axes, published: pd.DataFrame | None, note: str) -> None:
    """Add the curves of `draw_published` to the legend, if there are any.

    Parameters
    ----------
    axis : Axes
    published : DataFrame or None
    note : str
        What they or their bars are.
    """
    if published is not None and len(published):
        look = {"color": "black", "label": f"published ({note})"}
        axis.errorbar([np.nan], [np.nan], [np.nan], **look, **PUBLISHED_LINE)


def name_bars(axis: Axes) -> None:
    """Add the two kinds of bars of `draw_against_noise` to the legend."""
    for look, name in (
        (STAMPS_BAR, "68 % interval (stamps)"),
        ({**REALISATIONS_BAR, "ls": ""}, "std. dev. (realisations)"),
    ):
        # A point that is not drawn has caps in the legend, unlike no point at all.
        axis.errorbar([np.nan], [np.nan], [np.nan], color="black", label=name, **look)


def set_noise_axis(axis: Axes, noise_sigma: pd.Series, name: str) -> None:
    """Let the axis of noise begin at 0, also if there is a single level, and name it."""
    axis.set(xlim=(0, 1.12 * noise_sigma.max()), xlabel=name)
