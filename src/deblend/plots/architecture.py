"""Drawings of networks from the tables of their layers: what the four papers' figures share."""

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

#: Keras' layers that are drawn, with their names and colours in the drawings. Others (dropout,
#: flatten ...) are left out.
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


#: PyTorch's layers, with their names and colours in the drawings. All layers are drawn.
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


#: Layers of the first block are called block0.conv and so on, perhaps with a group before.
BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")


#: Colour of the lines round boxes and between them.
INK = "0.2"


# Boxes, arrows, legends and numbers.


def draw_box(
    axis: Axes, x: float, y: float, width: float, height: float, colour: str, lw: float = 0.5
) -> None:
    """Draw a box from `x` to the right, with `y` in the middle of its height."""
    axis.add_patch(
        Rectangle((x, y - height / 2), width, height, facecolor=colour, edgecolor=INK, lw=lw)
    )


def draw_arrow(
    axis: Axes,
    start: tuple[float, float],
    stop: tuple[float, float],
    colour: str,
    head: float,
    **look: Any,
) -> None:
    """Draw an arrow; `head` is the size of its head, points."""
    axis.add_patch(
        FancyArrowPatch(start, stop, arrowstyle="-|>", mutation_scale=head, color=colour, **look)
    )


def write_below(axis: Axes, x: float, y: float, text: str, fontsize: float = 6) -> None:
    """Write under a box, centred at `x`: the side of the images that leave it."""
    axis.text(x, y, text, ha="center", va="top", fontsize=fontsize)


def draw_legend(
    place: Axes | Figure,
    layers: Mapping[str, tuple[str, str]],
    kinds: Collection[str],
    *more: tuple[str, str],
    lw: float | None = None,
    **look: Any,
) -> None:
    """Say what the colours of the boxes are.

    Parameters
    ----------
    place : Axes or Figure
        That gets the legend.
    layers : dict
        `KERAS_LAYERS` or `TORCH_LAYERS`: the legend is in their order.
    kinds : set of str
        Kinds of layers that are drawn.
    *more : (str, str)
        Names and colours of what else is drawn.
    lw : float, optional
        Width of the lines round the boxes, points; without one matplotlib's own.
    **look
        For `legend`: where it stands.
    """
    entries = [*(layers[kind] for kind in layers if kind in kinds), *more]
    boxes = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor=INK, lw=lw) for _, c in entries]
    place.legend(boxes, [name for name, _ in entries], **look)


def millions(table: pd.DataFrame) -> str:
    """Number of a network's parameters, in words."""
    return f"{table['n_parameters'].sum() / 1e6:.2f} million"


def channels_width(channels: float) -> float:
    """Width of a box that tells the number of channels."""
    return 0.12 + 0.045 * np.log2(max(channels, 1))


def side_height(side: float, largest: float, least: float, growth: float) -> float:
    """Height of a box that tells the side of an image: `least + growth` for the largest."""
    return float(least + growth * np.sqrt(side / largest))


# Networks of Keras, whose layers are drawn one by one.


def draw_sequence(table: pd.DataFrame, name: str, outputs: Outputs, label: str = "") -> None:
    """Draw a network without branches: a box a layer, by its image's side and its channels.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
    name : str
    outputs : list of path
    label : str
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
            f"{name}, {millions(table)} parameters (channels above, side below, windows within: "
            "pixels)"
        )
        draw_keras_legend(axis, layers)


def draw_keras_legend(axis: Axes, layers: pd.DataFrame) -> None:
    """Say what the colours of Keras' layers are, under the drawing."""
    kinds = set(layers["kind"])
    draw_legend(axis, KERAS_LAYERS, kinds, loc="upper center", ncols=7, bbox_to_anchor=(0.5, 0))


# Networks of PyTorch, in which a whole block of layers may be one box.


@dataclass(frozen=True)
class Unit:
    """A box in the drawing of a network.

    Attributes
    ----------
    layers : DataFrame
        Its rows of the table of layers: one, or all of a block.
    block : int or None
        Number of the block that it belongs to.
    whole : bool
        It is a whole block.
    """

    layers: pd.DataFrame
    block: int | None
    whole: bool

    @property
    def last(self) -> pd.Series:
        """The layer that the unit ends with."""
        return self.layers.iloc[-1]

    @property
    def sums(self) -> bool:
        """Whether the sum with a skip connection is in it."""
        return bool((self.layers["kind"] == "Add").any())


@dataclass(frozen=True)
class BoxLook:
    """How the boxes of units look: sizes in the axes' units, the font and lines in points."""

    with_text: float
    without_text: float
    gap: float
    fontsize: float
    lw: float
    whole_colour: str


def known_layers(layers: pd.DataFrame) -> pd.DataFrame:
    """A table of PyTorch's layers, each of a `kind` that can be drawn.

    Raises
    ------
    DeblendError
        One is of another.
    """
    unknown = sorted(set(layers["kind"]) - set(TORCH_LAYERS))
    if unknown:
        raise DeblendError(
            f"a layer is of the kind {', '.join(unknown)}; only {', '.join(TORCH_LAYERS)} can be "
            "drawn"
        )
    return layers


def block_numbers(layers: pd.DataFrame) -> list[int | None]:
    """Number of the block that each layer belongs to, by the layers' names."""
    found = layers["name"].str.extract(BLOCK)[0]
    return [None if pd.isna(number) else int(number) for number in found]


def split_units(layers: pd.DataFrame, whole: Collection[int]) -> list[Unit]:
    """The boxes of a network: its layers one by one, but some blocks as one box each.

    Parameters
    ----------
    layers : DataFrame
        With `name` and `kind`, in the order of the network.
    whole : set of int
        Numbers of the blocks that are one box.
    """
    numbers = block_numbers(layers)
    units: list[Unit] = []
    for i, number in enumerate(numbers):
        if number is None or number not in whole:
            units.append(Unit(layers.iloc[[i]], number, False))
        elif not units or units[-1].block != number:
            units.append(Unit(layers[[n == number for n in numbers]], number, True))
    return units


def convolution_text(layer: pd.Series, stride: str) -> str:
    """Kernel and channels of a convolution, and its stride above 1 behind the mark `stride`."""
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
    """Draw a unit's box, its text and, if it is not the first, the line from the box before.

    Returns
    -------
    float
        The box's right end.
    """
    width = look.with_text if text else look.without_text
    kind = unit.last["kind"]
    colour = look.whole_colour if unit.whole else TORCH_LAYERS[kind][1]
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
        axis.plot([x - look.gap, x], [y, y], color=INK, lw=look.lw, zorder=0.5)
    return x + width
