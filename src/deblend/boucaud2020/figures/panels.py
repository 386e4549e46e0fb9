"""Panels, lines and labels that Figures 5 to 9 of Boucaud et al. 2020 share."""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import MIN_IN_BIN
from deblend.plots.style import (
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

DELTA_MAG_LABEL = r"mag$_{\rm central}$ $-$ mag$_{\rm companion}$ (mag)"


#: Range of the histograms of Figures 5 and 6, mag; errors beyond it are in its outer bins.
HISTOGRAM_MAG = 1.0


#: Methods side by side; further ones are below them.
METHODS_IN_A_ROW = 3


#: For so many methods side by side: height of Figures 5 and 6, inches, and of the numbers and the
#: histogram above a panel, as a share of the panel's.
MAGNITUDES_LAYOUT = {1: (7.9, 0.25), 2: (8.1, 0.2), 3: (6.4, 0.3)}


NO_FLUXES = "no fluxes in this catalogue"


AUTHORS = "authors' catalogue"


#: Characters in a line of the name of a catalogue in a legend.
LABEL_WIDTH = 30


#: Look of the lines of the authors' catalogue: light, below ours.
AUTHORS_LINE: dict[str, Any] = {"lw": 0.9, "alpha": 0.45, "zorder": 1.5}


def magnitude_limits(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of both axes of Figures 5 and 6: whole magnitudes with a margin."""
    isolated = points["mag_isolated"]
    low, high = (isolated.min(), isolated.max()) if len(isolated) else (18, 23)
    return float(np.floor(low) - 0.2), float(np.ceil(high) + 0.2)


def panel_grid(n_methods: int, n_groups: int) -> tuple[int, int]:
    """Number of rows and columns of panels, with at most `METHODS_IN_A_ROW` methods in a row."""
    return n_groups * -(-n_methods // METHODS_IN_A_ROW), min(n_methods, METHODS_IN_A_ROW)


def panel_place(method: int, group: int, n_groups: int) -> tuple[int, int]:
    """Row and column of the panel of a method and a group, both given by their numbers."""
    row, column = divmod(method, METHODS_IN_A_ROW)
    return row * n_groups + group, column


def panel_title(method: Method, group: str) -> str:
    """Title of the panel of a method and a group of galaxies."""
    if method.title.endswith(")"):
        return f"{method.title[:-1]}, {group})"
    return f"{method.title} ({group})"


def figure_width(n_methods: int) -> float:
    """Width of a figure with panels of so many methods, inches."""
    return ONE_COLUMN_IN if n_methods == 1 else TWO_COLUMNS_IN


def finish_grid(axes: np.ndarray, n_methods: int, n_groups: int) -> list[Axes]:
    """Remove panels without a method; return the lowest panel of each column.

    Parameters
    ----------
    axes : ndarray of Axes
        As `panel_grid` says.
    n_methods, n_groups : int
    """
    used = {panel_place(m, g, n_groups) for m in range(n_methods) for g in range(n_groups)}
    for place, axis in np.ndenumerate(axes):
        if place not in used:
            axis.set_axis_off()
    lowest = [max(row for row, c in used if c == column) for column in range(axes.shape[1])]
    panels = [axes[row, column] for column, row in enumerate(lowest)]
    for panel in panels:
        panel.tick_params(labelbottom=True)
    return panels


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
        _with_error(r"$\bar{\Delta}_{\rm mag}$", numbers, "mean_dmag", 3, " mag"),
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
    methods: Sequence[Method] = PAPER_METHODS,
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
    methods : sequence of Method
        Three are side by side, further ones below them.
    """
    limits = magnitude_limits(points)
    lookup = statistics.set_index(["method", by])
    ticks = np.arange(np.ceil(limits[0]), limits[1])
    n_rows, n_columns = panel_grid(len(methods), len(rows))
    height, strip_height = MAGNITUDES_LAYOUT[n_columns]
    height *= n_rows / len(rows)
    with paper_figure(outputs, label, figure_width(len(methods)), height) as figure:
        ratios = [strip_height, 1.0] * n_rows
        grid = figure.subplots(2 * n_rows, n_columns, height_ratios=ratios, squeeze=False)
        strips, axes = grid[::2], grid[1::2]
        for strip in strips.flat:
            strip.set_axis_off()
        for i, (group, (title, colour)) in enumerate(rows.items()):
            for number, method in enumerate(methods):
                place = panel_place(number, i, len(rows))
                strip, axis = strips[place], axes[place]
                strip.set_title(panel_title(method, title))
                axis.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, box_aspect=1)
                axis.set(xlabel="magnitude (true)", ylabel="magnitude (recovered)")
                axis.label_outer()
                if (method.name, group) not in lookup.index:
                    panel_note(
                        axis, "not drawn: its fluxes\ncannot be assigned\nto the two galaxies"
                    )
                    continue
                panel = points[(points["method"] == method.name) & (points[by] == group)]
                draw_panel(axis, strip, panel, lookup.loc[(method.name, group)], limits, colour)
        for axis in finish_grid(axes, len(methods), len(rows)):
            axis.set_xlabel("magnitude (true)")


def binned_line(
    statistics: pd.DataFrame, column: str, by: str = "delta_mag"
) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres, and values of the bins with `MIN_IN_BIN` galaxies or more, else NaN."""
    bins = statistics[statistics["bin"] != "all"]
    centres = ((bins[f"{by}_low"] + bins[f"{by}_high"]) / 2).to_numpy(float)
    return centres, bins[column].where(bins["n"] >= MIN_IN_BIN).to_numpy(float)


def draw_interval(
    axis: Axes,
    statistics: pd.DataFrame,
    column: str,
    colour: str,
    alpha: float = 0.18,
    by: str = "delta_mag",
) -> None:
    """Draw the 68 % intervals of a line of `binned_line` as a light band, if there are any."""
    if f"{column}_low" in statistics:
        x, low = binned_line(statistics, f"{column}_low", by)
        high = binned_line(statistics, f"{column}_high", by)[1]
        axis.fill_between(x, low, high, color=colour, alpha=alpha, lw=0, zorder=1.2)


def drawn_values(
    statistics: pd.DataFrame,
    published: pd.DataFrame | None,
    columns: Sequence[str],
    methods: Collection[str],
) -> np.ndarray:
    """Values of our lines of these methods in some columns, and of the authors' in the first one.

    Columns that our table lacks are left out.
    """
    ours = statistics[statistics["method"].isin(methods)]
    values = [binned_line(ours, name)[1] for name in columns if name in ours]
    if published is not None:
        values.append(binned_line(published[published["method"].isin(methods)], columns[0])[1])
    return np.concatenate(values)


def draw_authors(
    axis: Axes,
    statistics: pd.DataFrame | None,
    column: str,
    style: str,
    colour: str,
    **look: Any,
) -> None:
    """Draw a line of the authors' catalogue, or of one in its place, if there is one.

    Parameters
    ----------
    axis : Axes
    statistics : DataFrame or None
        Of one line.
    column : str
    style : str
        Of the line, as "-" or ":".
    colour : str
    **look
        Instead of `AUTHORS_LINE`.
    """
    if statistics is not None and len(statistics):
        axis.plot(*binned_line(statistics, column), style, color=colour, **(AUTHORS_LINE | look))


def authors_handle(
    published: pd.DataFrame, colour: str = "0.4", note: str = "", **look: Any
) -> Line2D:
    """Entry of a legend for the lines of `draw_authors`.

    Parameters
    ----------
    published : DataFrame
        Statistics that the lines show. If its column `is_authors` is false, they are of another
        catalogue, whose name is in `label`.
    colour, note : str
        The note says what the lines are.
    **look
        Instead of `AUTHORS_LINE`.
    """
    is_authors = published.get("is_authors", pd.Series(True)).all()
    name = AUTHORS if is_authors else textwrap.fill(published["label"].iloc[0], LABEL_WIDTH)
    return Line2D([], [], color=colour, label=name + note, **(AUTHORS_LINE | look))


def lines_of(statistics: pd.DataFrame | None, **values: str) -> pd.DataFrame | None:
    """Rows of a table, if there is one, that have these values in these columns."""
    if statistics is None:
        return None
    chosen = np.ones(len(statistics), bool)
    for column, value in values.items():
        chosen &= (statistics[column] == value).to_numpy()
    return statistics[chosen]


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


def sample_text(galaxies: pd.Series, partners: pd.Series, shown: int | None = None) -> str:
    """How many blends a figure shows, and of how many galaxies they are.

    Parameters
    ----------
    galaxies, partners : Series
        Ids of the two galaxies of each blend.
    shown : int, optional
        Number of blends that are shown, if not all are.

    Returns
    -------
    str
        Such as "n = 600 blends (44 pairs of 8 galaxies)". Blends of the same central galaxy and
        companion, at other distances and with other noise, are one pair.
    """
    ids = pd.DataFrame({"galaxy": galaxies.astype(str), "partner": partners.astype(str)})
    pairs, both = len(ids.drop_duplicates()), pd.concat([ids["galaxy"], ids["partner"]]).nunique()
    part = "" if shown is None else f"{shown:,} of "
    return f"n = {part}{len(ids):,} blends ({pairs:,} pairs of {both:,} galaxies)"


def figure_label(about: dict[str, Any], n: int | str) -> str:
    """Label of a figure: its scale, data set and networks, how many objects, and a warning.

    Parameters
    ----------
    about : dict
        Description of the catalogue: `label`, which is used alone if given, or `scale`, `dataset`,
        `network` and `joint`, the names of its networks; `not_learnt` is the warning.
    n : int or str
        Number of objects that the figure shows, or `sample_text`.
    """
    source = about.get("label")
    parts = [source] if source else [f"{about['scale']} scale", about["dataset"]]
    networks = [] if source else [about.get("network"), about.get("joint")]
    return label_line(*parts, *networks, n, about.get("not_learnt"))
