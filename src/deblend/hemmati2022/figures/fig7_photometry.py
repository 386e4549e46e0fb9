"""Figure 7 of Hemmati et al. 2022: photometry with positions of two resolutions."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.metrics import flux_errors
from deblend.plots.images import image_note
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter

#: Sources of the positions, and the titles of their columns.
POSITIONS = {"low": "positions from low resolution", "gan": "positions from the GAN"}


MEDIAN_COLOUR, P68_COLOUR = "#D55E00", "#009E73"


#: Shares of the points inside the contours (1 and 2 sigma of a normal distribution), number of
#: cells along each axis of the map of the points, and its smoothing in cells.
CONTOURS, N_CELLS, SMOOTHING = (0.6827, 0.9545), 60, 1.8


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


def _density(axis: Axes, x: np.ndarray, y: np.ndarray, limits: tuple[float, float]) -> None:
    """Draw a map of points, with contours that contain the shares `CONTOURS` of them."""
    edges = np.linspace(*limits, N_CELLS + 1)
    count = np.histogram2d(y, x, (edges, edges))[0]
    smooth = gaussian_filter(count, SMOOTHING)
    axis.pcolormesh(edges, edges, smooth, cmap="viridis", rasterized=True)
    descending = np.sort(smooth, axis=None)[::-1]
    cumulative = np.cumsum(descending)
    if not cumulative[-1] > 0:
        return
    levels = sorted(
        {float(descending[np.searchsorted(cumulative, c * cumulative[-1])]) for c in CONTOURS}
    )
    middle = (edges[:-1] + edges[1:]) / 2
    axis.contour(middle, middle, smooth, levels, colors=COLOURS["published"], linewidths=0.9)


def _inset(axis: Axes, bins: pd.DataFrame, scatter: pd.DataFrame) -> None:
    """Draw the scatter of the points against magnitude, and its exponential fits."""
    inset = axis.inset_axes((0.1, 0.66, 0.36, 0.31))
    x = np.linspace(bins["mag"].min(), bins["mag"].max(), 100)
    for column, kind, colour in (("median", "median", MEDIAN_COLOUR), ("p68", "68", P68_COLOUR)):
        inset.plot(bins["mag"], bins[column], "o", ms=1.8, color=colour)
        for row in scatter[scatter["kind"] == kind].to_dict("records"):
            fit = row["a"] * np.exp(row["b"] * (x - row.get("x0", 0.0))) + row["c"]
            inset.plot(x, fit, lw=0.8, color=colour)
    top = float(np.nanmax(bins["p68"]))
    inset.set_ylim(0, 1.25 * top if top > 0 else 1)
    inset.tick_params(labelsize=5, pad=1.5, labelcolor="white")
    inset.text(0.05, 0.86, "variance of Δmag", transform=inset.transAxes, fontsize=5.5)


def _draw_errors(axis: Axes, points: pd.DataFrame, gpr: pd.DataFrame) -> None:
    """Draw the magnitude differences, and the Gaussian process through them."""
    look: dict[str, Any] = {"ms": 1.2, "color": "0.6", "rasterized": True, "zorder": 0.5}
    axis.plot(points["mag_input"], points["delta_mag"], ".", **look)
    axis.axhline(0, color="black", lw=0.6, ls="--")
    if gpr.empty:  # files without rows do not define types either
        panel_note(axis, "too few for a regression")
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
        `deblend.hemmati2022.regression.Scatter`.
    bins : DataFrame
        `position`, `mag`, and the variances at both levels, `median` and `p68`.
    outputs : list of path
    label : str
    """
    mags = points[["mag_input", "mag_measured"]].to_numpy()
    limits = tuple(np.percentile(mags, [0.2, 99.8]) + [-0.3, 0.3]) if len(mags) else (20.0, 26.0)
    percentiles = np.percentile(points["delta_mag"], [1, 99]) if len(points) else (-1, 1)
    delta_limits = (min(percentiles[0], -0.3) * 1.15, max(percentiles[1], 0.3) * 1.15)
    with paper_figure(outputs, label, (7.2, 5.6)) as figure:
        axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[3, 2])
        for (upper, lower), (position, name) in zip(axes.T, POSITIONS.items(), strict=True):
            own_points = points[points["position"] == position]
            upper.set(xlim=limits, ylim=limits)
            lower.set(ylim=delta_limits, xlabel="input magnitude")
            upper.set_title(f"{name}, n = {len(own_points)}")
            if len(own_points) < MIN_POINTS:
                for axis in (upper, lower):
                    panel_note(axis, f"{len(own_points)} blends: too few")
                continue
            _density(
                upper,
                own_points["mag_input"].to_numpy(),
                own_points["mag_measured"].to_numpy(),
                limits,
            )
            upper.plot(limits, limits, color="white", ls="--", lw=0.9)
            error = 100 * own_points["flux_error"].abs().median()
            text = f"median |flux error| {error:.3g} %"
            image_note(upper, text, 0.97, 0.04, ha="right", fontsize=7)
            _draw_errors(lower, own_points, gpr[gpr["position"] == position])
            own_bins = bins[bins["position"] == position]
            if len(own_bins):
                _inset(
                    upper, own_bins, scatter[scatter["position"] == position].astype({"kind": str})
                )
        if axes[1, 0].collections:
            handles, names = axes[1, 0].get_legend_handles_labels()
            figure.legend(handles[::-1], names[::-1], loc="outside lower center", ncols=3)
        axes[0, 0].set_ylabel("measured magnitude")
        axes[1, 0].set_ylabel("measured − input magnitude")
