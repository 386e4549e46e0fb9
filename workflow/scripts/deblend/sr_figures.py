"""Figures 1 to 9 of Hemmati et al. 2022.

Images come scaled as the networks see them (inverse hyperbolic sine of the flux).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.ndimage import gaussian_filter

from .peaks import detection_fractions
from .plots import COLOURS, LAYERS, known_layers, panel_note, save_figure, style
from .sr_tables import edges, flux_errors, measured, with_resolutions

WHOLE = ("further residual block", "0.95")
BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")
NETWORKS = {"vanilla": "Vanilla GAN", "sr": "Single-band GAN", "sr_multi": "Multi-band GAN"}
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
#: Columns of the map's cells to their titles (Fig. 6).
CELL_MEANS = {
    "separation_arcsec": "separation (arcsec)",
    "delta_mag": "magnitude difference",
    "fwhm_sum_px": "ΣFWHM (px)",
    "delta_z": "redshift difference",
}
DETECTED = LinearSegmentedColormap.from_list("detected", ["0.6", "#F7B6C2", "#7F0000"])
POSITIONS = {"low": "positions from low resolution", "gan": "positions from the GAN"}
MEDIAN_COLOUR, P68_COLOUR = "#D55E00", "#009E73"
#: Shares of the points within one and two sigmas of a normal distribution, and the smoothing of
#: the map that their contours are drawn on, in its cells.
CONTOURS, N_CELLS, SMOOTHING = (0.6827, 0.9545), 60, 1.8
MIN_POINTS = 10

Outputs = list[str | Path]


def _whole_blocks(layers: pd.DataFrame) -> list[pd.DataFrame]:
    """Layers one by one, but residual blocks after the first each as one."""
    number = layers["name"].str.extract(BLOCK)[0]
    residual = set(number[layers["kind"] == "Add"].dropna()) - {"0"}
    units: list[pd.DataFrame] = []
    for where, found in enumerate(number):
        if found not in residual:
            units.append(layers.iloc[[where]])
        elif where == 0 or number.iloc[where - 1] != found:
            units.append(layers[number == found])
    return units


def _box_text(unit: pd.DataFrame) -> str:
    layer = unit.iloc[0]
    if len(unit) > 1:
        return "block " + str(unit["name"].str.extract(BLOCK)[0].iloc[0])
    if layer["kind"] in ("Conv2d", "ConvTranspose2d"):
        size = f"{layer['kernel']:.0f}×{layer['kernel']:.0f}, {layer['out_channels']:.0f}"
        return size + (f", {layer['stride']:.0f}" if layer["stride"] > 1 else "")
    return f"{layer['out_channels']:.0f}" if layer["kind"] in ("Linear", "Input") else ""


def _number(unit: pd.DataFrame) -> str:
    """Number of the block that a unit belongs to, or nothing."""
    found = BLOCK.search(str(unit["name"].iloc[0]))
    return found.group(1) if found else ""


def _draw_network(axis: Axes, layers: pd.DataFrame, x: float) -> float:
    """Draw a network from left to right, a box's height by its side; returns its right end."""
    units = _whole_blocks(known_layers(layers))
    sides = [float(np.nan_to_num(unit["side"].iloc[-1], nan=1.0)) for unit in units]
    heights = [0.75 + 0.85 * np.sqrt(side / 64) for side in sides]
    lefts: list[float] = []
    for i, (unit, side, height) in enumerate(zip(units, sides, heights, strict=True)):
        text = _box_text(unit)
        width = 0.26 if text else 0.13
        kind = unit["kind"].iloc[-1]
        colour = WHOLE[1] if len(unit) > 1 else LAYERS[kind][1]
        box = Rectangle((x, -height / 2), width, height, facecolor=colour, edgecolor="0.2", lw=0.4)
        axis.add_patch(box)
        middle = x + width / 2
        ink = "white" if kind == "ConvTranspose2d" else "black"
        axis.text(middle, 0, text, ha="center", va="center", rotation=90, fontsize=5, color=ink)
        if i:
            axis.plot([x - 0.05, x], [0, 0], color="0.2", lw=0.4, zorder=0.5)
        if not i or side != sides[i - 1]:
            axis.text(middle, -height / 2 - 0.05, f"{side:.0f}", ha="center", va="top", fontsize=5)
        lefts.append(x)
        if (unit["kind"] == "Add").any():
            # What is added comes from before the block, or, outside of blocks, before all of them.
            block = _number(unit) or "0"
            first = next((j for j in range(i) if _number(units[j]) == block), i)
            if _number(unit) and len(unit) > 1:
                first = i
            rise = 0.1 if _number(unit) else 0.22
            top, begin = max(heights[first : i + 1]) / 2 + rise, lefts[first] - 0.025
            corners = ([begin, begin, middle, middle], [0, top, top, height / 2])
            axis.plot(*corners, color="0.3", lw=0.6, zorder=0.5)
        x += width + 0.05
    return x - 0.05


