"""Figure 1 of Hemmati et al. 2022: the networks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.plots.architecture import (
    TORCH_LAYERS,
    BoxLook,
    Unit,
    block_numbers,
    check_layers,
    convolution_text,
    draw_legend,
    draw_unit,
    in_millions,
    side_height,
    split_units,
    write_below,
)
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: Networks that are drawn, and their titles.
NETWORKS = {"vanilla": "Vanilla GAN", "sr": "Single-band GAN", "sr_multi": "Multi-band GAN"}


#: Name in the legend and colour of a block that is drawn as one box.
BLOCK_LEGEND = ("further residual block", "0.95")


LOOK = BoxLook(
    with_text=0.26, without_text=0.13, gap=0.05, fontsize=5, lw=0.4, whole_colour=BLOCK_LEGEND[1]
)


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


def _draw_network(axis: Axes, layers: pd.DataFrame, x: float) -> float:
    """Draw a network from left to right, with heights that show the sides; return its right end."""
    units = _units(check_layers(layers))
    sides = [float(np.nan_to_num(unit.last["side"], nan=1.0)) for unit in units]
    heights = [side_height(side, 64, 0.75, 0.85) for side in sides]
    lefts: list[float] = []
    for i, (unit, side, height) in enumerate(zip(units, sides, heights, strict=True)):
        right = draw_unit(axis, unit, _box_text(unit), x, 0, height, LOOK, first=i == 0)
        middle = (x + right) / 2
        if i == 0 or side != sides[i - 1]:
            write_below(axis, middle, -height / 2 - 0.05, f"{side:.0f}", fontsize=5)
        lefts.append(x)
        if unit.has_sum:
            # A block adds its own input; a sum outside of blocks adds the input of the first block.
            first_block = unit.block or 0
            first = next((j for j in range(i) if units[j].block == first_block), i)
            if unit.is_whole_block:
                first = i
            rise = 0.22 if unit.block is None else 0.1
            top, begin = max(heights[first : i + 1]) / 2 + rise, lefts[first] - 0.025
            corners = ([begin, begin, middle, middle], [0, top, top, height / 2])
            axis.plot(*corners, color="0.3", lw=0.6, zorder=0.5)
        x = right + LOOK.gap
    return right


def draw_fig1(
    layers: Mapping[str, Mapping[str, pd.DataFrame]], outputs: Outputs, label: str
) -> None:
    """Draw Figure 1: generator and discriminator of each network.

    Parameters
    ----------
    layers : dict
        For each of `NETWORKS` the tables `generator` and `discriminator`, with one row per layer:
        `name`, `kind` (of `TORCH_LAYERS`), `in_channels`, `out_channels`, `kernel`, `stride`,
        `side`, `n_parameters`. Layers of residual blocks are called `block0.conv1` and so on; the
        first of these blocks is drawn with all its layers, the others as one box each.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    explanation = (
        "in the boxes kernel, channels and stride above 1; below them the side in pixels; "
        "generator left, discriminator right"
    )
    with paper_figure(outputs, f"{label}\n{explanation}", (7.2, 4.9)) as figure:
        axes = figure.subplots(3, 1, sharex=True)
        right = 1.0
        for axis, (network, name) in zip(axes, NETWORKS.items(), strict=True):
            axis.set_axis_off()
            axis.set_ylim(-1.05, 1.1)
            parts = layers.get(network, {})
            trained = [part for part in parts.values() if len(part)]
            if len(trained) < 2:
                axis.set_title(name, loc="left")
                panel_note(axis, "not trained")
                continue
            x, counts = 0.0, []
            for part in ("generator", "discriminator"):
                x = _draw_network(axis, parts[part], x) + 0.5
                counts.append(f"{part} {in_millions(parts[part])}")
            axis.set_title(f"{name}: {', '.join(counts)} parameters", loc="left")
            right = max(right, x - 0.5)
        axes[0].set_xlim(-0.15, right + 0.1)
        kinds = {k for parts in layers.values() for part in parts.values() for k in part["kind"]}
        place = "outside lower center"
        draw_legend(figure, TORCH_LAYERS, kinds, BLOCK_LEGEND, lw=LOOK.lw, loc=place, ncols=4)
