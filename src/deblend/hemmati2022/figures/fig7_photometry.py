"""Figure 7 of Hemmati et al. 2022: photometry with positions of two resolutions."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import flux_errors
from deblend.plots.images import image_note
from deblend.plots.style import (
    COLOURS,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from matplotlib.axes import Axes

#: Sources of the positions, and the titles of their columns.
POSITIONS = {"low": "positions from low resolution", "gan": "positions from the GAN"}


NETWORK = "sr"


MEDIAN_COLOUR, P68_COLOUR = "#D55E00", "#009E73"


#: Shares of the points inside the contours (1 and 2 sigma of a normal distribution), and number of
#: cells along each axis of the map of the points.
CONTOURS, N_CELLS = (0.6827, 0.9545), 100


#: Smallest width of the smoothing of the map, cells; power of the number of points in this width
#: (Scott's rule in two dimensions).
MIN_SMOOTHING, SCOTT_POWER = 0.7, -1 / 6


#: Percentiles of the magnitude differences between which the lower panels end, with a margin.
DELTA_PERCENTILES, DELTA_MARGIN = (1, 99), 1.15


#: Smallest number of points that is drawn.
MIN_POINTS = 10


def photometry_points(photometry: pd.DataFrame) -> pd.DataFrame:
    """The points of Figure 7.

    Parameters
    ----------
    photometry : DataFrame
        See `deblend.hemmati2022.metrics.flux_errors`.

    Returns
    -------
    DataFrame
        `position` (source of the positions: low or gan), `blend`, `mag_input`, `mag_measured`,
        `delta_mag` (measured minus input), `flux_error` (relative).
    """
    errors = flux_errors(photometry)
    parts = [
        pd.DataFrame(
            {
                "position": position,
                "blend": errors["blend"],
                "mag_input": errors["mag_input"],
                "mag_measured": errors[f"mag_{position}"],
                "delta_mag": errors[f"mag_{position}"] - errors["mag_input"],
                "flux_error": errors[f"error_{position}"],
            }
        )
        for position in POSITIONS
    ]
    return pd.concat(parts, ignore_index=True)


def _smooth_density(x: np.ndarray, y: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Density of points at the middles of cells, smoothed along and across the 1:1 line.

    Across the line, points lie much closer to each other than along it, so that a round kernel
    would hide how close.
    """
    along, across = x + y, y - x
    widths = [
        max(
            factor * np.diff(np.percentile(values, [16, 84]))[0] / 2 * len(x) ** SCOTT_POWER,
            MIN_SMOOTHING * (middle[1] - middle[0]),
        )
        # Along the line the points are not normally distributed: a smaller width suffices.
        for values, factor in ((along, 0.7), (across, 1.0))
    ]
    density = np.empty((len(middle), len(middle)))
    for i, cell_y in enumerate(middle):  # all rows at once would take gigabytes
        cell_x = middle[:, None]
        distance = ((cell_x + cell_y - along) / widths[0]) ** 2
        distance += ((cell_y - cell_x - across) / widths[1]) ** 2
        density[i] = np.exp(-distance / 2).sum(axis=1)
    return density


