"""Curves of Figures 4 to 6 of Farrens et al. 2022, and the axis that they share."""

from typing import Any

import pandas as pd
from deblend.plots.style import COLOURS
from matplotlib.axes import Axes

#: Lines, markers and colours of the methods. SEP's markers are open, so that those of BlendHunter
#: are seen inside where both agree.
METHODS: dict[str, dict[str, Any]] = {
    "BlendHunter": {"ls": "-", "marker": "o", "ms": 3, "color": "black"},
    "SEP": {"ls": "--", "marker": "s", "ms": 4.5, "mfc": "none", "color": COLOURS["ours"]},
}


TRAINING_NOISE = r"$\sigma_{\rm noise}$ of the training stamps (counts)"


def draw_against_noise(axis: Axes, summary: pd.DataFrame, name: str, **look: Any) -> None:
    """Draw accuracies and their scatter over realisations, in per cent, against noise.

    Parameters
    ----------
    axis : Axes
    summary : DataFrame
        `noise_sigma` (counts), `mean` and `std` of accuracies in [0, 1]. If it has a column
        `error`, the 68 % interval of the test stamps is drawn as a broad pale bar.
    name : str
        Name of the curve in the legend.
    **look
        Options of `Axes.errorbar`, such as `ls` and `color`.
    """
    x, y = summary["noise_sigma"], 100 * summary["mean"]
    if "error" in summary:
        broad = {"ls": "", "elinewidth": 5, "alpha": 0.2, "zorder": 1}
        axis.errorbar(x, y, 100 * summary["error"], ecolor=look.get("color"), **broad)
    # Without scatter, as of a single realisation, there are no bars, whose caps would be lines.
    scatter = 100 * summary["std"].where(summary["std"] > 0)
    axis.errorbar(x, y, scatter, capsize=2, elinewidth=0.8, label=name, **look)


def set_noise_axis(axis: Axes, noise_sigma: pd.Series, name: str) -> None:
    """Let the axis of noise begin at 0, also if there is a single level, and name it."""
    axis.set(xlim=(0, 1.12 * noise_sigma.max()), xlabel=name)
