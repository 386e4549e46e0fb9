"""Functions to draw networks from the tables of their layers, for the figures of all papers."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.style import Outputs, paper_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

#: Keras layers that are drawn, with their names and colours in the drawings. Others, such as
#: dropout, are left out.
KERAS_LAYERS = {
    "Conv2D": ("convolution", "#56B4E9"),
    "MaxPooling2D": ("max-pooling", "#D55E00"),
    "Conv2DTranspose": ("transposed convolution", "#009E73"),
    "Concatenate": ("copy and join", "#CC79A7"),
    "Dense": ("dense", "#F0E442"),
    "InputLayer": ("input", "0.75"),
    "AsinhStretch": ("asinh stretch", "0.9"),
    "FluxScale": ("flux scale", "0.55"),
}


#: PyTorch layers, with their names and colours in the drawings. All layers are drawn.
TORCH_LAYERS = {
    "Input": ("input", "0.75"),
    "ConvTranspose2d": ("transposed convolution", "#0072B2"),
    "Conv2d": ("convolution", "#56B4E9"),
    "Upsample": ("upsampling", "0.6"),
    "BatchNorm2d": ("batch normalization", "#F0E442"),
    "PReLU": ("PReLU", "#009E73"),
    "ReLU": ("ReLU", "#009E73"),
    "LeakyReLU": ("leaky ReLU", "#8FD175"),
    "Add": ("sum with the skip connection", "#CC79A7"),
    "Flatten": ("flatten", "0.9"),
    "Linear": ("dense", "#E69F00"),
    "Tanh": ("tanh", "#D55E00"),
}


#: Names of layers in a block, such as block0.conv, possibly after a prefix.
BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")


#: Colour of the outlines of boxes and of the lines between them.
LINE_COLOUR = "0.2"


# Boxes, arrows, legends and numbers.


def draw_box(
    axis: Axes, x: float, y: float, width: float, height: float, colour: str, lw: float = 0.5
) -> None:
    """Draw a box whose left side is at `x` and whose vertical centre is at `y`."""
    axis.add_patch(
        Rectangle(
            (x, y - height / 2), width, height, facecolor=colour, edgecolor=LINE_COLOUR, lw=lw
        )
    )


def draw_arrow(
    axis: Axes,
    start: tuple[float, float],
    stop: tuple[float, float],
    colour: str,
    head: float,
    **look: Any,
) -> None:
    """Draw an arrow with a head of size `head` (points)."""
    axis.add_patch(
        FancyArrowPatch(start, stop, arrowstyle="-|>", mutation_scale=head, color=colour, **look)
    )


def write_below(axis: Axes, x: float, y: float, text: str, fontsize: float = 6) -> None:
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


def draw_sequence(table: pd.DataFrame, name: str, outputs: Outputs, label: str = "") -> None:
    """Draw a network without branches, with one box per layer.

    The size of a box shows the side length of the images and the number of channels.

    Parameters
    ----------
    table : DataFrame
        Table from `deblend.training.keras_layers.layer_table`.
    name : str
        Name of the network, for the title of the panel.
    outputs : list of path
    label : str
        Title of the figure.
    """
    layers = table[table["kind"].isin(KERAS_LAYERS)]
    largest = layers["height"].max()
    last = layers.loc[layers["kind"] == "Conv2D", "height"].min()
    with paper_figure(outputs, label, (7.2, 2.9)) as figure:
        axis = figure.subplots()
        x = 0.0
        for layer in layers.itertuples():
            vector = layer.height == 1
            height = side_height(layer.height, largest, 0.35, 2.4)
            if vector:
                height = 0.3 + 0.16 * np.log2(min(layer.channels, 4096))
            width = 0.16 if vector else channels_width(layer.channels)
            middle = x + width / 2
            draw_box(axis, x, 0, width, height, KERAS_LAYERS[layer.kind][1])
            if layer.kind != "MaxPooling2D":
                axis.text(middle, height / 2 + 0.07, f"{layer.channels}", ha="center", fontsize=6)
            if layer.kernel:
                size = f"{layer.kernel}×{layer.kernel}"
                axis.text(middle, 0, size, ha="center", va="center", fontsize=6, rotation=90)
            if not vector:
                write_below(axis, middle, -height / 2 - 0.08, f"{layer.height}")
            x += width + (0.08 if layer.kind == "Conv2D" and layer.height > last else 0.35)
        axis.set(xlim=(-0.3, x), ylim=(-1.75, 1.75))
        axis.set_axis_off()
        axis.set_title(
            f"{name}, {in_millions(table)} parameters (channels above, side below, windows within: "
            "pixels)"
        )
        draw_keras_legend(axis, layers)


def draw_keras_legend(axis: Axes, layers: pd.DataFrame) -> None:
    """Draw the legend of Keras layers below the drawing."""
    kinds = set(layers["kind"])
    look: dict[str, Any] = {"loc": "upper center", "ncols": 7, "bbox_to_anchor": (0.5, 0)}
    draw_legend(axis, KERAS_LAYERS, kinds, **look)


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
    """Appearance of boxes: widths in units of the axes, font size and line width in points.

    Attributes
    ----------
    with_text, without_text : float
        Width of boxes with and without text.
    gap : float
        Distance between boxes.
    fontsize, lw : float
    whole_colour : str
        Colour of boxes that are whole blocks.
    """

    with_text: float
    without_text: float
    gap: float
    fontsize: float
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
