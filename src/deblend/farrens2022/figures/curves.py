"""Curves of Figures 4 and 5 of Farrens et al. 2022."""

import pandas as pd
from matplotlib.axes import Axes


def draw_against_noise(
    axis: Axes, summary: pd.DataFrame, name: str, line: str, colour: str
) -> None:
    """Draw accuracies and their scatter over realisations, in per cent, against noise.

    Parameters
    ----------
    axis : Axes
    summary : DataFrame
        `noise_sigma` (counts), `mean` and `std` of accuracies in [0, 1].
    name : str
        Name of the curve in the legend.
    line, colour : str
    """
    axis.errorbar(
        summary["noise_sigma"],
        100 * summary["mean"],
        100 * summary["std"],
        ls=line,
        marker="o",
        ms=3,
        color=colour,
        label=name,
    )
