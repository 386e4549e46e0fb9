"""Figure 1 of Hemmati et al. 2022: the networks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.plots.architecture import (
    LINE_COLOUR,
    TORCH_LAYERS,
    BoxLook,
    Unit,
    block_numbers,
    check_layers,
    convolution_text,
    draw_box,
    draw_legend,
    draw_unit,
    in_millions,
    side_height,
    split_units,
    write_below,
)
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, panel_note, paper_figure
from matplotlib.axes import Axes

#: Networks that are drawn, and their titles.
NETWORKS = {"vanilla": "Vanilla GAN", "sr": "Single-band GAN", "sr_multi": "Multi-band GAN"}


#: Names in the legend and colours of a block that is drawn as one box, of the low-resolution image
#: that a conditional discriminator sees too, and of its last step, which the loss includes.
BLOCK_LEGEND = ("further residual block", "0.95")
CONDITION_LEGEND = ("condition: low resolution, enlarged", "#E8C99B")
SIGMOID_LEGEND = ("sigmoid", "#A65628")


#: All lengths of the drawing are approximately inches.
LOOK = BoxLook(
    with_text=0.2,
    without_text=0.09,
    gap=0.045,
    fontsize="small",
    lw=0.4,
    whole_colour=BLOCK_LEGEND[1],
)


#: Heights of the drawing of a network below and above the middle of its boxes; distance between
#: generator and discriminator, and between both halves of the input of a discriminator.
BELOW, ABOVE, BETWEEN, BETWEEN_HALVES = 0.66, 0.84, 0.42, 0.05


def _height(side: float) -> float:
    """Height of a box: even the smallest has room for the text of a convolution."""
    return side_height(side, 64, 0.6, 0.4)


def _units(layers: pd.DataFrame) -> list[Unit]:
    """Boxes of a network: one per layer, but one per residual block after the first block."""
    numbers = block_numbers(layers)
    sums = layers["kind"] == "Add"
    residual = {n for n, is_sum in zip(numbers, sums, strict=True) if is_sum and n is not None}
    return split_units(layers, residual - {0})


def _box_text(unit: Unit) -> str:
    """Text in a box."""
    layer = unit.layers.iloc[0]
    if unit.is_whole_block:
        return f"block {unit.block}"
    if layer["kind"] in ("Conv2d", "ConvTranspose2d"):
        return convolution_text(layer, "")
    return f"{layer['out_channels']:.0f}" if layer["kind"] in ("Linear", "Input") else ""


def _draw_input(axis: Axes, layers: pd.DataFrame, x: float) -> float:
    """Draw the input of a discriminator, with the condition below the image; return its right end.

    The table of layers has the image only; the first convolution tells how many channels enter.
    """
    image, height = layers.iloc[0], _height(layers["side"].iloc[0])
    entering, own = int(layers["in_channels"].iloc[1]), int(image["out_channels"])
    parts = [(own, TORCH_LAYERS["Input"][1], height, 0.0)]
    if entering > own:
        half, y = (height - BETWEEN_HALVES) / 2, (height + BETWEEN_HALVES) / 4
        parts = [(own, TORCH_LAYERS["Input"][1], half, y)]
        parts += [(entering - own, CONDITION_LEGEND[1], half, -y)]
    right = x + LOOK.with_text
    for channels, colour, part_height, y in parts:
        draw_box(axis, x, y, LOOK.with_text, part_height, colour, LOOK.lw)
        look = {"ha": "center", "va": "center", "rotation": 90, "fontsize": "small"}
        axis.text((x + right) / 2, y, f"{channels}", **look)
        axis.plot([right, right + LOOK.gap], [y, y], color=LINE_COLOUR, lw=LOOK.lw, zorder=0.5)
    text = f"{entering} channel{'s' * (entering > 1)}"
    axis.text((x + right) / 2, height / 2 + 0.04, text, ha="center", fontsize="small")
    write_below(axis, (x + right) / 2, -height / 2 - 0.03, f"{image['side']:.0f}", fontsize="small")
    return right


def _draw_network(axis: Axes, layers: pd.DataFrame, x: float) -> float:
    """Draw a network from left to right, with heights that show the sides; return its right end."""
    units = _units(check_layers(layers))
    sides = [float(np.nan_to_num(unit.last["side"], nan=1.0)) for unit in units]
    heights = [_height(side) for side in sides]
    lefts: list[float] = []
    for i, (unit, side, height) in enumerate(zip(units, sides, heights, strict=True)):
        right = draw_unit(axis, unit, _box_text(unit), x, 0, height, LOOK, first=i == 0)
        middle = (x + right) / 2
        if i == 0 or side != sides[i - 1]:
            write_below(axis, middle, -height / 2 - 0.03, f"{side:.0f}", fontsize="small")
        lefts.append(x)
        if unit.has_sum:
            # A block adds its own input; a sum outside of blocks adds the input of the first block.
            first_block = unit.block or 0
            first = next((j for j in range(i) if units[j].block == first_block), i)
            if unit.is_whole_block:
                first = i
            rise = 0.13 if unit.block is None else 0.06
            top, begin = max(heights[first : i + 1]) / 2 + rise, lefts[first] - LOOK.gap / 2
            corners = ([begin, begin, middle, middle], [0, top, top, height / 2])
            axis.plot(*corners, color=LINE_COLOUR, lw=0.6, zorder=0.5)
        x = right + LOOK.gap
    return right


def _draw_discriminator(axis: Axes, layers: pd.DataFrame, x: float, sigmoid: bool) -> float:
    """Draw a discriminator from its input to the sigmoid; return its right end."""
    check_layers(layers)
    right = _draw_network(axis, layers.iloc[1:], _draw_input(axis, layers, x) + LOOK.gap)
    if sigmoid:
        axis.plot([right, right + LOOK.gap], [0, 0], color=LINE_COLOUR, lw=LOOK.lw, zorder=0.5)
        height = _height(layers["side"].iloc[-1])
        draw_box(axis, right + LOOK.gap, 0, LOOK.without_text, height, SIGMOID_LEGEND[1], LOOK.lw)
        right += LOOK.gap + LOOK.without_text
    return right


def draw_fig1(
    layers: Mapping[str, Mapping[str, pd.DataFrame]], loss: str, outputs: Outputs, label: str
) -> None:
    """Draw Figure 1: generator and discriminator of each network.

    Parameters
    ----------
    layers : dict
        For each of `NETWORKS` the tables `generator` and `discriminator`, with one row per layer:
        `name`, `kind` (of `TORCH_LAYERS`), `in_channels`, `out_channels`, `kernel`, `stride`,
        `side`, `n_parameters`. Layers of residual blocks are called `block0.conv1` and so on; the
        first of these blocks is drawn with all its layers, the others as one box each. If the
        first convolution of a discriminator has more channels than its input, the others are those
        of the condition.
    loss : str
        With the loss "minimax", a sigmoid, which is part of the loss, follows the discriminator's
        last layer.
    outputs : list of path
    label : str
        Scale and data.

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    explanation = (
        "in the boxes: kernel, channels, stride if above 1; below them: side of the images (pixels)"
    )
    sigmoid = loss == "minimax"
    height = len(NETWORKS) * (BELOW + ABOVE) + 0.78
    line = label_line(label, ", ".join(layers))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, height) as figure:
        axes = figure.subplots(len(NETWORKS), 1, sharex=True)
        figure.set_layout_engine("constrained", h_pad=0.03, hspace=0.0)
        drawn, more = {}, []
        for axis, (network, name) in zip(axes, NETWORKS.items(), strict=True):
            axis.set_axis_off()
            axis.set_ylim(-BELOW, ABOVE)
            parts = layers.get(network, {})
            if min((len(part) for part in parts.values()), default=0):
                generator = parts["generator"]
                drawn[axis] = parts, _draw_network(axis, generator, 0.0)
                name += f", generator: {in_millions(generator)} parameters"
                if any(unit.is_whole_block for unit in _units(generator)):
                    more.append(BLOCK_LEGEND)
            else:
                panel_note(axis, "not trained")
            axis.text(0, ABOVE, name, va="top")
        # All discriminators begin below each other.
        middle = max((right for _, right in drawn.values()), default=0.0) + BETWEEN
        right = middle + 1.0
        for axis, (parts, _) in drawn.items():
            table = parts["discriminator"]
            text = f"discriminator: {in_millions(table)} parameters"
            axis.text(middle, ABOVE, text, va="top")
            right = max(right, _draw_discriminator(axis, table, middle, sigmoid))
            if table["in_channels"].iloc[:2].nunique() > 1:
                more.append(CONDITION_LEGEND)
        axes[0].set_xlim(-0.05, right + 0.05)
        kinds = {k for parts in layers.values() for part in parts.values() for k in part["kind"]}
        if sigmoid:
            more.append(SIGMOID_LEGEND)
        draw_legend(
            figure,
            TORCH_LAYERS,
            kinds,
            *dict.fromkeys(more),
            lw=LOOK.lw,
            loc="outside lower center",
            ncols=4,
            title=explanation,
            title_fontsize="small",
        )
