"""Figures 5 and 9 of Hemmati et al. 2022: fractions of detected blends."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    bin_edges,
    detection_fractions,
    measured_resolutions,
    parse_detections,
)
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: For each resolution its name, the colour of the area under its curve, as in Fig. 5 of the paper
#: (yellow, grey, dark blue), and the colour of the curve.
CURVES = {
    "high": ("high", "#F9E27D", "#D9A400"),
    "gan": ("GAN", "#C4C4C4", "0.45"),
    "low": ("low", "#4A5A9C", "#101C54"),
}


#: The same for high and low resolution with the filter that is best for them.
BEST = {
    "high_best": ("high, best filter", "none", "#D9A400"),
    "low_best": ("low, best filter", "none", "#101C54"),
}


#: The same for the multi-band network.
MULTI = ("GAN, multi-band", "none", COLOURS["companion"])


#: Line styles; other curves are solid.
LINES = dict.fromkeys(BEST, ":") | {"gan_multi": "-."}


#: For each quantity the label of its axis; the paper normalises the separation in two ways.
QUANTITIES = {
    "separation_over_fwhm_sum": "separation / ΣFWHM",
    "separation_over_sqrt_fwhm_sum": "separation / √ΣFWHM (√px)",
    "delta_mag": "magnitude difference",
    "delta_z": "redshift difference",
}


FIG5 = tuple(QUANTITIES)


FIG9 = FIG5[:1]


def binned_fractions(detections: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Fractions of detected blends in bins, which Figures 5 and 9 show.

    Parameters
    ----------
    detections : DataFrame
        One row per blend: the quantities, and `detected_high` and so on.
    quantities : list of str

    Returns
    -------
    DataFrame
        See `deblend.hemmati2022.metrics.detection_fractions`; blends beyond the end of the last bin
        are left out. A quantity without any values has no rows.
    """
    table = parse_detections(detections)
    parts = [
        detection_fractions(
            table, quantity, bin_edges(table[quantity]), measured_resolutions(table)
        )
        for quantity in quantities
        if np.isfinite(table[quantity]).any()
    ]
    columns = ["quantity", "bin_low", "bin_high", "resolution", "n", "fraction", "low", "high"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _draw_fractions(upper: Axes, lower: Axes, table: pd.DataFrame, multi: bool) -> None:
    """Draw the fractions for a quantity, and the numbers of blends below them."""
    bin_ends = np.append(table["bin_low"].unique(), table["bin_high"].max())
    middle = (bin_ends[:-1] + bin_ends[1:]) / 2
    curves = CURVES | BEST | ({"gan_multi": MULTI} if multi else {})
    for resolution, (name, fill, colour) in curves.items():
        rows = table[table["resolution"] == resolution]
        if rows.empty:
            continue
        fraction = rows["fraction"].to_numpy(float)
        known = np.isfinite(fraction)
        line = LINES.get(resolution, "-")
        upper.fill_between(middle[known], fraction[known], color=fill, alpha=0.9, lw=0)
        error = np.abs(rows[["low", "high"]].to_numpy(float).T - fraction)[:, known]
        shown = (middle[known], fraction[known])
        upper.errorbar(
            *shown, error, ls=line, color=colour, lw=1.1, elinewidth=0.7, capsize=1.5, label=name
        )
    first = table[table["resolution"] == table["resolution"].iloc[0]]
    lower.stairs(first["n"], bin_ends, fill=True, color="0.8")
    lower.stairs(first["n"], bin_ends, color="0.4", lw=0.6)


def draw_fractions(
    table: pd.DataFrame,
    quantities: Sequence[str],
    outputs: Outputs,
    label: str,
    multi: bool = False,
) -> None:
    """Draw Figure 5 or, with the multi-band network, Figure 9.

    Dotted lines are the fractions in high and low resolution with the filter that is best for them.

    Parameters
    ----------
    table : DataFrame
        From `binned_fractions`.
    quantities : list of str
        Quantities, one for each column of panels.
    outputs : list of path
    label : str
    multi : bool
        Show the fractions of the multi-band network, as dash-dotted lines.
    """
    n = len(quantities)
    width, label_size, columns = (7.2, "small", 5) if n > 1 else (3.6, "x-small", 3)
    with paper_figure(outputs, label, (width, 3.4), label_size) as figure:
        axes = figure.subplots(
            2, n, sharex="col", sharey="row", squeeze=False, height_ratios=[3, 1]
        )
        for (upper, lower), quantity in zip(axes.T, quantities, strict=True):
            rows = table[table["quantity"] == quantity]
            lower.set_xlabel(QUANTITIES[quantity])
            if rows.empty:
                panel_note(upper, "no redshifts" if quantity == "delta_z" else "no blends")
                continue
            _draw_fractions(upper, lower, rows, multi)
            upper.set_xlim(rows["bin_low"].min(), rows["bin_high"].max())
        axes[0, 0].set(ylim=(0, 1.03), ylabel="fraction of blends detected")
        axes[1, 0].set_ylabel("blends")
        if multi and "gan_multi" not in set(table["resolution"]):
            axes[0, 0].set_title("multi-band network not trained", color="0.4", fontsize=7)
        drawn = [axis for axis in axes[0] if axis.lines or axis.containers]
        if drawn:
            handles = drawn[0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower center", ncols=columns)
