"""Figures 1 and 2 of Reiman & Goehre 2019: the networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.architecture import (
    LINE_COLOUR,
    TORCH_LAYERS,
    BoxLook,
    Unit,
    block_numbers,
    check_layers,
    convolution_text,
    draw_arrow,
    draw_legend,
    draw_unit,
    in_millions,
    side_height,
    split_units,
    write_below,
)
from deblend.plots.style import Outputs, paper_figure
from deblend.reiman2019.metrics import GALAXIES
from matplotlib.axes import Axes

#: Name in the legend and colour of a block that is drawn as one box.
BLOCK_LEGEND = ("further block", "0.96")


LOOK = BoxLook(
    with_text=0.3, without_text=0.14, gap=0.08, fontsize=5.5, lw=0.5, whole_colour=BLOCK_LEGEND[1]
)


def _units(layers: pd.DataFrame, expanded: bool) -> list[Unit]:
    """Boxes of a group: one per layer, but one per block, except the first block if `expanded`."""
    numbers = {number for number in block_numbers(layers) if number is not None}
    return split_units(layers, numbers - {0} if expanded else numbers)


def _box_text(unit: Unit) -> str:
    """Text in a box."""
    convolutions = unit.layers[unit.layers["kind"] == "Conv2d"]
    if unit.is_whole_block and len(convolutions) != 1:
        return f"block {unit.block}"
    if len(convolutions):
        return convolution_text(convolutions.iloc[0], "/")
    if unit.last["kind"] == "Linear":
        return f"{unit.last['out_channels']:.0f}"
    return ""


def _draw_units(
    axis: Axes, units: list[Unit], x: float, y: float, heights: Sequence[float]
) -> list[tuple[float, float]]:
    """Draw boxes from left to right; return their left and right ends."""
    ends: list[tuple[float, float]] = []
    for unit, height in zip(units, heights, strict=True):
        right = draw_unit(axis, unit, _box_text(unit), x, y, height, LOOK, first=not ends)
        ends.append((x, right))
        x = right + LOOK.gap
    return ends


def _draw_skip(axis: Axes, start: float, stop: float, y: float, top: float, rise: float) -> None:
    """Draw a skip connection: an arrow from between two boxes, over others, to the top of a box."""
    colour = TORCH_LAYERS["Add"][1]
    axis.plot([start, start, stop], [y, top + rise, top + rise], color=colour, lw=0.8, zorder=0.7)
    draw_arrow(axis, (stop, top + rise), (stop, top), colour, 4, lw=0.8, shrinkA=0, shrinkB=0)


def _draw_skips(
    axis: Axes, units: list[Unit], ends: list[tuple[float, float]], y: float, top: float
) -> None:
    """Draw skip connections: over each block with a sum, and over all blocks to a later sum."""
    first = next((i for i, unit in enumerate(units) if unit.block == 0), 0)
    for i, unit in enumerate(units):
        if unit.is_whole_block and unit.has_sum:
            _draw_skip(axis, ends[i][0] - LOOK.gap / 2, ends[i][1] - 0.04, y, top, 0.12)
        elif not unit.is_whole_block and unit.has_sum:
            rise = 0.3 if unit.block is None else 0.12
            _draw_skip(axis, ends[first][0] - LOOK.gap / 2, sum(ends[i]) / 2, y, top, rise)


def _draw_legend(axis: Axes, units: list[Unit]) -> None:
    """Draw the legend of the colours below the network."""
    kinds = {unit.last["kind"] for unit in units if not unit.is_whole_block}
    whole = [BLOCK_LEGEND] if any(unit.is_whole_block for unit in units) else []
    look: dict[str, Any] = {"loc": "upper center", "ncols": 4, "bbox_to_anchor": (0.5, 0.02)}
    draw_legend(axis, TORCH_LAYERS, kinds, *whole, lw=LOOK.lw, **look)


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: the generator, its root and its two branches.

    Parameters
    ----------
    table : DataFrame
        One row per layer: `name`, `group` (root, central, companion), `kind` (of `TORCH_LAYERS`),
        `in_channels`, `out_channels`, `kernel`, `stride`, `side`, `n_parameters`. Layers of
        residual blocks are called `root.block0.conv1` and so on. The first block is drawn with all
        its layers, the others as one box each. A sum that is not in a block is assumed to add the
        input of the first block of its group.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A group is missing, or a kind is unknown.
    """
    parts = {group: check_layers(table[table["group"] == group]) for group in ("root", *GALAXIES)}
    for group, part in parts.items():
        if part.empty:
            raise DeblendError(
                f"the generator has no layers of the group {group!r}: train it again"
            )
    units = {group: _units(part, expanded=group == "root") for group, part in parts.items()}
    group_y = dict(zip(parts, (0.0, 0.75, -0.75), strict=True))
    with paper_figure(outputs, label, (7.2, 2.7)) as figure:
        axis = figure.subplots()
        x = 0.0
        for group, y in group_y.items():
            ends = _draw_units(axis, units[group], x, y, [0.8] * len(units[group]))
            _draw_skips(axis, units[group], ends, y, y + 0.4)
            if group == "root":
                fork_x = ends[-1][1]
                x = fork_x + 0.5
                continue
            corners = ([fork_x, fork_x + 0.2, fork_x + 0.2, x], [0, 0, y, y])
            axis.plot(*corners, color=LINE_COLOUR, lw=LOOK.lw, zorder=0)
            axis.text(ends[-1][1] + 0.08, y, group, va="center", fontsize=6)
        numbers = [len(set(block_numbers(part)) - {None}) for part in parts.values()]
        axis.set(xlim=(-0.1, ends[-1][1] + 0.9), ylim=(-1.2, 1.5))
        axis.set_axis_off()
        axis.set_title(
            f"Generator, (M, N) = ({numbers[0]}, {numbers[1]}), {in_millions(table)} parameters; "
            f"{table['side'].max():.0f} px"
        )
        _draw_legend(axis, [unit for group in units.values() for unit in group])


def draw_fig2(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: the discriminator.

    Parameters
    ----------
    table : DataFrame
        As for `draw_fig1`. Layers of convolutional blocks are called `block0.conv` and so on, with
        or without a group in front. The height of a box shows the side of its output.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    units = _units(check_layers(table), expanded=True)
    sides = np.nan_to_num([float(unit.last["side"]) for unit in units], nan=1.0)
    is_vector = [
        unit.last["kind"] == "Linear" or side <= 1 for unit, side in zip(units, sides, strict=True)
    ]
    heights = [
        0.7 if flat else side_height(side, sides.max(), 0.7, 1.1)
        for flat, side in zip(is_vector, sides, strict=True)
    ]
    with paper_figure(outputs, label, (7.2, 2.5)) as figure:
        axis = figure.subplots()
        ends = _draw_units(axis, units, 0.0, 0.0, heights)
        previous_side = None
        for (left, right), side, height, flat in zip(ends, sides, heights, is_vector, strict=True):
            if not flat and side != previous_side:
                write_below(axis, (left + right) / 2, -height / 2 - 0.05, f"{side:.0f}")
            previous_side = side
        axis.set(xlim=(-0.15, ends[-1][1] + 0.15), ylim=(-1.15, 1.0))
        axis.set_axis_off()
        axis.set_title(
            f"Discriminator, {in_millions(table)} parameters (in the boxes kernel, channels and "
            "stride; below them the side in pixels)"
        )
        _draw_legend(axis, units)