def _density(axis: Axes, x: np.ndarray, y: np.ndarray, limits: tuple[float, float]) -> None:
    """Draw a map of points, with contours that contain the shares `CONTOURS` of them."""
    edges = np.linspace(*limits, N_CELLS + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    smooth = _smooth_density(x, y, middle)
    axis.pcolormesh(edges, edges, smooth, cmap="viridis", rasterized=True)
    descending = np.sort(smooth, axis=None)[::-1]
    cumulative = np.cumsum(descending)
    if not cumulative[-1] > 0:
        return
    levels = sorted(
        {float(descending[np.searchsorted(cumulative, c * cumulative[-1])]) for c in CONTOURS}
    )
    axis.contour(middle, middle, smooth, levels, colors=COLOURS["published"], linewidths=0.9)


def _inset(axis: Axes, bins: pd.DataFrame, scatter: pd.DataFrame) -> None:
    """Draw the scatter of the points against magnitude, and its exponential fits."""
    inset = axis.inset_axes((0.13, 0.64, 0.36, 0.27))
    x = np.linspace(bins["mag"].min(), bins["mag"].max(), 100)
    size = 1.8 if len(bins) < 30 else 1.0
    for column, kind, name, colour in (
        ("p68", "68", "68 %", P68_COLOUR),
        ("median", "median", "median", MEDIAN_COLOUR),
    ):
        inset.plot(bins["mag"], bins[column], "o", ms=size, color=colour)
        for row in scatter[scatter["kind"] == kind].to_dict("records"):
            fit = row["a"] * np.exp(row["b"] * (x - row.get("x0", 0.0))) + row["c"]
            inset.plot(x, fit, lw=1.0, color=colour, label=name)
    top = float(np.nanmax(bins["p68"]))
    # The upper part is for the legend.
    inset.set_ylim(0, 1.9 * top if top > 0 else 1)
    inset.locator_params(nbins=4)
    inset.tick_params(labelsize="small", pad=1.5, labelcolor="white")
    inset.set_title("variance of Δmag (mag²)", fontsize="small", color="white", pad=3)
    inset.legend(fontsize="small", loc="upper left", borderaxespad=0.2, handlelength=1.2)


def _draw_points(axis: Axes, mag: np.ndarray, delta: np.ndarray) -> None:
    """Draw the magnitude differences; triangles at the edges stand for those beyond them."""
    low, high = axis.get_ylim()
    inside = (delta >= low) & (delta <= high)
    look: dict[str, Any] = {"color": "0.6", "rasterized": True, "zorder": 0.5}
    axis.plot(mag[inside], delta[inside], ".", ms=1.2 if len(mag) > 1000 else 2.2, **look)
    seen = (mag >= axis.get_xlim()[0]) & (mag <= axis.get_xlim()[1])
    for beyond, edge, marker in ((delta < low, low, "v"), (delta > high, high, "^")):
        x = mag[beyond & seen]
        marks = {"ms": 3, "mew": 0, "color": "0.35", "clip_on": False, "in_layout": False}
        axis.plot(x, np.full(len(x), edge), marker, **marks)


def _draw_regression(axis: Axes, gpr: pd.DataFrame) -> None:
    """Draw the Gaussian process through the magnitude differences."""
    if gpr.empty:  # files without rows do not define types either
        axis.text(
            0.5,
            0.04,
            "too few for a regression",
            transform=axis.transAxes,
            ha="center",
            color="0.4",
            fontsize="small",
        )
        return
    gpr = gpr.sort_values("mag")
    # The widest band is drawn first, below the others.
    for column, colour, alpha, name in (
        ("total_68", P68_COLOUR, 0.35, "and 68 % noise"),
        ("total_median", "#F5B183", 0.7, "and median noise"),
        ("sigma", MEDIAN_COLOUR, 0.9, "mean ± σ without noise"),
    ):
        low, high = gpr["mean"] - gpr[column], gpr["mean"] + gpr[column]
        axis.fill_between(gpr["mag"], low, high, color=colour, alpha=alpha, lw=0, label=name)
    axis.plot(gpr["mag"], gpr["mean"], color="black", lw=0.8)


def draw_fig7(
    points: pd.DataFrame,
    gpr: pd.DataFrame,
    scatter: pd.DataFrame,
    bins: pd.DataFrame,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 7: photometry of the dominant source with positions of two resolutions.

    Parameters
    ----------
    points : DataFrame
        From `photometry_points`.
    gpr : DataFrame
        `position`, `mag`, `mean` (of measured minus input magnitudes), `sigma`, `total_median`,
        `total_68`: see `deblend.hemmati2022.regression.Regression`.
    scatter : DataFrame
        `position`, `kind` (median or 68), `a`, `b`, `c`, and optionally `x0`: see
        `deblend.hemmati2022.regression.Scatter`; `n_left_out`, the number of blends that are left
        out of the regression.
    bins : DataFrame
        `position`, `mag`, and the variances at both levels, `median` and `p68`.
    outputs : list of path
    label : str
        Scale and data.
    """
    mags = points[["mag_input", "mag_measured"]].to_numpy()
    limits = tuple(np.percentile(mags, [0.2, 99.8]) + [-0.3, 0.3]) if len(mags) else (20.0, 26.0)
    ends = np.percentile(points["delta_mag"], DELTA_PERCENTILES) if len(points) else (-1, 1)
    delta_limits = (min(ends[0], -0.3) * DELTA_MARGIN, max(ends[1], 0.3) * DELTA_MARGIN)
    n = int(points.groupby("position").size().max()) if len(points) else 0
    line = label_line(label, NETWORK, n)
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 5.6) as figure:
        axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[3, 1.8])
        for (upper, lower), (position, title) in zip(axes.T, POSITIONS.items(), strict=True):
            own_points = points[points["position"] == position]
            upper.set(xlim=limits, ylim=limits, title=title)
            lower.set(ylim=delta_limits, xlabel="magnitude (input)")
            if len(own_points) < MIN_POINTS:
                for axis in (upper, lower):
                    panel_note(axis, f"{len(own_points)} blends: too few")
                continue
            input_mag = own_points["mag_input"].to_numpy()
            _density(upper, input_mag, own_points["mag_measured"].to_numpy(), limits)
            upper.plot(limits, limits, color="white", ls="--", lw=0.9)
            error = 100 * own_points["flux_error"].abs().median()
            offset = own_points["delta_mag"].median()
            text = f"median offset {offset:+.3f} mag, |flux error| {error:.3g} %"
            own_scatter = scatter[scatter["position"] == position]
            n_left_out = int(own_scatter["n_left_out"].iloc[0]) if len(own_scatter) else 0
            if n_left_out:
                counts = f"n = {len(own_points):,}, {n_left_out:,} left out of the regression"
                text = f"{counts}\n{text}"
            image_note(upper, text, 0.97, 0.04, ha="right", fontsize="small")
            _draw_points(lower, input_mag, own_points["delta_mag"].to_numpy())
            lower.axhline(0, color="black", lw=0.6, ls="--")
            _draw_regression(lower, gpr[gpr["position"] == position])
            own_bins = bins[bins["position"] == position]
            if len(own_bins):
                _inset(upper, own_bins, own_scatter.astype({"kind": str}))
        if axes[1, 0].collections:
            handles, names = axes[1, 0].get_legend_handles_labels()
            figure.legend(handles[::-1], names[::-1], loc="outside lower center", ncols=3)
        axes[0, 0].set_ylabel("magnitude (measured)")
        axes[1, 0].set_ylabel("measured − input (mag)")
