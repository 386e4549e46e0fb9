"""Panels, lines and labels that Figures 5 to 9 of Boucaud et al. 2020 share."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import METHODS, MIN_IN_BIN
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

DELTA_MAG_LABEL = r"mag$_{\rm central}$ - mag$_{\rm companion}$"


NO_FLUXES = "no fluxes in this catalogue"


def magnitude_limits(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes of Figures 5 and 6: whole magnitudes with a margin."""
    isolated = points["mag_isolated"]
    low, high = (isolated.min(), isolated.max()) if len(isolated) else (18, 23)
    return float(np.floor(low) - 0.2), float(np.ceil(high) + 0.2)


def draw_panel(
    axis: Axes, panel: pd.DataFrame, numbers: pd.Series, limits: tuple[float, float], colour: str
) -> None:
    """Draw recovered against isolated magnitudes, statistics, and a histogram of the difference.

    Parameters
    ----------
    axis : Axes
    panel : DataFrame
        The panel's points.
    numbers : Series
        The panel's row of `panel_statistics`.
    limits : (float, float)
        Limits of both axes, mag.
    colour : str
    """
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    if numbers["n"] == 0:
        panel_note(axis, NO_FLUXES)
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
    """Draw Figure 5 or 6: one row of panels for each group of galaxies, one column for each method.

    Parameters
    ----------
    points, statistics : DataFrame
        With `method` and the column that `by` names. A method and group without a row in
        `statistics` has no panel.
    by : str
        Column that has the group.
    rows : dict
        Group to its title and colour.
    outputs : list of path
    label : str
    """
    limits = magnitude_limits(points)
    lookup = statistics.set_index(["method", by])
    with paper_figure(outputs, label, (7.2, 5.1)) as figure:
        axes = figure.subplots(len(rows), len(METHODS), sharex=True, sharey=True)
        for column, (method, _) in enumerate(METHODS):
            used_rows = [row for row, group in enumerate(rows) if (method, group) in lookup.index]
            lowest = axes[max(used_rows), column]
            lowest.set_xlabel("Magnitude, isolated")
            lowest.xaxis.set_tick_params(labelbottom=True)
        for row_axes, (group, (title, colour)) in zip(axes, rows.items(), strict=True):
            row_axes[0].set_ylabel("Magnitude, blended (recovered)")
            for axis, (method, _) in zip(row_axes, METHODS, strict=True):
                if (method, group) not in lookup.index:
                    axis.remove()
                    continue
                panel = points[(points["method"] == method) & (points[by] == group)]
                draw_panel(axis, panel, lookup.loc[(method, group)], limits, colour)
                axis.set_title(f"{method} ({title})")


def binned_line(statistics: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres, and values of the bins with `MIN_IN_BIN` galaxies or more, else NaN."""
    bins = statistics[statistics["bin"] != "all"]
    centres = ((bins["delta_mag_low"] + bins["delta_mag_high"]) / 2).to_numpy(float)
    return centres, bins[column].where(bins["n"] >= MIN_IN_BIN).to_numpy(float)


def omitted_counts(statistics: pd.DataFrame) -> str:
    """Text for a figure: how many fluxes it cannot show, of all methods; empty if it shows all."""
    all_bins = statistics[statistics["bin"] == "all"]
    counts = {
        "fluxes not positive": int(all_bins["n_nonpositive"].sum()),
        "fluxes beyond the bins": int(all_bins["n_beyond"].sum()),
    }
    return "; ".join(f"{name}: {count}" for name, count in counts.items() if count)


def notes(label: str, statistics: pd.DataFrame) -> list[str]:
    """Texts above a figure: its label, and what it cannot show; empty ones are left out."""
    return [text for text in (label, omitted_counts(statistics)) if text]


def figure_label(about: dict[str, Any], n_blends: int) -> str:
    """Label of a figure: its scale, its data set and the number of blends."""
    source = about.get("label") or f"{about['scale']} scale, data set {about['dataset']}"
    return f"{source}, {n_blends} test blends"
