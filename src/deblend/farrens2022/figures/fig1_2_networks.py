"""Figures 1 and 2 of Farrens et al. 2022: the network, and its features of a blend."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.hdf5 import open_file
from deblend.plots.architecture import (
    KERAS_LAYERS,
    channels_width,
    draw_arrow,
    draw_box,
    draw_legend,
    in_millions,
    side_height,
)
from deblend.plots.images import close_panels, scale_bar
from deblend.plots.style import (
    COLOURS,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    paper_figure,
)
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

#: Colours of the areas of the parts that keep their weights, and that are trained.
FROZEN, TRAINED = "#E3EEF6", "#FFF3CF"


#: Layer that makes three channels of a grey stamp.
GREY_TO_COLOUR = "GreyToImageNet"


#: Names in the legend and colours of layers that other networks do not have.
CHANNELS, FEATURES = ("three equal channels", "0.9"), ("features", "white")
DROPOUT, OUTPUT = ("dropout", "0.5"), ("output", COLOURS["pink"])


#: Lower and upper ends of the areas, and the distance from VGG-16 to the head, in the units of the
#: boxes.
BOTTOM, TOP, GAP = -1.45, 1.75, 0.5


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: VGG-16's convolutions and the head, from the built models' layers.

    Dense and dropout layers are the head, which is trained; the others are VGG-16, whose weights
    are not.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`, for both models.
    outputs : list of path
    label : str
        Scale and data.
    """
    in_head = table["kind"].isin(["Dense", "Dropout"])
    network, head = table[~in_head & (table["kind"] != "Flatten")], table[in_head]
    with paper_figure(outputs, label_line(label, "BlendHunter"), TWO_COLUMNS_IN, 2.5) as figure:
        axis = figure.subplots()
        axis.set_axis_off()
        x = _draw_images(axis, network)
        x = _draw_head(axis, network.iloc[-1], head, x + GAP)
        axis.set(xlim=(-0.1, x), ylim=(BOTTOM - 0.02, TOP + 0.02))
        kinds = set(table["kind"]) - {GREY_TO_COLOUR}
        more = [CHANNELS, FEATURES, *([DROPOUT] if "Dropout" in kinds else []), OUTPUT]
        look: dict[str, Any] = {"loc": "outside lower center", "ncols": 8, "columnspacing": 1}
        draw_legend(figure, KERAS_LAYERS, kinds, *more, lw=0.5, handlelength=1.2, **look)


def _draw_area(axis: Axes, left: float, right: float, colour: str, text: str) -> None:
    """Draw the area behind a part of the network, with its name."""
    size = (right - left, TOP - BOTTOM)
    axis.add_patch(Rectangle((left, BOTTOM), *size, facecolor=colour, lw=0, zorder=0))
    axis.text((left + right) / 2, TOP - 0.08, text, ha="center", va="top")


def _write(axis: Axes, x: float, y: float, text: str, **look: Any) -> None:
    axis.text(x, y, text, ha="center", fontsize="small", **look)


def _draw_images(axis: Axes, layers: pd.DataFrame) -> float:
    """Draw the layers with images; return the right end."""
    layers = layers[layers["kind"].isin(KERAS_LAYERS)]
    largest = layers["height"].max()
    # Consecutive layers of one kind, such as the convolutions of a block.
    runs = layers.groupby((layers["kind"] != layers["kind"].shift()).cumsum(), sort=False)
    x, frozen_from = 0.0, 0.0
    for number, (_, run) in enumerate(runs):
        first = run.iloc[0]
        is_window = first["kernel"] > 0
        width = 0.75 * channels_width(first["channels"]) if is_window else channels_width(1)
        height = side_height(first["height"], largest, 0.35, 1.75)
        gap = 0.0 if number == 0 else 0.18 if is_window else 0.5
        _draw_forward(axis, x, x + gap)
        x = left = x + gap
        if first["kind"] == GREY_TO_COLOUR:
            frozen_from = x - 0.25
            x = _draw_sheets(axis, x, first["channels"], width, height)
        for _ in range(0 if first["kind"] == GREY_TO_COLOUR else len(run)):
            draw_box(axis, x, 0, width, height, KERAS_LAYERS[first["kind"]][1])
            if is_window:
                size = f"{first['kernel']}×{first['kernel']}"
                _write(axis, x + width / 2, 0, size, va="center", rotation=90)
            x += width + 0.05
        x -= 0.05
        if first["kind"] != "MaxPooling2D":
            above = 0.13 if first["kind"] == GREY_TO_COLOUR else 0.06
            _write(axis, (left + x) / 2, height / 2 + above, f"{first['channels']}")
        if first["kind"] != "Conv2D" or number < 3:
            _write(axis, (left + x) / 2, -height / 2 - 0.1, f"{first['height']}", va="top")
    text = f"VGG-16, frozen: {in_millions(layers)} parameters"
    _draw_area(axis, frozen_from, x + 0.12, FROZEN, text)
    note = "above the boxes: channels\nbelow: side in pixels"
    axis.text(x, BOTTOM + 0.1, note, ha="right", va="bottom", fontsize="small")
    return x


