"""Figures 1 and 2 of Farrens et al. 2022: the network, and its features of a blend."""

from pathlib import Path

import h5py
import pandas as pd
from deblend.plots.architecture import draw_sequence
from deblend.plots.images import image_grid
from deblend.plots.style import Outputs, paper_figure


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: VGG-16's convolutions and the head, from the built models' layers.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`, for both models.
    outputs : list of path
    label : str
    """
    draw_sequence(table, "BlendHunter", outputs, label)


def draw_fig2(examples: str | Path, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: a blend and some of its feature maps in each block of VGG-16.

    Parameters
    ----------
    examples : path
        HDF5 with `stamp` (y, x) and a dataset (channel, y, x) for each block.
    outputs : list of path
    label : str
    """
    with h5py.File(examples, "r") as file:
        stamp = file["stamp"][:]
        blocks = {name: file[name][:] for name in sorted(file) if name != "stamp"}
    rows = min(len(maps) for maps in blocks.values())
    titles = ["stamp", *(f"{name}\n{maps.shape[-1]} px" for name, maps in blocks.items())]
    with paper_figure(outputs, label, (7.2, 1.25 * rows + 0.3)) as figure:
        axes = image_grid(figure, rows, 1 + len(blocks), titles)
        for axis in axes[1:, 0]:
            axis.set_axis_off()
        axes[0, 0].imshow(stamp)
        for column, maps in enumerate(blocks.values(), start=1):
            for row in range(rows):
                axes[row, column].imshow(maps[row], cmap="viridis")