def draw_fig1(
    layers: Mapping[str, Mapping[str, pd.DataFrame]], outputs: Outputs, label: str
) -> None:
    """Draw Figure 1: generator and discriminator of each network.

    Parameters
    ----------
    layers : dict
        Of `NETWORKS` to `generator` and `discriminator`, each a row a layer: `name`, `kind` (of
        `LAYERS`), `in_channels`, `out_channels`, `kernel`, `stride`, `side`, `n_parameters`. Layers
        of residual blocks are called `block0.conv1` and so on; of those with a sum the first is
        drawn with all its layers, the others as one box each.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    with style():
        figure, axes = plt.subplots(3, 1, figsize=(7.2, 4.9), sharex=True, layout="constrained")
        right = 1.0
        for axis, (network, name) in zip(axes, NETWORKS.items(), strict=True):
            axis.set_axis_off()
            axis.set_ylim(-1.05, 1.1)
            parts = layers.get(network, {})
            there = [part for part in parts.values() if len(part)]
            if len(there) < 2:
                axis.set_title(name, loc="left")
                panel_note(axis, "not trained")
                continue
            x, counts = 0.0, []
            for part in ("generator", "discriminator"):
                x = _draw_network(axis, parts[part], x) + 0.5
                counts.append(f"{part} {parts[part]['n_parameters'].sum() / 1e6:.2f} million")
            axis.set_title(f"{name}: {', '.join(counts)} parameters", loc="left")
            right = max(right, x - 0.5)
        axes[0].set_xlim(-0.15, right + 0.1)
        found = {k for parts in layers.values() for part in parts.values() for k in part["kind"]}
        entries = [LAYERS[kind] for kind in LAYERS if kind in found] + [WHOLE]
        boxes = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor="0.2", lw=0.4) for _, c in entries]
        names = [name for name, _ in entries]
        figure.legend(boxes, names, loc="outside lower center", ncols=4)
        figure.suptitle(
            f"{label}\nin the boxes kernel, channels and stride above 1; below them the side in "
            "pixels; generator left, discriminator right",
            fontsize="small",
        )
        save_figure(figure, outputs)


def _limits(image: np.ndarray) -> dict[str, Any]:
    """Ends of the grey scale: nearly all of an image's values."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return {"vmin": 0.0, "vmax": 1.0}
    low, high = np.percentile(finite, [1, 99.8])
    return {"vmin": float(low), "vmax": float(max(high, low + 1e-6))}


def _show(
    axis: Axes, image: np.ndarray, field: tuple[int, int] | None = None, **kwargs: Any
) -> None:
    """Show an image; of a low resolution only the part that the high one shows too.

    Parameters
    ----------
    axis : Axes
    image : ndarray, shape (y, x)
    field : tuple of int, optional
        Side of the high resolution, px, and how many of its pixels one here is.
    **kwargs
        For `imshow`.
    """
    axis.imshow(image, interpolation="nearest", **(_limits(image) | kwargs))
    axis.set(xticks=[], yticks=[])
    if field:
        side = image.shape[-1]
        trim = (side - field[0] / field[1]) / 2
        axis.set(xlim=(trim - 0.5, side - trim - 0.5), ylim=(trim - 0.5, side - trim - 0.5))


def _field(high: np.ndarray, low: np.ndarray) -> tuple[int, int]:
    """For `_show`: the paper's 64 px are part of 22 of three pixels each."""
    return high.shape[-1], -(-high.shape[-1] // low.shape[-1])


def _tight(figure: Figure) -> None:
    """Panels close together."""
    figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.03, hspace=0, wspace=0)


