"""Figure 6 of Hemmati et al. 2022: the self-organising map of the blends."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.hemmati2022.figures.fig5_9_detections import CURVES
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.colors import LinearSegmentedColormap

#: Columns of the table of cells that are drawn, and their titles (Fig. 6).
CELL_MEANS = {
    "separation_arcsec": "separation (arcsec)",
    "delta_mag": "magnitude difference",
    "fwhm_sum_px": "ΣFWHM (px)",
    "delta_z": "redshift difference",
}


DETECTED = LinearSegmentedColormap.from_list("detected", ["0.6", "#F7B6C2", "#7F0000"])


def draw_fig6(cells: pd.DataFrame, som: Mapping[str, Any], outputs: Outputs, label: str) -> None:
    """Draw Figure 6: means of the blends in each cell of the map, and fractions of detected ones.

    Parameters
    ----------
    cells : DataFrame
        `row`, `column`, `n`, and the means of the samples in the cell: the columns of `CELL_MEANS`,
        and `detected_high`, `detected_low`, `detected_gan`. Cells without a row are empty.
    som : dict
        From `som.json`: `shape`, `mean_occupancy`, `dispersion`, `topographic_error`.
    outputs : list of path
    label : str
    """
    shape = tuple(int(side) for side in som["shape"])
    cell_index = (cells["row"].to_numpy(int), cells["column"].to_numpy(int))
    occupied = cells["n"].to_numpy() > 0

    def grid(column: str) -> np.ndarray:
        image = np.full(shape, np.nan)
        if column in cells:
            image[cell_index] = np.where(occupied, cells[column].to_numpy(float), np.nan)
        return image

    with paper_figure(outputs, "", (7.2, 6.0)) as figure:
        upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
        for axis, (column, title) in zip(upper.subplots(1, 4), CELL_MEANS.items(), strict=True):
            image = grid(column)
            panel_image = axis.imshow(image, cmap="viridis", interpolation="nearest")
            axis.set(xticks=[], yticks=[], title=title)
            bar = upper.colorbar(
                panel_image, ax=axis, orientation="horizontal", shrink=0.9, pad=0.02
            )
            if not np.isfinite(image).any():
                panel_image.set_clim(0, 1)
                bar.ax.set_visible(False)
                panel_note(axis, "no redshifts" if column == "delta_z" else "not there")
        axes = lower.subplots(1, 3)
        for axis, resolution in zip(axes, ("high", "low", "gan"), strict=True):
            look = {"cmap": DETECTED, "vmin": 0, "vmax": 1}
            panel_image = axis.imshow(
                grid(f"detected_{resolution}"), interpolation="nearest", **look
            )
            axis.set(xticks=[], yticks=[], title=CURVES[resolution][0])
        lower.colorbar(panel_image, ax=axes, shrink=0.8, label="fraction of blends detected")
        # A title of the whole figure would overlap those of the panels.
        upper.suptitle(
            f"{label}\n{shape[0]} × {shape[1]} cells, {som['mean_occupancy']:.1f} ± "
            f"{som['dispersion']:.1f} blends a cell, topographic error "
            f"{som['topographic_error']:.2f}; cells without blends are white",
            fontsize="small",
        )
