"""What Figures 5 to 9 of Boucaud et al. 2020 share: panels, lines and labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import METHODS, MIN_IN_BIN
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

DELTA_MAG = r"mag$_{\rm central}$ - mag$_{\rm companion}$"


EMPTY = "no fluxes in this catalogue"


def magnitude_limits(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes of Figures 5 and 6, whole magnitudes and a little more."""
    isolated = points["mag_isolated"]
    low, high = (isolated.min(), isolated.max()) if len(isolated) else (18, 23)
    return float(np.floor(low) - 0.2), float(np.ceil(high) + 0.2)


def draw_panel(
    axis: Axes, panel: pd.DataFrame, numbers: pd.Series, limits: tuple[float, float], colour: str
) -> None:
    """Recovered against isolated magnitudes, the statistics, and the histogram of the difference.

    Parameters
    ----------
    axis : Axes
    panel : DataFrame
        The panel's points.
    numbers : Series
        The panel's row of `panel_statistics`.
    limits : (float, float)
        Of both axes, mag.
    colour : str
    """
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    if numbers["n"] == 0:
        panel_note(axis, EMPTY)
        return
    axis.plot(limits, limits, ls="--", lw=0.8, color="0.5", zorder=1)
    size = 3 if numbers["n"] > 2000 else 6
    axis.scatter(
        panel["mag_isolated"],
        panel["mag_blended"],
        s=size,
        alpha=0.3,
        lw=0,
        color=colour,
        rasterized=True,
        zorder=2,
    )
    lines = [
        rf"$\overline{{\Delta_{{\rm mag}}}}$ = {numbers['mean_dmag']:.3f}",
        rf"$\sigma_{{\rm mag}}$ = {numbers['sigma_mag']:.3f}",
        f"outliers = {numbers['outliers_percent']:.1f}%",
        f"MAPE (mag) = {numbers['mape_mag_percent']:.1f}%",
    ]
    if numbers["n_nonpositive"]:
        lines.append(f"flux not positive: {numbers['n_nonpositive']:.0f}")
    axis.text(
        0.04,
        0.95,
        "\n".join(lines),
        transform=axis.transAxes,
        va="top",
        fontsize="x-small",
        linespacing=1.25,
    )
    inset = axis.inset_axes((0.60, 0.12, 0.36, 0.33))
    dmag = panel["mag_blended"] - panel["mag_isolated"]
    inset.hist(dmag.clip(-2, 2), bins=np.linspace(-2, 2, 41).tolist(), color=colour)
    inset.axvline(0, ls="--", lw=0.6, color="0.3")
    inset.set(xlim=(-2, 2), xticks=[-1, 0, 1], yticks=[])
    inset.tick_params(labelsize="xx-small", length=2, pad=1)
    inset.set_title(r"$\Delta_{\rm mag}$", fontsize="x-small", pad=2)
    inset.patch.set_alpha(0.85)


def draw_magnitudes(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    by: str,
    rows: Mapping[str, tuple[str, str]],
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 5 or 6: a row of panels a group of galaxies, a column a method.

    Parameters
    ----------
    points, statistics : DataFrame
        With `method` and the column that `by` names. Where `statistics` has no row, there is no
        panel.
    by : str
        Column of the groups.
    rows : dict
        Group to how it is titled and its colour.
    outputs : list of path
    label : str
    """
    limits = magnitude_limits(points)
    lookup = statistics.set_index(["method", by])
    with paper_figure(outputs, label, (7.2, 5.1)) as figure:
        axes = figure.subplots(len(rows), len(METHODS), sharex=True, sharey=True)
        for column, (method, _) in enumerate(METHODS):
            there = [row for row, group in enumerate(rows) if (method, group) in lookup.index]
            lowest = axes[max(there), column]
            lowest.set_xlabel("Magnitude, isolated")
            lowest.xaxis.set_tick_params(labelbottom=True)
        for line, (group, (title, colour)) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel("Magnitude, blended (recovered)")
            for axis, (method, _) in zip(line, METHODS, strict=True):
                if (method, group) not in lookup.index:
                    axis.remove()
                    continue
                panel = points[(points["method"] == method) & (points[by] == group)]
                draw_panel(axis, panel, lookup.loc[(method, group)], limits, colour)
                axis.set_title(f"{method} ({title})")


def lines_of(statistics: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres and values to draw a line through: bins of `MIN_IN_BIN` galaxies and more."""
    bins = statistics[statistics["bin"] != "all"]
    centres = ((bins["delta_mag_low"] + bins["delta_mag_high"]) / 2).to_numpy(float)
    return centres, bins[column].where(bins["n"] >= MIN_IN_BIN).to_numpy(float)


def left_out(statistics: pd.DataFrame) -> str:
    """What a figure cannot show, of all methods, to be said in it; empty if it shows all."""
    whole = statistics[statistics["bin"] == "all"]
    counts = {
        "fluxes not positive": int(whole["n_nonpositive"].sum()),
        "fluxes beyond the bins": int(whole["n_beyond"].sum()),
    }
    return "; ".join(f"{what}: {n}" for what, n in counts.items() if n)


def notes(label: str, statistics: pd.DataFrame) -> list[str]:
    """A figure's label and what it cannot show, if there are such."""
    return [text for text in (label, left_out(statistics)) if text]


def figure_label(about: dict[str, Any], n_blends: int) -> str:
    """What data and scale a figure is of, for its top."""
    source = about.get("label") or f"{about['scale']} scale, data set {about['dataset']}"
    return f"{source}, {n_blends} test blends"