def draw_fig2(real: np.ndarray, generated: np.ndarray, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: galaxies made from noise (rows 1 and 3) and real ones (row 2).

    Parameters
    ----------
    real : ndarray, shape (k, y, x)
    generated : ndarray, shape (2k, y, x)
    outputs : list of path
    label : str
    """
    k = len(real)
    rows = {"generated": generated[:k], "real": real, "generated ": generated[k : 2 * k]}
    with style():
        figure, axes = plt.subplots(
            3,
            max(k, 1),
            figsize=(7.2, 7.0 * 3 / max(k, 3) + 0.3),
            squeeze=False,
            layout="constrained",
        )
        _tight(figure)
        for line, (name, images) in zip(axes, rows.items(), strict=True):
            for axis in line:
                axis.set(xticks=[], yticks=[])
            for axis, image in zip(line, images, strict=False):
                _show(axis, image, **_limits(real))
            line[0].set_ylabel(name.strip())
        if not len(generated):
            panel_note(axes[0, 0], "not trained")
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig3(
    high: np.ndarray, low: np.ndarray, gan: np.ndarray, outputs: Outputs, label: str
) -> None:
    """Draw Figure 3: test galaxies in high, low and GAN resolution, and what the GAN missed.

    Parameters
    ----------
    high, gan : ndarray, shape (n, y, x)
    low : ndarray, shape (n, v, u)
    outputs : list of path
    label : str
    """
    n = max(len(high), 1)
    with style():
        figure, axes = plt.subplots(
            n, 4, figsize=(3.6, 0.87 * n + 0.55), squeeze=False, layout="constrained"
        )
        _tight(figure)
        for axis, name in zip(axes[0], ("high", "low", "GAN", "GAN − high"), strict=True):
            axis.set_title(name)
        for line, true, seen, made in zip(axes, high, low, gan, strict=False):
            same = _limits(true)
            _show(line[0], true, **same)
            _show(line[1], seen, _field(true, seen))
            _show(line[2], made, **same)
            most = (same["vmax"] - same["vmin"]) / 2
            _show(line[3], made - true, cmap="RdBu_r", vmin=-most, vmax=most)
        figure.suptitle(label, fontsize="x-small")
        save_figure(figure, outputs)


def _mark(axis: Axes, xy: np.ndarray, marker: str) -> None:
    """Peaks as red circles, galaxies as red crosses, whatever the image's limits."""
    limits = axis.get_xlim(), axis.get_ylim()
    look: dict[str, Any] = {"color": "red", "lw": 1.0, "s": 22}
    if marker == "o":
        look = {"facecolors": "none", "edgecolors": "red", "lw": 0.9, "s": 26}
    axis.scatter(xy[:, 0], xy[:, 1], marker=marker, **look)
    axis.set(xlim=limits[0], ylim=limits[1])


def draw_fig4(
    images: Mapping[str, np.ndarray], kinds: Sequence[str], outputs: Outputs, label: str
) -> None:
    """Draw Figure 4: galaxies, their blend in three resolutions, and its peaks.

    Parameters
    ----------
    images : dict
        `galaxy1`, `galaxy2`, `high`, `gan` (n, y, x), `low` (n, v, u), `positions` (n, 2, 2: x, y
        of both galaxies, px of the high resolution), `peaks_high`, `peaks_low`, `peaks_gan` (p, 3:
        example, x, y, px of that resolution).
    kinds : list of str
        What each blend is an example of.
    outputs : list of path
    label : str
    """
    n = max(len(kinds), 1)
    titles = ("galaxy 1", "galaxy 2", "high", "low", "GAN")
    with style():
        figure, axes = plt.subplots(
            n, 5, figsize=(7.2, 1.42 * n + 0.5), squeeze=False, layout="constrained"
        )
        _tight(figure)
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title)
        for i, (line, kind) in enumerate(zip(axes, kinds, strict=False)):
            high, low = images["high"][i], images["low"][i]
            same = _limits(high)
            for k in range(2):
                _show(line[k], images[f"galaxy{k + 1}"][i], **same)
                _mark(line[k], images["positions"][i, k : k + 1], "x")
            for axis, name in zip(line[2:], ("high", "low", "gan"), strict=True):
                _show(
                    axis,
                    images[name][i],
                    *([_field(high, low)] if name == "low" else []),
                    **({} if name == "low" else same),
                )
                peaks = np.reshape(images[f"peaks_{name}"], (-1, 3))
                _mark(axis, peaks[peaks[:, 0] == i, 1:], "o")
            line[0].set_ylabel(kind.replace("_", " "), fontsize=7)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


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
        See `deblend.peaks.detection_fractions`; blends beyond the last bin's end are left out. No
        rows of a quantity that no blend has.
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
    with style():
        figure, axes = plt.subplots(
            2,
            n,
            figsize=(7.2 if n > 1 else 3.6, 3.4),
            sharex="col",
            sharey="row",
            squeeze=False,
            height_ratios=[3, 1],
            layout="constrained",
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
            figure.legend(
                *drawn[0].get_legend_handles_labels(),
                loc="outside lower center",
                ncols=5 if n > 1 else 3,
            )
        figure.suptitle(label, fontsize="small" if n > 1 else "x-small")
        save_figure(figure, outputs)


def draw_fig6(cells: pd.DataFrame, som: Mapping[str, Any], outputs: Outputs, label: str) -> None:
    """Draw Figure 6: means of the blends in each cell of the map, and detections.

    Parameters
    ----------
    cells : DataFrame
        `row`, `column`, `n`, the columns of `CELL_MEANS`, `detected_high`, `detected_low`,
        `detected_gan`: means of the cell's samples. Cells that are absent are empty.
    som : dict
        `som.json`: `shape`, `mean_occupancy`, `dispersion`, `topographic_error`.
    outputs : list of path
    label : str
    """
    shape = tuple(int(side) for side in som["shape"])
    place = (cells["row"].to_numpy(int), cells["column"].to_numpy(int))
    occupied = cells["n"].to_numpy() > 0

    def grid(column: str) -> np.ndarray:
        image = np.full(shape, np.nan)
        if column in cells:
            image[place] = np.where(occupied, cells[column].to_numpy(float), np.nan)
        return image

    with style():
        figure = plt.figure(figsize=(7.2, 6.0), layout="constrained")
        upper, lower = figure.subfigures(2, 1)
        for axis, (column, title) in zip(upper.subplots(1, 4), CELL_MEANS.items(), strict=True):
            image = grid(column)
            drawn = axis.imshow(image, cmap="viridis", interpolation="nearest")
            axis.set(xticks=[], yticks=[], title=title)
            bar = upper.colorbar(drawn, ax=axis, orientation="horizontal", shrink=0.9, pad=0.02)
            if not np.isfinite(image).any():
                drawn.set_clim(0, 1)
                bar.ax.set_visible(False)
                panel_note(axis, "no redshifts" if column == "delta_z" else "not there")
        axes = lower.subplots(1, 3)
        for axis, resolution in zip(axes, ("high", "low", "gan"), strict=True):
            look = {"cmap": DETECTED, "vmin": 0, "vmax": 1}
            drawn = axis.imshow(grid(f"detected_{resolution}"), interpolation="nearest", **look)
            axis.set(xticks=[], yticks=[], title=CURVES[resolution][0])
        lower.colorbar(drawn, ax=axes, shrink=0.8, label="fraction of blends detected")
        # The whole figure's title would lie on those of the panels.
        upper.suptitle(
            f"{label}\n{shape[0]} × {shape[1]} cells, {som['mean_occupancy']:.1f} ± "
            f"{som['dispersion']:.1f} blends a cell, topographic error "
            f"{som['topographic_error']:.2f}; cells without blends are white",
            fontsize="small",
        )
        save_figure(figure, outputs)


def photometry_points(photometry: pd.DataFrame) -> pd.DataFrame:
    """The points of Figure 7.

    Parameters
    ----------
    photometry : DataFrame
        See `deblend.sr_tables.flux_errors`.

    Returns
    -------
    DataFrame
        `position` (low or gan: where the positions are from), `blend`, `mag_input`,
        `mag_measured`, `delta_mag` (measured less input), `flux_error` (relative).
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
    """A map of points, with contours that hold shares of them."""
    ends = np.linspace(*limits, N_CELLS + 1)
    count = np.histogram2d(y, x, (ends, ends))[0]
    smooth = gaussian_filter(count, SMOOTHING)
    axis.pcolormesh(ends, ends, smooth, cmap="viridis", rasterized=True)
    order = np.sort(smooth, axis=None)[::-1]
    total = np.cumsum(order)
    if not total[-1] > 0:
        return
    levels = sorted({float(order[np.searchsorted(total, c * total[-1])]) for c in CONTOURS})
    middle = (ends[:-1] + ends[1:]) / 2
    axis.contour(middle, middle, smooth, levels, colors=COLOURS["published"], linewidths=0.9)


def _inset(axis: Axes, bins: pd.DataFrame, scatter: pd.DataFrame) -> None:
    """The scatter of the points against magnitude, and its exponential fits."""
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
    """Magnitude differences, and the Gaussian process through them."""
    look: dict[str, Any] = {"ms": 1.2, "color": "0.6", "rasterized": True, "zorder": 0.5}
    axis.plot(points["mag_input"], points["delta_mag"], ".", **look)
    axis.axhline(0, color="black", lw=0.6, ls="--")
    if gpr.empty:  # of a file without rows, which tells no types either
        panel_note(axis, "too few for a regression")
        return
    gpr = gpr.sort_values("mag")
    # The widest band first: the others lie on it.
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
        `position`, `mag`, `mean` (of measured less input magnitudes), `sigma`, `total_median`,
        `total_68`: see `deblend.gpr.Regression`.
    scatter : DataFrame
        `position`, `kind` (median or 68), `a`, `b`, `c`, and `x0` if a is the rise there.
    bins : DataFrame
        `position`, `mag`, `median`, `p68`: the variance at both levels.
    outputs : list of path
    label : str
    """
    mags = points[["mag_input", "mag_measured"]].to_numpy()
    limits = tuple(np.percentile(mags, [0.2, 99.8]) + [-0.3, 0.3]) if len(mags) else (20.0, 26.0)
    spread = np.percentile(points["delta_mag"], [1, 99]) if len(points) else (-1, 1)
    ends = (min(spread[0], -0.3) * 1.15, max(spread[1], 0.3) * 1.15)
    with style():
        figure, axes = plt.subplots(
            2,
            2,
            figsize=(7.2, 5.6),
            sharex=True,
            sharey="row",
            height_ratios=[3, 2],
            layout="constrained",
        )
        for (upper, lower), (position, name) in zip(axes.T, POSITIONS.items(), strict=True):
            mine = points[points["position"] == position]
            upper.set(xlim=limits, ylim=limits)
            lower.set(ylim=ends, xlabel="input magnitude")
            upper.set_title(f"{name}, n = {len(mine)}")
            if len(mine) < MIN_POINTS:
                for axis in (upper, lower):
                    panel_note(axis, f"{len(mine)} blends: too few")
                continue
            _density(upper, mine["mag_input"].to_numpy(), mine["mag_measured"].to_numpy(), limits)
            upper.plot(limits, limits, color="white", ls="--", lw=0.9)
            error = 100 * mine["flux_error"].abs().median()
            upper.text(
                0.97,
                0.04,
                f"median |flux error| {error:.3g} %",
                ha="right",
                color="white",
                transform=upper.transAxes,
                fontsize=7,
            )
            _draw_errors(lower, mine, gpr[gpr["position"] == position])
            here = bins[bins["position"] == position]
            if len(here):
                _inset(upper, here, scatter[scatter["position"] == position].astype({"kind": str}))
        if axes[1, 0].collections:
            handles, names = axes[1, 0].get_legend_handles_labels()
            figure.legend(handles[::-1], names[::-1], loc="outside lower center", ncols=3)
        axes[0, 0].set_ylabel("measured magnitude")
        axes[1, 0].set_ylabel("measured − input magnitude")
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig8(
    images: Mapping[str, np.ndarray], bands: Sequence[str], band: str, outputs: Outputs, label: str
) -> None:
    """Draw Figure 8: one blend in all bands, in high, low and GAN resolution.

    Parameters
    ----------
    images : dict
        `multi_high`, `multi_gan` (band, y, x), `multi_low` (band, v, u); `multi_peaks_high`,
        `multi_peaks_low`, `multi_peaks_gan` (p, 2: x, y, px of that resolution). Empty without a
        multi-band network.
    bands : list of str
    band : str
        That peaks are looked for in.
    outputs : list of path
    label : str
    """
    n = max(len(bands), 1)
    with style():
        figure, axes = plt.subplots(
            3,
            n,
            figsize=(7.2, 7.0 * 3 / (max(n, 4) if len(bands) else 7) + 0.45),
            squeeze=False,
            layout="constrained",
        )
        _tight(figure)
        for line, (name, title) in zip(
            axes, (("high", "high"), ("low", "low"), ("gan", "GAN")), strict=True
        ):
            line[0].set_ylabel(title)
            for axis in line:
                axis.set(xticks=[], yticks=[])
            if f"multi_{name}" not in images:
                panel_note(line[n // 2], "not trained")
                continue
            for axis, image, high, own in zip(
                line, images[f"multi_{name}"], images["multi_high"], bands, strict=True
            ):
                if name == "low":
                    _show(axis, image, _field(high, image))
                else:
                    _show(axis, image, **_limits(high))
                if own == band:
                    _mark(axis, np.reshape(images[f"multi_peaks_{name}"], (-1, 2)), "+")
        for axis, own in zip(axes[0], bands, strict=False):
            axis.set_title(own)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
