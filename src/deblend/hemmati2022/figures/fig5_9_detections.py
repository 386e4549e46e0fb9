"""Figures 5 and 9 of Hemmati et al. 2022: which blends are detected."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import detection_fractions, edges, measured, with_resolutions
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: Resolution to what the figures call it, the colour of what is under its curve, as in the paper's
#: Fig. 5 (yellow, grey, dark blue), and the curve's own.
CURVES = {
    "high": ("high", "#F9E27D", "#D9A400"),
    "gan": ("GAN", "#C4C4C4", "0.45"),
    "low": ("low", "#4A5A9C", "#101C54"),
}


#: What the filter that is best for them finds in high and low resolution.
BEST = {
    "high_best": ("high, best filter", "none", "#D9A400"),
    "low_best": ("low, best filter", "none", "#101C54"),
}


MULTI = ("GAN, multi-band", "none", COLOURS["companion"])


LINES = dict.fromkeys(BEST, ":") | {"gan_multi": "-."}


#: Quantity to its axis; the paper normalises the separation in two ways.
QUANTITIES = {
    "separation_over_fwhm_sum": "separation / ΣFWHM",
    "separation_over_sqrt_fwhm_sum": "separation / √ΣFWHM (√px)",
    "delta_mag": "magnitude difference",
    "delta_z": "redshift difference",
}


FIG5 = tuple(QUANTITIES)


FIG9 = FIG5[:1]


def binned_fractions(detections: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """What Figures 5 and 9 show.

    Parameters
    ----------
    detections : DataFrame
        A row a blend: the quantities, and `detected_high` and so on.
    quantities : list of str

    Returns
    -------
    DataFrame
        See `deblend.hemmati2022.metrics.detection_fractions`; blends beyond the last bin's end are
        left out. No rows of a quantity that no blend has.
    """
    table = with_resolutions(detections)
    parts = [
        detection_fractions(table, quantity, edges(table[quantity]), measured(table))
        for quantity in quantities
        if np.isfinite(table[quantity]).any()
    ]
    columns = ["quantity", "bin_low", "bin_high", "resolution", "n", "fraction", "low", "high"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _draw_fractions(upper: Axes, lower: Axes, table: pd.DataFrame, multi: bool) -> None:
    """A quantity's fractions, and under them how many blends there are."""
    ends = np.append(table["bin_low"].unique(), table["bin_high"].max())
    middle = (ends[:-1] + ends[1:]) / 2
    curves = CURVES | BEST | ({"gan_multi": MULTI} if multi else {})
    for resolution, (name, fill, colour) in curves.items():
        mine = table[table["resolution"] == resolution]
        if mine.empty:
            continue
        fraction = mine["fraction"].to_numpy(float)
        known = np.isfinite(fraction)
        line = LINES.get(resolution, "-")
        upper.fill_between(middle[known], fraction[known], color=fill, alpha=0.9, lw=0)
        error = np.abs(mine[["low", "high"]].to_numpy(float).T - fraction)[:, known]
        shown = (middle[known], fraction[known])
        upper.errorbar(
            *shown, error, ls=line, color=colour, lw=1.1, elinewidth=0.7, capsize=1.5, label=name
        )
    first = table[table["resolution"] == table["resolution"].iloc[0]]
    lower.stairs(first["n"], ends, fill=True, color="0.8")
    lower.stairs(first["n"], ends, color="0.4", lw=0.6)


def draw_fractions(
    table: pd.DataFrame,
    quantities: Sequence[str],
    outputs: Outputs,
    label: str,
    multi: bool = False,
) -> None:
    """Draw Figure 5, or, with the multi-band network, Figure 9.

    Parameters
    ----------
    table : DataFrame
        From `binned_fractions`.
    quantities : list of str
        A column of panels each.
    outputs : list of path
    label : str
    multi : bool
        Show the multi-band network's fractions, as dash-dotted lines. Dotted are those of high and
        low resolution with the filter that is best for them.
    """
    n = len(quantities)
    width, label_size, columns = (7.2, "small", 5) if n > 1 else (3.6, "x-small", 3)
    with paper_figure(outputs, label, (width, 3.4), label_size) as figure:
        axes = figure.subplots(
            2, n, sharex="col", sharey="row", squeeze=False, height_ratios=[3, 1]
        )
        for (upper, lower), quantity in zip(axes.T, quantities, strict=True):
            mine = table[table["quantity"] == quantity]
            lower.set_xlabel(QUANTITIES[quantity])
            if mine.empty:
                panel_note(upper, "no redshifts" if quantity == "delta_z" else "no blends")
                continue
            _draw_fractions(upper, lower, mine, multi)
            upper.set_xlim(mine["bin_low"].min(), mine["bin_high"].max())
        axes[0, 0].set(ylim=(0, 1.03), ylabel="fraction of blends detected")
        axes[1, 0].set_ylabel("blends")
        if multi and "gan_multi" not in set(table["resolution"]):
            axes[0, 0].set_title("multi-band network not trained", color="0.4", fontsize=7)
        drawn = [axis for axis in axes[0] if axis.lines or axis.containers]
        if drawn:
            handles = drawn[0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower center", ncols=columns)
