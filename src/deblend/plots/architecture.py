"""Functions to draw networks from the tables of their layers, for the figures of all papers."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

#: Keras layers that are drawn, with their names and colours in the drawings. Others, such as
#: dropout, are left out.
KERAS_LAYERS = {
    "InputLayer": ("input", "0.75"),
    "AsinhStretch": ("asinh stretch", "0.9"),
    "GreyToImageNet": ("grey to three channels", "0.9"),
    "Conv2D": ("convolution", "#56B4E9"),
    "MaxPooling2D": ("max-pooling", "#D55E00"),
    "Conv2DTranspose": ("transposed convolution", "#009E73"),
    "Concatenate": ("copy and join", "#CC79A7"),
    "Dense": ("dense", "#F0E442"),
    "FluxScale": ("flux scale", "0.55"),
}


#: PyTorch layers, with their names and colours in the drawings. All layers are drawn.
TORCH_LAYERS = {
    "Input": ("input", "0.75"),
    "ConvTranspose2d": ("transposed convolution", "#0072B2"),
    "Conv2d": ("convolution", "#56B4E9"),
    "MaxPool2d": ("pooling", "#D55E00"),
    "PixelUnshuffle": ("four pixels to channels", "0.9"),
    "Upsample": ("upsampling", "#F0E442"),
    "PixelShuffle": ("channels to four pixels", "0.55"),
    "BatchNorm2d": ("batch normalization", "#F0E442"),
    "PReLU": ("PReLU", "#009E73"),
    "ReLU": ("ReLU", "#009E73"),
    "LeakyReLU": ("leaky ReLU", "#8FD175"),
    "Add": ("sum with the skip connection", "#CC79A7"),
    "Concatenate": ("copy and join", "#CC79A7"),
    "CopyGate": ("gate × blend + residual", "#E69F00"),
    "Flatten": ("flatten", "0.9"),
    "Linear": ("dense", "#E69F00"),
    "Tanh": ("tanh", "#D55E00"),
    "Sigmoid": ("sigmoid", "#A65628"),
}


#: Names of layers in a block, such as block0.conv, possibly after a prefix.
BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")


#: Colour of the outlines of boxes and of the lines between them.
LINE_COLOUR = "0.2"


# Boxes, arrows, legends and numbers.


def draw_box(
    axis: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str,
    lw: float = 0.5,
) -> None:
    """Draw a box whose left side is at `x` and whose vertical centre is at `y`."""
    look: dict[str, Any] = {"facecolor": colour, "edgecolor": LINE_COLOUR, "lw": lw}
    axis.add_patch(Rectangle((x, y - height / 2), width, height, **look))


def draw_arrow(
    axis: Axes,
    start: tuple[float, float],
    stop: tuple[float, float],
    colour: str,
    head: float,
    **look: Any,
) -> None:
    """Draw an arrow with a head of size `head` (points), by default in front of boxes."""
    look = {"arrowstyle": "-|>", "zorder": 3, "shrinkA": 0, "shrinkB": 0} | look
    axis.add_patch(FancyArrowPatch(start, stop, mutation_scale=head, color=colour, **look))


def write_below(axis: Axes, x: float, y: float, text: str, fontsize: float | str = "small") -> None:
    """Write a text below a box, centred at `x`."""
    axis.text(x, y, text, ha="center", va="top", fontsize=fontsize)


def draw_legend(
    parent: Axes | Figure,
    layers: Mapping[str, tuple[str, str]],
    kinds: Collection[str],
    *more: tuple[str, str],
    lw: float | None = None,
    **look: Any,
) -> None:
    """Draw the legend of the colours of the boxes.

    Parameters
    ----------
    parent : Axes or Figure
        Where the legend is added.
    layers : dict
        `KERAS_LAYERS` or `TORCH_LAYERS`, which give the order of the legend.
    kinds : set of str
        Kinds of layers in the drawing.
    *more : (str, str)
        Names and colours of further entries.
    lw : float, optional
        Width of the outlines, points; default: matplotlib's.
    **look
        Further options of `legend`, such as its position.
    """
    entries = [*(layers[kind] for kind in layers if kind in kinds), *more]
    boxes = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor=LINE_COLOUR, lw=lw) for _, c in entries]
    parent.legend(boxes, [name for name, _ in entries], **look)


def in_millions(table: pd.DataFrame) -> str:
    """Number of parameters of a network as text, such as "1.23 million"."""
    return f"{table['n_parameters'].sum() / 1e6:.2f} million"


def channels_width(channels: float) -> float:
    """Width of a box, which increases with the number of channels."""
    return 0.12 + 0.045 * np.log2(max(channels, 1))


def side_height(side: float, largest: float, least: float, growth: float) -> float:
    """Height of a box, which increases with the side length of the images.

    It is `least + growth` for the largest side length.
    """
    return float(least + growth * np.sqrt(side / largest))


# Networks of Keras: each layer is a box.


def draw_sequence(
    table: pd.DataFrame,
    name: str,
    outputs: Outputs,
    label: str = "",
    *,
    ends: tuple[str, str] = ("input", "output"),
) -> None:
    """Draw a network without branches, with one box per layer.

    The size of a box shows the side length of the images and the number of channels.

    Parameters
    ----------
    table : DataFrame
        Table from `deblend.training.keras_layers.layer_table`.
    name : str
        Name of the network, for the label of the figure.
    outputs : list of path
    label : str
        Scale and data set.
    ends : (str, str)
        What enters the first layer and leaves the last one.
    """
    layers = table[table["kind"].isin(KERAS_LAYERS)]
    boxes = _sequence_boxes(layers)
    tallest = max(height for *_, height in boxes)
    right = boxes[-1][1] + boxes[-1][2]
    with paper_figure(outputs, label_line(label, name), TWO_COLUMNS_IN, 2.1) as figure:
        axis = figure.subplots()
        # Half an inch is left for the words at each end.
        end = 0.5 * right / (TWO_COLUMNS_IN - 1.1)
        axis.set(xlim=(-end, right + end), ylim=(-tallest / 2 - 0.2, tallest / 2 + 0.2))
        axis.plot([0, right], [0, 0], color=LINE_COLOUR, lw=0.8, zorder=0.5)
        for x, text, side in ((0, ends[0], -1), (right, ends[1], 1)):
            tip, tail = ((x, 0), (x + side * 0.3 * end, 0))[::-side]
            draw_arrow(axis, tail, tip, LINE_COLOUR, 6, lw=0.8)
            look = {"ha": "right" if side < 0 else "left", "va": "center"}
            axis.text(x + side * 0.35 * end, 0, text, **look)
        for layer, left, width, height in boxes:
            middle = left + width / 2
            draw_box(axis, left, 0, width, height, KERAS_LAYERS[layer.kind][1])
            if layer.kind != "MaxPooling2D":
                look = {"ha": "center", "fontsize": "small"}
                axis.text(middle, height / 2 + 0.04, f"{layer.channels}", **look)
            if layer.kernel:
                size = f"{layer.kernel}×{layer.kernel}"
                look = {"ha": "center", "va": "center", "fontsize": "small"}
                axis.text(middle, 0, size, rotation=90, **look)
            if layer.height > 1:
                write_below(axis, middle, -height / 2 - 0.05, f"{layer.height}")
        _, _, width, height = boxes[0]
        for y, text, va in (
            (height / 2 + 0.04, "channels", "baseline"),
            (-height / 2 - 0.05, "side (px)", "top"),
        ):
            look = {"ha": "right", "va": va, "fontsize": "small", "style": "italic"}
            axis.annotate(text, (width / 2, y), (-8, 0), textcoords="offset points", **look)
        axis.set_axis_off()
        axis.set_title(f"{name}, {in_millions(table)} parameters")
        draw_keras_legend(axis, layers)


def _sequence_boxes(layers: pd.DataFrame) -> list[tuple[Any, float, float, float]]:
    """Layers of a network without branches, each with left side, width and height of its box."""
    largest = layers["height"].max()
    last = layers.loc[layers["kind"] == "Conv2D", "height"].min()
    boxes: list[tuple[Any, float, float, float]] = []
    x = 0.0
    for layer in layers.itertuples():
        if layer.height == 1:
            width, gap = 0.14, 0.36
            height = 0.25 + 0.05 * np.log2(min(layer.channels, 4096))
        else:
            width, gap = channels_width(layer.channels), 0.24
            height = side_height(layer.height, largest, 0.25, 1.15)
            if layer.kind == "Conv2D" and layer.height > last:
                gap = 0.06
        boxes.append((layer, x, width, height))
        x += width + gap
    return boxes


def draw_keras_legend(axis: Axes, layers: pd.DataFrame, ncols: int = 7) -> None:
    """Draw the legend of Keras layers below the drawing, with `ncols` columns."""
    look: dict[str, Any] = {"loc": "upper center", "ncols": ncols, "bbox_to_anchor": (0.5, 0)}
    draw_legend(axis, KERAS_LAYERS, set(layers["kind"]), **look)


# Networks of PyTorch: a box is a layer or a whole block of layers.


@dataclass(frozen=True)
class Unit:
    """A box in the drawing of a network.

    Attributes
    ----------
    layers : DataFrame
        Rows of the table of layers: a single layer, or all layers of a block.
    block : int or None
        Number of the block that the layers belong to.
    is_whole_block : bool
        Whether the box is a whole block.
    """

    layers: pd.DataFrame
    block: int | None
    is_whole_block: bool

    @property
    def last(self) -> pd.Series:
        """The last layer."""
        return self.layers.iloc[-1]

    @property
    def has_sum(self) -> bool:
        """Whether it contains the sum with a skip connection."""
        return bool((self.layers["kind"] == "Add").any())


@dataclass(frozen=True)
class BoxLook:
    """Appearance of boxes: widths in units of the axes, line width in points.

    Attributes
    ----------
    with_text, without_text : float
        Width of boxes with and without text.
    gap : float
        Distance between boxes.
    fontsize : float or str
        Points, or a size of matplotlib such as "small".
    lw : float
    whole_colour : str
        Colour of boxes that are whole blocks.
    """

    with_text: float
    without_text: float
    gap: float
    fontsize: float | str
    lw: float
    whole_colour: str


def check_layers(layers: pd.DataFrame) -> pd.DataFrame:
    """Return a table of PyTorch layers if each `kind` can be drawn, else raise an error.

    Raises
    ------
    DeblendError
        A layer is of another kind.
    """
    unknown = sorted(set(layers["kind"]) - set(TORCH_LAYERS))
    if unknown:
        raise DeblendError(
            f"a layer is of the kind {', '.join(unknown)}; only {', '.join(TORCH_LAYERS)} can be "
            "drawn"
        )
    return layers


def block_numbers(layers: pd.DataFrame) -> list[int | None]:
    """Number of the block of each layer, from the name of the layer; None outside of blocks."""
    numbers = layers["name"].str.extract(BLOCK)[0]
    return [None if pd.isna(number) else int(number) for number in numbers]


def split_units(layers: pd.DataFrame, whole_blocks: Collection[int]) -> list[Unit]:
    """Boxes of a network: one per layer, but a single one for each of some blocks.

    Parameters
    ----------
    layers : DataFrame
        With `name` and `kind`, in the order of the network.
    whole_blocks : set of int
        Numbers of the blocks that are drawn as a single box.
    """
    numbers = block_numbers(layers)
    units: list[Unit] = []
    for i, number in enumerate(numbers):
        if number is None or number not in whole_blocks:
            units.append(Unit(layers.iloc[[i]], number, False))
        elif not units or units[-1].block != number:
            units.append(Unit(layers[[n == number for n in numbers]], number, True))
    return units


def convolution_text(layer: pd.Series, stride: str) -> str:
    """Kernel and channels of a convolution, and its stride if above 1, after the text `stride`."""
    size = f"{layer['kernel']:.0f}×{layer['kernel']:.0f}, {layer['out_channels']:.0f}"
    return size + (f", {stride}{layer['stride']:.0f}" if layer["stride"] > 1 else "")


def draw_unit(
    axis: Axes,
    unit: Unit,
    text: str,
    x: float,
    y: float,
    height: float,
    look: BoxLook,
    *,
    first: bool,
) -> float:
    """Draw a box with its text and, unless it is the first, the line from the previous box.

    Returns
    -------
    float
        Position of the right side of the box.
    """
    width = look.with_text if text else look.without_text
    kind = unit.last["kind"]
    colour = look.whole_colour if unit.is_whole_block else TORCH_LAYERS[kind][1]
    draw_box(axis, x, y, width, height, colour, look.lw)
    axis.text(
        x + width / 2,
        y,
        text,
        ha="center",
        va="center",
        rotation=90,
        fontsize=look.fontsize,
        color="white" if kind == "ConvTranspose2d" else "black",
    )
    if not first:
        axis.plot([x - look.gap, x], [y, y], color=LINE_COLOUR, lw=look.lw, zorder=0.5)
    return x + width