def _draw_forward(axis: Axes, start: float, stop: float) -> None:
    """Draw an arrow from a box to the next."""
    if stop > start:
        draw_arrow(axis, (start, 0), (stop, 0), "0.2", 5, lw=0.6, shrinkA=0, shrinkB=0)


def _draw_sheets(axis: Axes, x: float, channels: int, width: float, height: float) -> float:
    """Draw a box for each channel of an image, one before the other; return the right end."""
    for k in range(channels):
        draw_box(axis, x + 0.07 * k, 0.05 * (channels - 1 - 2 * k) / 2, width, height, CHANNELS[1])
    return x + 0.07 * (channels - 1) + width + 0.05


def _draw_head(axis: Axes, last: pd.Series, layers: pd.DataFrame, x: float) -> float:
    """Draw the layers with vectors, of which `last` gives the first; return the right end."""
    left = x - 0.25
    n_features = int(last["height"] * last["width"] * last["channels"])
    boxes = [(n_features, *FEATURES)]
    for layer in layers.itertuples():
        name, colour = DROPOUT if layer.kind == "Dropout" else KERAS_LAYERS[layer.kind]
        boxes.append((layer.channels, name, colour))
    boxes[-1] = (boxes[-1][0], *OUTPUT)
    for k, (channels, name, colour) in enumerate(boxes):
        height, width = 0.3 + 0.16 * np.log2(channels), 0.09 if name == "dropout" else 0.16
        _draw_forward(axis, x - (GAP if k == 0 else 0.2), x)
        draw_box(axis, x, 0, width, height, colour)
        if name != "dropout":
            _write(axis, x + width / 2, height / 2 + 0.06, f"{channels}")
        x += width + 0.2
    draw_arrow(axis, (x - 0.2, 0), (x + 0.05, 0), "0.2", 7, lw=0.9, shrinkA=0, shrinkB=0)
    axis.text(x + 0.1, 0, "probability\nof a blend", va="center", fontsize="small")
    right = x + 1.05
    text = f"head, trained:\n{in_millions(layers)} parameters"
    _draw_area(axis, left, right, TRAINED, text)
    return right


def draw_fig2(
    examples: str | Path, pixel_scale_arcsec: float, outputs: Outputs, label: str
) -> None:
    """Draw Figure 2: a blend and some of its feature maps in each block of VGG-16.

    Each feature map is shown from its least to its greatest value, since their units differ.

    Parameters
    ----------
    examples : path
        HDF5 with `stamp` (y, x) and a dataset (channel, y, x) for each block.
    pixel_scale_arcsec : float
        Of the stamp, arcsec per pixel.
    outputs : list of path
    label : str
        Scale and data.
    """
    with open_file(examples) as file:
        stamp = file["stamp"][:]
        blocks = {name: file[name][:] for name in sorted(file) if name != "stamp"}
    rows = min(len(maps) for maps in blocks.values())
    # The stamp is as high as all rows of feature maps.
    side = TWO_COLUMNS_IN / (rows + len(blocks))
    line = label_line(label, "BlendHunter")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, side * rows + 0.47) as figure:
        grid = figure.add_gridspec(
            rows, 1 + len(blocks), width_ratios=[1.02 * rows, *[1] * len(blocks)]
        )
        close_panels(figure, 0.015)
        axis = figure.add_subplot(grid[:, 0])
        axis.imshow(np.arcsinh(10 * stamp))
        scale_bar(axis, pixel_scale_arcsec, 2.0)
        axis.set(xticks=[], yticks=[], anchor="N", title=f"stamp\n{len(stamp)} px")
        for column, (name, maps) in enumerate(blocks.items(), start=1):
            for row in range(rows):
                axis = figure.add_subplot(grid[row, column])
                axis.imshow(maps[row], cmap="viridis")
                axis.set(xticks=[], yticks=[], anchor="N")
                if row == 0:
                    title = name.replace("block", "block ")
                    axis.set_title(f"{title}\n{maps.shape[-1]} px")
