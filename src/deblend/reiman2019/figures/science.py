"""Errors of flux, colour, size and shape of deblended galaxies (not in the paper)."""

import numpy as np
import pandas as pd
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.metrics import GALAXIES
from deblend.reiman2019.science import BINNED_BY, QUANTITIES
from deblend.reiman2019.tables import METHOD_NAMES
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

#: Colour and marker of each method; those with statistics of batches have dashed lines.
LOOKS = {
    "gan": (COLOURS["ours"], "o"),
    "mse": (COLOURS["companion"], "s"),
    "copy_gate": (COLOURS["green"], "^"),
    "residual_branches": (COLOURS["pink"], "D"),
    "sep": (COLOURS["published"], "v"),
    "blend": ("black", "x"),
}


#: Name and unit of each quantity.
QUANTITY_NAMES = {
    "flux_mag": "flux (mag)",
    "colour_mag": "colour (mag)",
    "half_light_radius_percent": "half-light\nradius (%)",
    "ellipticity": "ellipticity",
}


#: Axes by column of the bins.
AXES = {"separation_px": "separation (px)", "flux_ratio": "light, companion / central"}


#: Statistics, and their names.
STATISTICS = {"median": "median error", "nmad": "NMAD"}


def draw_science(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw bias and scatter of each quantity against separation and flux ratio, a line a method.

    Parameters
    ----------
    table : DataFrame
        From `deblend.reiman2019.science.science_table`.
    outputs : list of path
    label : str
        Scale and data.
    """
    methods = [name for name in METHOD_NAMES if name in set(table["method"])]
    whole = table[(table["by"] == "all") & (table["quantity"] == QUANTITIES[0])]
    n = int(whole.loc[whole["method"] == methods[0], "n"].sum())
    columns = [(statistic, by) for statistic in STATISTICS for by in BINNED_BY]
    with paper_figure(outputs, label_line(label, n), TWO_COLUMNS_IN, 8.8) as figure:
        axes = figure.subplots(len(QUANTITIES) * len(GALAXIES), len(columns), sharex="col")
        rows = [(quantity, galaxy) for quantity in QUANTITIES for galaxy in GALAXIES]
        for row, (quantity, galaxy) in zip(axes, rows, strict=True):
            of_row = table[(table["quantity"] == quantity) & (table["galaxy"] == galaxy)]
            # Of each statistic, both panels have the same axis.
            for first, second in (row[:2], row[2:]):
                second.sharey(first)
                second.tick_params(labelleft=False)
            for axis, (statistic, by) in zip(row, columns, strict=True):
                for method in methods:
                    part = of_row[(of_row["method"] == method) & (of_row["by"] == by)]
                    _draw_line(axis, part, method, statistic)
                axis.axhline(0, color="0.7", lw=0.6, zorder=0)
            row[-1].set_ylim(bottom=0)
            row[0].set_ylabel(f"{galaxy}\n{QUANTITY_NAMES[quantity]}")
        for axis, (statistic, by) in zip(axes[0], columns, strict=True):
            axis.set_title(STATISTICS[statistic], fontsize="small")
            if by == "flux_ratio":
                axis.set_xscale("log")
                axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                axis.xaxis.set_minor_formatter(NullFormatter())
                axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        for axis, (_, by) in zip(axes[-1], columns, strict=True):
            axis.set_xlabel(AXES[by])
        handles = axes[0, 0].get_legend_handles_labels()[0]
        names = [_legend_name(method, whole) for method in methods]
        figure.legend(handles, names, loc="outside lower center", ncols=3)


def _draw_line(axis: Axes, bins: pd.DataFrame, method: str, statistic: str) -> None:
    """Draw a statistic of a method in the middle of each bin."""
    middle = (bins["from"] + bins["to"]) / 2
    if (bins["by"] == "flux_ratio").any():
        middle = np.sqrt(bins["from"] * bins["to"])
    colour, marker = LOOKS[method.removesuffix("_batch")]
    style = "--" if method.endswith("_batch") else "-"
    look = {"color": colour, "marker": marker, "ms": 2.5, "lw": 0.8, "elinewidth": 0.6, "ls": style}
    axis.errorbar(middle, bins[statistic], bins[f"{statistic}_error"], label=method, **look)


def _legend_name(method: str, whole: pd.DataFrame) -> str:
    """Name of a method, with the share of the images that have no flux by it."""
    mine = whole[whole["method"] == method]
    failures, n = mine["failures"].sum(), mine["n"].sum()
    name = METHOD_NAMES[method]
    return f"{name} ({100 * failures / n:.2g} % missing)" if failures else name
