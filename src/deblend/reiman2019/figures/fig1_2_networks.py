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
)
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.figures.fig3_6_examples import GAN
from deblend.reiman2019.metrics import GALAXIES
from matplotlib.axes import Axes

#: Name in the legend and colour of a block that is drawn as one box.
BLOCK_LEGEND = ("further block", "0.96")


LOOK = BoxLook(
    with_text=0.3,
    without_text=0.14,
    gap=0.1,
    fontsize="small",
    lw=0.5,
    whole_colour=BLOCK_LEGEND[1],
)


#: Distance of the branches from the root, in the units of the boxes, which are 0.8 high.
BRANCH = 0.62


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


def _draw_joins(
    axis: Axes, units: list[Unit], ends: list[tuple[float, float]], heights: Sequence[float]
) -> None:
    """Draw the copies of a U-Net: from before each pooling, over boxes, to the join of its side."""
    kinds = [unit.last["kind"] for unit in units]
    starts: list[float] = []
    for i, kind in enumerate(kinds):
        if kind == "MaxPool2d":
            starts.append(ends[i][0] - LOOK.gap / 2)
        elif kind == "Concatenate":
            start = starts.pop()
            level = 0.4 + 0.15 * (kinds.count("MaxPool2d") - len(starts))
            top = heights[i] / 2
            _draw_skip(axis, start, sum(ends[i]) / 2, 0, top, level - top)


def _draw_blend(axis: Axes, x: float, height: float) -> None:
    """Draw the blend that enters the copy gates, `height` high, of both branches at `x`."""
    colour = TORCH_LAYERS["CopyGate"][1]
    for sign in (1, -1):
        start, stop = 0.08, BRANCH - height / 2
        draw_arrow(axis, (x, sign * start), (x, sign * stop), colour, 4, lw=0.8)
    axis.text(x, 0, "blend", ha="center", va="center", fontsize="small")


def _write_sides(
    axis: Axes,
    sides: Sequence[float] | np.ndarray,
    ends: list[tuple[float, float]],
    y: float,
    heights: Sequence[float],
    previous_side: float | None,
    unit: str = "",
) -> None:
    """Write the side of the images at the boxes that change it: above if `y` > 0, else below."""
    sign, va = (1, "bottom") if y > 0 else (-1, "top")
    for (left, right), side, height in zip(ends, sides, heights, strict=True):
        if side != previous_side:
            place = ((left + right) / 2, y + sign * (height / 2 + 0.05))
            axis.text(*place, f"{side:.0f}{unit}", ha="center", va=va, fontsize="small")
        previous_side = side


def _draw_legend(axis: Axes, units: list[Unit], **look: Any) -> None:
    """Draw the legend of the colours."""
    kinds = {unit.last["kind"] for unit in units if not unit.is_whole_block}
    whole = [BLOCK_LEGEND] if any(unit.is_whole_block for unit in units) else []
    look = {"handlelength": 1.2, "columnspacing": 1, "borderaxespad": 0} | look
    draw_legend(axis, TORCH_LAYERS, kinds, *whole, lw=LOOK.lw, **look)


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: the generator, its root and its two branches.

    In the generator copy_gate the height of a box shows the side of its output, which is written
    where it changes.

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
        Scale and data.

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
    is_copy_gate = (table["kind"] == "CopyGate").any()
    largest, has_sides = table["side"].max(), table["side"].nunique() > 1
    group_y = dict(zip(parts, (0.0, BRANCH, -BRANCH), strict=True))
    line = label_line(label, f"{GAN}, generator")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2.5) as figure:
        axis = figure.subplots()
        x, previous_side = 0.0, None
        for group, y in group_y.items():
            sides = [unit.last["side"] for unit in units[group]]
            # All images of the paper's generator have the same side.
            heights = [side_height(side, largest, 0.4, 0.4) for side in sides]
            ends = _draw_units(axis, units[group], x, y, heights)
            _draw_skips(axis, units[group], ends, y, y + 0.4)
            _draw_joins(axis, units[group], ends, heights)
            if has_sides:
                _write_sides(axis, sides, ends, y, heights, previous_side)
            for unit, box, height in zip(units[group], ends, heights, strict=True):
                if unit.last["kind"] == "CopyGate" and y > 0:
                    _draw_blend(axis, sum(box) / 2, height)
            if group == "root":
                fork_x, previous_side = ends[-1][1], sides[-1]
                x = fork_x + 0.5
                continue
            corners = ([fork_x, fork_x + 0.25, fork_x + 0.25, x], [0, 0, y, y])
            axis.plot(*corners, color=LINE_COLOUR, lw=LOOK.lw, zorder=0)
            end = ends[-1][1]
            draw_arrow(axis, (end, y), (end + 0.2, y), LINE_COLOUR, 5, lw=0.8, shrinkA=0, shrinkB=0)
            axis.text(end + 0.25, y, group, va="center", fontsize="small")
        name = f"generator copy_gate (ours), levels = {(table['kind'] == 'MaxPool2d').sum() + 1}"
        if not is_copy_gate:
            numbers = [len(set(block_numbers(part)) - {None}) for part in parts.values()]
            name = f"generator, (M, N) = ({numbers[0]}, {numbers[1]})"
        # The names of the outputs take as much as 0.7 inches.
        right = end + 0.25 + 0.7 / (TWO_COLUMNS_IN - 0.7) * end
        # Skip connections of the paper's generator rise above the boxes.
        axis.set(xlim=(-0.1, right), ylim=(-1.22, 1.22 if is_copy_gate else 1.4))
        axis.set_axis_off()
        size = "next to boxes: side (px)" if has_sides else f"images of {largest:.0f} px"
        axis.set_title(f"{name}, {in_millions(table)} parameters; {size}")
        every_unit = [unit for group in units.values() for unit in group]
        _draw_legend(axis, every_unit, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=5)


def draw_fig2(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: the discriminator.

    Parameters
    ----------
    table : DataFrame
        As for `draw_fig1`. Layers of convolutional blocks are called `block0.conv` and so on, with
        or without a group in front. The height of a box shows the side of its output.
    outputs : list of path
    label : str
        Scale and data.

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
    line = label_line(label, f"{GAN}, discriminator")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2.2) as figure:
        axis = figure.subplots()
        ends = _draw_units(axis, units, 0.0, 0.0, heights)
        # Vectors, which have no side, come after all images.
        n = is_vector.index(True) if True in is_vector else len(units)
        _write_sides(axis, sides[:n], ends[:n], 0, heights[:n], None, " px")
        end = ends[-1][1]
        draw_arrow(axis, (end, 0), (end + 0.25, 0), LINE_COLOUR, 5, lw=0.8, shrinkA=0, shrinkB=0)
        axis.text(end + 0.3, 0, "true or\npredicted", va="center", fontsize="small")
        room = 0.65 / (TWO_COLUMNS_IN - 0.65) * end
        axis.set(xlim=(-0.1, end + 0.3 + room), ylim=(-1.1, 0.95))
        axis.set_axis_off()
        axis.set_title(
            f"discriminator, {in_millions(table)} parameters (in the boxes kernel, channels and "
            "stride)"
        )
        _draw_legend(axis, units, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=6)
