"""Figure 6 of Hemmati et al. 2022: the self-organising map of the blends."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, panel_note, paper_figure
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, to_rgb

#: Columns of the table of cells that are drawn, and their titles (Fig. 6).
CELL_MEANS = {
    "separation_arcsec": "separation (arcsec)",
    "delta_mag": "magnitude difference",
    "fwhm_sum_px": "ΣFWHM (px)",
    "delta_z": "redshift difference",
}


#: Resolutions in which blends are detected, and the titles of their panels.
RESOLUTIONS = {"high": "high", "low": "low", "gan": "GAN"}


NETWORK = "sr"


#: Colours of cells whose blends all have one peak, and none (grey and dark blue in the paper).
ONE_PEAK, NO_PEAK = "0.6", "#1F3A93"


#: Colours of the fraction of blends that are detected, among those with a peak.
DETECTED = LinearSegmentedColormap.from_list("detected", [ONE_PEAK, "#F7B6C2", "#7F0000"])


#: Colours of the fraction of blends without any peak.
NONE = LinearSegmentedColormap.from_list("none", [ONE_PEAK, NO_PEAK])


def cell_colours(detected: np.ndarray, none: np.ndarray) -> np.ndarray:
    """Colours of cells, which tell two peaks, one peak and none apart.

    Parameters
    ----------
    detected, none : ndarray, shape (y, x)
        Fractions of the blends whose two galaxies are detected, and of those without any peak. NaN
        in cells without blends.

    Returns
    -------
    ndarray, shape (y, x, 4)
        Red, green, blue and opacity. From grey to dark red with the fraction detected, and mixed
        with dark blue in proportion to the fraction without a peak. Empty cells are transparent.
    """
    none = np.where(np.isfinite(none), none, 0.0)
    with_peak = np.maximum(1 - none, 1e-9)
    colours = DETECTED(np.clip(np.nan_to_num(detected) / with_peak, 0, 1))
    colours[..., :3] += none[..., None] * (np.array(to_rgb(NO_PEAK)) - colours[..., :3])
    colours[..., 3] = np.isfinite(detected)
    return colours


def _bar(parent: Axes, y: float, colours: Any, label: str) -> None:
    """Draw a horizontal colour bar of fractions into an empty panel."""
    bar = parent.inset_axes((0.06, y, 0.88, 0.045))
    parent.figure.colorbar(ScalarMappable(cmap=colours), cax=bar, orientation="horizontal")
    bar.set_title(label, fontsize="small", pad=3)


def draw_fig6(cells: pd.DataFrame, som: Mapping[str, Any], outputs: Outputs, label: str) -> None:
    """Draw Figure 6: means of the blends in each cell of the map, and fractions of detected ones.

    Parameters
    ----------
    cells : DataFrame
        `row`, `column`, `n`, and the means of the samples in the cell: the columns of `CELL_MEANS`;
        `detected_high`, `detected_low`, `detected_gan`; and, if known, the fractions of blends
        without any peak, `none_high` and so on. Cells without a row are empty.
    som : dict
        From `som.json`: `shape`, `mean_occupancy`, `dispersion`, `topographic_error`.
    outputs : list of path
    label : str
        Scale and data.
    """
    shape = tuple(int(side) for side in som["shape"])
    cell_index = (cells["row"].to_numpy(int), cells["column"].to_numpy(int))
    occupied = cells["n"].to_numpy() > 0

    def grid(column: str) -> np.ndarray:
        image = np.full(shape, np.nan)
        if column in cells:
            image[cell_index] = np.where(occupied, cells[column].to_numpy(float), np.nan)
        return image

    line = label_line(label, NETWORK, int(cells["n"].sum()))
    side = TWO_COLUMNS_IN / len(CELL_MEANS)
    # Extreme shapes of the map are not drawn with square cells.
    tall = min(max(shape[0] / shape[1], 0.6), 1.6)
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2 * side * tall + 1.05) as figure:
        axes = figure.subplots(2, len(CELL_MEANS))
        for axis, (column, title) in zip(axes[0], CELL_MEANS.items(), strict=True):
            image = grid(column)
            panel_image = axis.imshow(image, cmap="viridis", interpolation="nearest", aspect="auto")
            axis.set(xticks=[], yticks=[], title=title)
            bar = figure.colorbar(panel_image, ax=axis, location="bottom", aspect=18, pad=0.02)
            if not np.isfinite(image).any():
                panel_image.set_clim(0, 1)
                bar.ax.set_visible(False)
                panel_note(axis, "no redshifts" if column == "delta_z" else "not there")
        for axis, (resolution, title) in zip(axes[1], RESOLUTIONS.items(), strict=False):
            colours = cell_colours(grid(f"detected_{resolution}"), grid(f"none_{resolution}"))
            axis.imshow(colours, interpolation="nearest", aspect="auto")
            axis.set(xticks=[], yticks=[], title=f"detected, {title}")
        legend = axes[1, -1]
        legend.set_axis_off()
        _bar(legend, 0.82, DETECTED, "fraction detected (two peaks)\nof the blends with a peak")
        _bar(legend, 0.5, NONE, "fraction without any peak")
        legend.text(
            0.5,
            0.34,
            f"grey: not separated (one peak)\nwhite: no blends\n\n{shape[0]} × {shape[1]} cells\n"
            f"{som['mean_occupancy']:.1f} ± {som['dispersion']:.1f} blends a cell\n"
            f"topographic error {som['topographic_error']:.2f}",
            transform=legend.transAxes,
            ha="center",
            va="top",
            fontsize="small",
        )
