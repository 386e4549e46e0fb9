"""Figures 5 and 9 of Hemmati et al. 2022: fractions of detected blends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import (
    bin_edges,
    detection_fractions,
    measured_resolutions,
    parse_detections,
)
from deblend.plots.style import (
    COLOURS,
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from matplotlib.axes import Axes

#: For each resolution its name, the colour of the area under its curve, as in Fig. 5 of the paper
#: (yellow, grey, dark blue), the colour of the curve, and its line and marker.
CURVES = {
    "high": ("high", "#F9E27D", "#C79600", "-o"),
    "gan": ("GAN", "#B8B8B8", "0.35", "-s"),
    "low": ("low", "#7F8DC6", "#101C54", "-^"),
}


#: The same for high and low resolution with the filter that is best for them.
BEST = {
    "high_best": ("high, best filter", "none", "#C79600", ":o"),
    "low_best": ("low, best filter", "none", "#101C54", ":^"),
}


#: The same for the multi-band network.
MULTI = ("GAN, multi-band", "none", COLOURS["companion"], "-.D")


#: Networks whose fractions Figures 5 and 9 show.
NETWORKS = {5: "sr", 9: "sr, sr_multi"}


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
    drawn = [name for name in curves if name in set(table["resolution"])]
    # Small shifts keep the marks and intervals of equal fractions from covering each other.
    shifts = (bin_ends[1] - bin_ends[0]) * 0.06 * (np.arange(len(drawn)) - (len(drawn) - 1) / 2)
    for resolution, shift in zip(drawn, shifts, strict=True):
        name, fill, colour, line = curves[resolution]
        rows = table[table["resolution"] == resolution]
        fraction = rows["fraction"].to_numpy(float)
        known = np.isfinite(fraction)
        shown = (middle[known] + shift, fraction[known])
        upper.fill_between(*shown, color=fill, alpha=0.8, lw=0, zorder=1)
        look: dict[str, Any] = {"color": colour, "ms": 2.2, "mew": 0.6, "lw": 0.9}
        if line.startswith(":"):
            # Open marks of the same size would look smaller than filled ones.
            look |= {"mfc": "none", "ms": 3.2}
        upper.plot(*shown, line, label=name, zorder=3, clip_on=False, **look)
        ends = rows[["low", "high"]].to_numpy(float).T[:, known]
        upper.vlines(shown[0], *ends, color=colour, lw=0.6, zorder=2.5)
    first = table[table["resolution"] == table["resolution"].iloc[0]]
    lower.stairs(first["n"], bin_ends, fill=True, color="0.8")
    lower.stairs(first["n"], bin_ends, color="0.4", lw=0.6)


def draw_fractions(
    table: pd.DataFrame,
    quantities: Sequence[str],
    n_blends: int,
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
    n_blends : int
        Number of test blends.
    outputs : list of path
    label : str
        Scale and data.
    multi : bool
        Show the fractions of the multi-band network, as dash-dotted lines.
    """
    n = len(quantities)
    width, columns = (TWO_COLUMNS_IN, 5) if n > 1 else (ONE_COLUMN_IN, 3)
    there = not multi or "gan_multi" in set(table["resolution"])
    line = label_line(
        label,
        NETWORKS[9 if multi else 5],
        n_blends,
        None if there else "multi-band network not trained",
    )
    with paper_figure(outputs, line, width, 3.2) as figure:
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
        drawn = [axis for axis in axes[0] if axis.lines]
        if drawn:
            handles = drawn[0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower center", ncols=columns)
