"""Accuracy on a sample's stamps against the galaxies' magnitudes, a supplement to Figure 5."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.farrens2022.figures.curves import METHODS
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, panel_note, paper_figure
from matplotlib.axes import Axes

#: Panels: what accuracies are against, kind of stamps, title and horizontal axis.
PANELS = (
    ("fainter_mag", "blends", "blends", "magnitude of the fainter galaxy"),
    ("fainter_mag", "isolated", "isolated galaxies", "magnitude"),
    ("delta_mag", "blends", "blends", "difference in magnitude"),
)


#: Smallest number of galaxies of a point; the table has bins of fewer ones too.
MIN_GALAXIES = 3


#: Distance of the points of both methods from the middle of their bin, in widths of the bin.
SHIFT = {"BlendHunter": -0.06, "SEP": 0.06}


def draw_magnitudes(
    accuracies: pd.DataFrame, limit: float, outputs: Outputs, label: str, n_stamps: int
) -> None:
    """Draw accuracies against magnitude and against the difference in magnitude.

    Parameters
    ----------
    accuracies : DataFrame
        From `deblend.farrens2022.magnitudes.nearest_heads`.
    limit : float
        The faintest magnitude of the training.
    outputs : list of path
    label : str
        Scale and data.
    n_stamps : int
        Number of stamps of the sample.
    """
    line = label_line(label, "BlendHunter", n_stamps)
    levels = np.unique(accuracies["noise_sigma"].dropna())
    trained = " and ".join(f"{level:g}" for level in levels)
    names = {
        "BlendHunter": rf"BlendHunter, trained at $\sigma_{{\rm noise}}$ = {trained}",
        "SEP": "SEP without true positions",
    }
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2.9) as figure:
        axes = figure.subplots(1, 3, sharey=True)
        for axis, (against, kind, title, name) in zip(axes, PANELS, strict=True):
            chosen = (accuracies["against"] == against) & (accuracies["kind"] == kind)
            rows = accuracies[chosen & (accuracies["n_galaxies"] >= MIN_GALAXIES)]
            for method, look in METHODS.items():
                _draw_points(axis, rows[rows["method"] == method], names[method], look)
            if rows.empty:
                panel_note(axis, f"fewer than {MIN_GALAXIES} galaxies in each bin")
            if against == "fainter_mag":
                axis.axvline(limit, color="0.5", lw=0.8, ls=":", zorder=0, label="end of training")
            axis.set(title=title, xlabel=name)
        axes[0].set(ylabel="labelled correctly (per cent)", ylim=(0, 103))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _draw_points(axis: Axes, rows: pd.DataFrame, name: str, look: dict[str, Any]) -> None:
    """Draw the accuracies of a method with their 68 % intervals, in the middle of each bin."""
    for number, (_, level) in enumerate(rows.groupby("noise_sigma", dropna=False)):
        width = level["bin_high_mag"] - level["bin_low_mag"]
        shift = SHIFT[str(level["method"].iloc[0])] + 0.06 * number
        x = (level["bin_low_mag"] + level["bin_high_mag"]) / 2 + shift * width
        y = 100 * level["accuracy"]
        bars = [y - 100 * level["low"], 100 * level["high"] - y]
        axis.errorbar(
            x, y, bars, label=name if number == 0 else None, capsize=2, elinewidth=0.8, **look
        )
