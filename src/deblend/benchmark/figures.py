"""The figure of the benchmark: scores of all methods, in bins, and outside the training's range."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.plots.style import TWO_COLUMNS_IN, panel_note, paper_figure
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

#: Colours and markers of the methods, in their order.
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D")

#: Ratio of the ends of a logarithmic axis from which on only powers of ten are labelled.
LONG_AXIS = 300.0

#: Scores of the first row: column, label and whether its axis is logarithmic.
SCORES = (
    ("nmad_all_mag", "NMAD of all, o: of measured (mag)", True),
    ("outliers_all_percent", "outliers of all, o: of measured (%)", False),
    ("seconds_per_blend", "processor time (s / blend)", True),
)

#: Scores of all galaxies, and the same of those that are measured, which are drawn open.
OF_MEASURED = {"nmad_all_mag": "nmad_mag", "outliers_all_percent": "outliers_percent"}

#: Labels of the quantities of bins.
QUANTITIES = {
    "delta_mag": "magnitude difference (mag)",
    "separation_over_size": "distance / half-light radius",
    "snr": "signal to noise",
}


def draw_benchmark(
    table: pd.DataFrame, bins: pd.DataFrame, outputs: list[str | Path], label: str
) -> None:
    """Draw scores of the first set, the NMAD in its bins, and the NMAD in all sets.

    Parameters
    ----------
    table, bins : DataFrame
        From `deblend.benchmark.score.score_all`.
    outputs : list of path
    label : str
        See `deblend.plots.style.label_line`.
    """
    first = str(table["set"].iloc[0])
    names = [m for m in dict.fromkeys(table["method"]) if _has_fluxes(table, m)]
    looks = {
        name: {"color": CYCLE[i % len(CYCLE)], "marker": MARKERS[i // len(CYCLE) % len(MARKERS)]}
        for i, name in enumerate(names)
    }
    with paper_figure(outputs, label, TWO_COLUMNS_IN, 7.6) as figure:
        axes = figure.subplots(3, 3, gridspec_kw={"height_ratios": [1.15, 1, 1]})
        own = table[(table["set"] == first) & table["nmad_mag"].notna()]
        shown = list(own["method"])
        for number, (axis, (column, text, log)) in enumerate(zip(axes[0], SCORES, strict=True)):
            _draw_scores(axis, own, shown, looks, column, log)
            axis.set_xlabel(text)
            axis.set_yticks(range(len(shown)), shown if number == 0 else [""] * len(shown))
        for axis, (quantity, text) in zip(axes[1], QUANTITIES.items(), strict=True):
            part = bins[(bins["set"] == first) & (bins["quantity"] == quantity)]
            _draw_bins(axis, part, names, looks)
            axis.set_xlabel(text)
            if quantity == "snr":
                axis.set_xscale("log")
                _plain_ticks(axis.xaxis)
        axes[1, 0].set_ylabel(f"NMAD of all (mag), {first}")
        grid = axes[2, 0].get_gridspec()
        for axis in axes[2]:
            axis.remove()
        wide = figure.add_subplot(grid[2, :])
        _draw_sets(wide, table, names, looks)
        figure.legend(
            *wide.get_legend_handles_labels(), loc="outside lower center", ncols=5, markerscale=1.2
        )


def _has_fluxes(table: pd.DataFrame, method: str) -> bool:
    return bool(table.loc[table["method"] == method, "nmad_mag"].notna().any())


def _draw_scores(
    axis: Axes, own: pd.DataFrame, names: Sequence[str], looks: dict, column: str, log: bool
) -> None:
    """One score of each method, with its interval if it has one."""
    for row in own.to_dict("records"):
        value, place = row[column], names.index(row["method"])
        if not np.isfinite(value):
            continue
        ends = [row.get(f"{column}_{end}", np.nan) for end in ("low", "high")]
        if np.isfinite(ends).all():
            axis.plot(ends, [place, place], color=looks[row["method"]]["color"], lw=1)
        axis.plot(value, place, ms=4, **looks[row["method"]])
        if column in OF_MEASURED:
            axis.plot(row[OF_MEASURED[column]], place, ms=4, mfc="none", **looks[row["method"]])
    axis.set_ylim(len(names) - 0.5, -0.5)
    if log and (own[column] > 0).any():
        axis.set_xscale("log")
        _plain_ticks(axis.xaxis)
    axis.grid(axis="y", lw=0.3, color="0.85")
    if not np.isfinite(own[column]).any():
        panel_note(axis, "no values")


def _draw_bins(axis: Axes, part: pd.DataFrame, names: Sequence[str], looks: dict) -> None:
    """NMAD of each method against a quantity."""
    for name in names:
        rows = part[(part["method"] == name) & np.isfinite(part["nmad_all_mag"])]
        # Bins at the ends are open: they are at their only edge.
        low, high = (rows[c].where(np.isfinite(rows[c])) for c in ("low", "high"))
        rows = rows.assign(low=low.fillna(high), high=high.fillna(low))
        # The geometric mean where both edges are positive and far apart, as those of S/N.
        far = (rows["low"] > 0) & (rows["high"] > 4 * rows["low"])
        geometric = np.sqrt(rows["low"].clip(lower=0) * rows["high"].clip(lower=0))
        middle = np.where(far, geometric, (rows["low"] + rows["high"]) / 2)
        axis.plot(middle, rows["nmad_all_mag"], ms=3, lw=0.8, **looks[name])
    if not np.isfinite(part["nmad_all_mag"]).any():
        panel_note(axis, "too few galaxies")
        return
    axis.set_yscale("log")
    _plain_ticks(axis.yaxis)


def _draw_sets(axis: Axes, table: pd.DataFrame, names: Sequence[str], looks: dict) -> None:
    """NMAD of each method in each set."""
    sets = list(dict.fromkeys(table["set"]))
    offsets = np.linspace(-0.35, 0.35, len(names)) if len(names) > 1 else [0.0]
    for name, offset in zip(names, offsets, strict=True):
        rows = table[(table["method"] == name) & np.isfinite(table["nmad_all_mag"])]
        places = np.array([sets.index(s) for s in rows["set"]]) + offset
        axis.plot(places, rows["nmad_all_mag"], ls="", ms=4, label=name, **looks[name])
        for place, low, high in zip(
            places, rows["nmad_all_mag_low"], rows["nmad_all_mag_high"], strict=True
        ):
            axis.plot([place, place], [low, high], color=looks[name]["color"], lw=0.8)
    for place in range(1, len(sets)):
        axis.axvline(place - 0.5, color="0.85", lw=0.6)
    axis.set_xticks(range(len(sets)), sets)
    axis.tick_params(axis="x", length=0)
    axis.set_xlim(-0.5, len(sets) - 0.5)
    axis.set_yscale("log")
    _plain_ticks(axis.yaxis)
    axis.set_ylabel("NMAD of all (mag)")


def _plain_ticks(axis: Axis) -> None:
    """Label 0.1, 0.2 and 0.5 of a logarithmic axis: powers of ten can be beyond its ends.

    Where there are many powers of ten, these alone are labelled.
    """
    low, high = axis.get_view_interval()
    few = high < LONG_AXIS * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
