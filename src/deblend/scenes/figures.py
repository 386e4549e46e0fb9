"""Pictures of scenes with their sources and masks, and errors on injected galaxies."""

from pathlib import Path

import numpy as np
import pandas as pd
from deblend.plots.images import asinh_stretch, image_grid, image_note
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, label_line, panel_note, paper_figure
from deblend.scenes.flags import names_of
from deblend.scenes.inject import match_truth
from deblend.scenes.masks import Mask
from deblend.scenes.scenes import Scenes
from deblend.units import mag_from_flux
from matplotlib.axes import Axes

#: Scenes that are shown, and how many stand in a row.
N_SHOWN, N_COLUMNS = 12, 4

#: Side of what is shown of a larger image, px.
SHOWN_PX = 160

#: Height of a line of text below an image, inches.
LINE_IN = 0.09

#: Errors beyond this are drawn as arrows at the edge, mag.
LARGEST_MAG = 1.5

#: Probability at which the outline of a mask is drawn.
OUTLINE = 0.5


def draw_scenes(
    scenes: Scenes,
    measured: pd.DataFrame,
    masks: list[Mask],
    peaks: pd.DataFrame,
    outputs: list[str | Path],
    label: str,
) -> None:
    """Draw the first scenes with sources, magnitudes, masks and peaks.

    Parameters
    ----------
    scenes : Scenes
    measured : DataFrame
        Tables of all methods.
    masks : list of Mask
    peaks : DataFrame
        `deblend.scenes.super_resolution.PEAK_COLUMNS`.
    outputs : list of path
    label : str
        See `deblend.plots.style.label_line`.
    """
    n = min(len(scenes), N_SHOWN)
    rows = -(-n // N_COLUMNS)
    band = scenes.detection_band
    text = label_line(label, f"{n} of {len(scenes)} scenes, {scenes.bands[band]}")
    n_lines = measured["method"].nunique()
    row_in = TWO_COLUMNS_IN / N_COLUMNS + LINE_IN * n_lines
    with paper_figure(outputs, text, TWO_COLUMNS_IN, row_in * rows + 0.3) as figure:
        axes = image_grid(figure, rows, N_COLUMNS).ravel()
        for axis in axes[n:]:
            axis.set_axis_off()
        for number, axis in enumerate(axes[:n]):
            y, x = _part(scenes.images[number, band])
            axis.imshow(
                _shown(scenes, number, y, x),
                extent=(x.start - 0.5, x.stop - 0.5, y.start - 0.5, y.stop - 0.5),
                vmin=0,
                vmax=1,
            )
            image_note(axis, scenes.names[number], fontsize="x-small", va="top")
            _draw_masks(axis, [mask for mask in masks if mask.scene == number])
            own = measured[(measured["scene"] == number) & (measured["band"] == scenes.bands[band])]
            zero_point = None if scenes.stretched else float(scenes.zero_points[band])
            _draw_sources(axis, own, zero_point)
            found = peaks[peaks["scene"] == number]
            axis.plot(found["x_px"], found["y_px"], "+", color=COLOURS["pink"], ms=6, mew=1)
            axis.set(xlim=(x.start - 0.5, x.stop - 0.5), ylim=(y.start - 0.5, y.stop - 0.5))


def _shown(scenes: Scenes, number: int, y: slice, x: slice) -> np.ndarray:
    """What is shown of a scene: pictures as they are, other images of one band stretched."""
    band = scenes.detection_band
    if not scenes.stretched:
        pixels = np.nan_to_num(scenes.images[number, band, y, x], nan=0.0)
        return asinh_stretch(pixels, float(scenes.noise_sigma[number, band]))
    bands = [0, 1, 2] if len(scenes.bands) == 3 else [band]
    sky = 0.0 if scenes.sky is None else scenes.sky[number, bands]
    colours = np.moveaxis(scenes.images[number, bands, y, x], 0, -1) + sky
    return np.nan_to_num(colours, nan=0.0).clip(0, 1).squeeze()


def _part(image: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that are shown: those with data, or the middle of a large image."""
    data = ~np.isnan(image)
    found = []
    for axis in (1, 0):
        where = np.flatnonzero(data.any(axis=axis))
        # An image without data in this band is shown as it is, empty.
        low, high = (int(where[0]), int(where[-1]) + 1) if len(where) else (0, data.shape[1 - axis])
        if high - low > SHOWN_PX:
            low = (low + high - SHOWN_PX) // 2
            high = low + SHOWN_PX
        found.append(slice(low, high))
    return found[0], found[1]


def _draw_masks(axis: Axes, masks: list[Mask]) -> None:
    """Outlines of the masks of each source, those of a scene's first source in another colour."""
    for mask in masks:
        size = len(mask.probability)
        centres = (np.arange(size) + 0.5) * mask.step_px - 0.5
        colour = COLOURS["central"] if mask.source == masks[0].source else COLOURS["companion"]
        if mask.probability.max() > OUTLINE > mask.probability.min():
            axis.contour(
                centres + mask.corner[1],
                centres + mask.corner[0],
                mask.probability,
                levels=[OUTLINE],
                colors=[colour],
                linewidths=0.7,
            )


def _draw_sources(axis: Axes, own: pd.DataFrame, zero_point: float | None) -> None:
    """Circles at the sources, and the magnitudes of the methods, with * if flagged.

    Pictures have no zero point: sums of their pixels stand there.
    """
    places = own.drop_duplicates("source")
    axis.plot(
        *(places["x_px"], places["y_px"]), "o", mfc="none", mec=COLOURS["published"], ms=5, mew=0.7
    )
    for row in places.itertuples(index=False):
        axis.annotate(
            str(row.source),
            (row.x_px, row.y_px),
            xytext=(3, 3),
            textcoords="offset points",
            color="white",
            fontsize="xx-small",
        )
    lines = []
    for method, rows in own.groupby("method", sort=False):
        flux = rows["flux"].to_numpy(float)
        values = flux if zero_point is None else mag_from_flux(flux, zero_point)
        if np.isfinite(values).any():
            form = ".0f" if zero_point is None else ".1f"
            texts = [
                ("-" if np.isnan(value) else f"{value:{form}}") + ("*" if names_of(flags) else "")
                for value, flags in zip(values[:4], rows["flags"], strict=False)
            ]
            lines.append(f"{method[:24]} {' '.join(texts)}")
        elif rows["p_blend"].notna().any():
            lines.append(f"{method[:24]} P {rows['p_blend'].iloc[0]:.2f}")
    axis.set_xlabel("\n".join(lines), fontsize=4.5, loc="left", labelpad=2)


def draw_injections(
    injected: Scenes, measured: pd.DataFrame, outputs: list[str | Path], label: str
) -> None:
    """Draw each method's errors on injected galaxies against their magnitude.

    Parameters
    ----------
    injected : Scenes
        From `deblend.scenes.inject.inject`.
    measured : DataFrame
        Tables of all methods for these.
    outputs : list of path
    label : str
    """
    table = match_truth(injected, measured) if len(injected) else measured.iloc[:0]
    table = table[table["flux"] > 0]
    methods = list(dict.fromkeys(zip(table["method"], table["band"], strict=True)))
    columns = 3
    rows = max(1, -(-len(methods) // columns))
    label += ", injected galaxies; numbers are medians where both of a blend are found"
    with paper_figure(outputs, label, TWO_COLUMNS_IN, 2.3 * rows + 0.3) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        if not methods:
            panel_note(axes[0], "nothing was injected")
        for axis, (method, band) in zip(axes, methods, strict=False):
            part = table[(table["method"] == method) & (table["band"] == band)]
            zero_point = float(injected.zero_points[injected.bands.index(band)])
            error = mag_from_flux(part["flux"].to_numpy(float), zero_point) - part["mag"].to_numpy()
            clean = part["flags"].to_numpy(int) == 0
            both = part["n_found"].to_numpy(int) == 2
            for chosen, colour, name in (
                (~both, "0.6", "one source for both galaxies"),
                (clean & both, COLOURS["ours"], "no flag"),
                (~clean & both, COLOURS["companion"], "flagged"),
            ):
                axis.plot(part["mag"][chosen], error[chosen], ".", ms=3, color=colour, label=name)
                # Arrows stand at the edge for what is beyond.
                for beyond, edge, marker in (
                    (chosen & (error > LARGEST_MAG), LARGEST_MAG, "^"),
                    (chosen & (error < -LARGEST_MAG), -LARGEST_MAG, "v"),
                ):
                    at = np.full(int(beyond.sum()), edge)
                    axis.plot(part["mag"][beyond], at, marker, ms=3, color=colour, clip_on=False)
            axis.axhline(0, color="0.5", lw=0.6)
            median = f"{np.median(error[both]):+.2f} mag" if both.any() else "unknown"
            axis.set_title(f"{method}, {band}\n{median}")
            axis.set_ylim(-LARGEST_MAG, LARGEST_MAG)
        for axis in axes[len(methods) or 1 :]:
            axis.set_visible(False)
        for number in range(max(len(methods), 1)):
            if number + columns >= max(len(methods), 1):
                axes[number].set_xlabel("magnitude of the galaxy")
                axes[number].tick_params(labelbottom=True)
        for axis in axes[::columns]:
            axis.set_ylabel("measured - injected (mag)")
        if methods:
            axes[0].legend(loc="lower left", fontsize="small")
