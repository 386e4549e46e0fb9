"""Panels, lines and labels that Figures 5 to 9 of Boucaud et al. 2020 share."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import METHODS, MIN_IN_BIN
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, panel_note, paper_figure
from matplotlib.axes import Axes

DELTA_MAG_LABEL = r"mag$_{\rm central}$ $-$ mag$_{\rm companion}$ (mag)"


#: Range of the histograms of Figures 5 and 6, mag; errors beyond it are in its outer bins.
HISTOGRAM_MAG = 1.0


#: Height of the numbers and the histogram above a panel of Figures 5 and 6, as a share of its own.
STRIP = 0.3


NO_FLUXES = "no fluxes in this catalogue"


def magnitude_limits(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes of Figures 5 and 6: whole magnitudes with a margin."""
    isolated = points["mag_isolated"]
    low, high = (isolated.min(), isolated.max()) if len(isolated) else (18, 23)
    return float(np.floor(low) - 0.2), float(np.ceil(high) + 0.2)


def draw_panel(
    axis: Axes,
    strip: Axes,
    panel: pd.DataFrame,
    numbers: pd.Series,
    limits: tuple[float, float],
    colour: str,
) -> None:
    """Draw recovered against isolated magnitudes, statistics, and a histogram of the difference.

    Parameters
    ----------
    axis : Axes
        Where the magnitudes are drawn.
    strip : Axes
        Where the statistics are written and the histogram is drawn, above `axis`.
    panel : DataFrame
        The panel's points.
    numbers : Series
        The panel's row of `panel_statistics`.
    limits : (float, float)
        Limits of both axes, mag.
    colour : str
    """
    axis.set(xlim=limits, ylim=limits)
    if numbers["n"] == 0:
        panel_note(axis, NO_FLUXES)
        return
    axis.plot(limits, limits, ls="--", lw=0.8, color="0.3", zorder=3)
    isolated, blended = panel["mag_isolated"], panel["mag_blended"]
    alpha = 0.3 if numbers["n"] > 2000 else 0.5
    draw_points(axis, isolated, blended, limits, color=colour, alpha=alpha)
    lines = [
        _with_error(r"$\overline{\Delta_{\rm mag}}$", numbers, "mean_dmag", 3, " mag"),
        _with_error(r"$\sigma_{\rm mag}$", numbers, "sigma_mag", 3, " mag"),
        _outliers(numbers),
        _with_error("MAPE (mag)", numbers, "mape_mag_percent", 2, "%"),
    ]
    n = f"n = {numbers['n']:,.0f}"
    if numbers["n_nonpositive"]:
        n += f" ({numbers['n_nonpositive']:.0f} not positive)"
    look = {"transform": strip.transAxes, "va": "top", "fontsize": "small"}
    strip.text(0, 1, "\n".join([*lines, n]), linespacing=1.15, **look)
    inset = strip.inset_axes((0.73, 0.2, 0.25, 0.6))
    end = HISTOGRAM_MAG
    inset.hist((blended - isolated).clip(-end, end), bins=np.linspace(-end, end, 41), color=colour)
    inset.axvline(0, ls="--", lw=0.6, color="0.3")
    inset.set(xlim=(-end, end), xticks=[-end, 0, end], xticklabels=["≤−1", "0", "≥1"], yticks=[])
    inset.tick_params(labelsize="small", length=2, pad=1, top=False)
    inset.spines[["left", "right", "top"]].set_visible(False)
    inset.set_title(r"$\Delta_{\rm mag}$", fontsize="small", pad=1)


def draw_points(
    axis: Axes, x: pd.Series, y: pd.Series, limits: tuple[float, float], **look: Any
) -> int:
    """Draw points, and small triangles at the edge for those above or below the axis.

    Parameters
    ----------
    axis : Axes
    x, y : Series
    limits : (float, float)
        Limits of the y axis.
    **look
        Options of `Axes.scatter`; `c` has a colour for each point.

    Returns
    -------
    int
        Number of points above or below the axis.
    """
    colours = look.pop("c", None)
    size = 3 if len(x) > 2000 else 6
    margin = 0.02 * (limits[1] - limits[0])
    above, below = (y > limits[1]).to_numpy(), (y < limits[0]).to_numpy()
    inside = y.between(*limits).to_numpy()
    for chosen, marker, area in ((inside, "o", size), (above, "^", 12), (below, "v", 12)):
        shown = look if colours is None else {**look, "c": colours[chosen]}
        axis.scatter(
            x[chosen],
            y[chosen] if marker == "o" else y[chosen].clip(limits[0] + margin, limits[1] - margin),
            s=area,
            marker=marker,
            lw=0,
            rasterized=True,
            zorder=2,
            **shown,
        )
    return int((above | below).sum())


def _with_error(name: str, numbers: pd.Series, column: str, digits: int, unit: str = "") -> str:
    """Name, value and half the width of the 68 % interval, where it is known."""
    # Adding zero removes the sign of a negative zero.
    text = f"{name} = {round(numbers[column], digits) + 0.0:.{digits}f}"
    if f"{column}_low" in numbers:
        half = (numbers[f"{column}_high"] - numbers[f"{column}_low"]) / 2
        text += rf" $\pm$ {half:.{digits}f}"
    return text.replace("-", "−") + unit


def _outliers(numbers: pd.Series) -> str:
    """Share of outliers with its error; without any, it is below that of a single outlier.

    The resamples of a sample without outliers have none either, so that the error would be zero.
    """
    if numbers["outliers_percent"] > 0:
        return _with_error("outliers", numbers, "outliers_percent", 1, "%")
    digits = max(1, math.ceil(math.log10(numbers["n"] / 100)))
    return f"outliers < {100 / numbers['n']:.{digits}f}%"


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
    ticks = np.arange(np.ceil(limits[0]), limits[1])
    with paper_figure(outputs, label, TWO_COLUMNS_IN, 6.4) as figure:
        ratios = [STRIP, 1.0] * len(rows)
        axes = figure.subplots(2 * len(rows), len(METHODS), height_ratios=ratios)
        for i, (group, (title, colour)) in enumerate(rows.items()):
            for column, (method, _) in enumerate(METHODS):
                strip, axis = axes[2 * i : 2 * i + 2, column]
                strip.set_axis_off()
                strip.set_title(f"{method} ({title})")
                axis.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, box_aspect=1)
                axis.set(xlabel="magnitude (true)", ylabel="magnitude (recovered)")
                axis.label_outer()
                if (method, group) not in lookup.index:
                    panel_note(
                        axis, "not drawn: its fluxes\ncannot be assigned\nto the two galaxies"
                    )
                    continue
                panel = points[(points["method"] == method) & (points[by] == group)]
                draw_panel(axis, strip, panel, lookup.loc[(method, group)], limits, colour)


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


def figure_label(about: dict[str, Any], catalog: pd.DataFrame, n: int | None = None) -> str:
    """Label of a figure: its scale, data set and networks, how many objects, and a warning.

    Parameters
    ----------
    about : dict
        Description of the catalogue: `label`, which is used alone if given, or `scale`, `dataset`
        and `network`, the network of `*_flux_b2f`; `not_learnt` is the warning.
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`). blend2mask2flux is named if it has
        fluxes of it.
    n : int, optional
        Number of objects that the figure shows, if it is not the number of blends.
    """
    source = about.get("label")
    joint = "blend2mask2flux" if catalog["g1_flux_b2m2f"].notna().any() else None
    parts = (
        (source,)
        if source
        else (f"{about['scale']} scale", about["dataset"], about.get("network"), joint)
    )
    return label_line(*parts, len(catalog) if n is None else n, about.get("not_learnt"))
