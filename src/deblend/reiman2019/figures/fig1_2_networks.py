"""Figures 1 and 2 of Reiman & Goehre 2019: the networks as built."""

import re
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.architecture import LAYERS, known_layers
from deblend.plots.style import Outputs, save_figure, style
from deblend.reiman2019.metrics import GALAXIES
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

#: A block whose inner workings are not shown.
WHOLE = ("further block", "0.96")


BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")


#: Between the boxes of a network.
GAP = 0.08


@dataclass(frozen=True)
class Unit:
    """A box in a drawing of a network: one layer, or a whole block."""

    layers: pd.DataFrame
    block: int | None
    whole: bool

    @property
    def last(self) -> pd.Series:
        """The layer that the unit ends with."""
        return self.layers.iloc[-1]


def _units(layers: pd.DataFrame, expanded: bool) -> list[Unit]:
    """What is drawn of a group: each layer, but blocks whole, save the first if it is expanded."""
    found = layers["name"].str.extract(BLOCK)[0]
    numbers = [None if pd.isna(number) else int(number) for number in found]
    units: list[Unit] = []
    for i, number in enumerate(numbers):
        if number is None or (expanded and number == 0):
            units.append(Unit(layers.iloc[[i]], number, False))
        elif not units or units[-1].block != number:
            same = [n == number for n in numbers]
            units.append(Unit(layers[same], number, True))
    return units


def _text(unit: Unit) -> str:
    """What is written into a box."""
    convolutions = unit.layers[unit.layers["kind"] == "Conv2d"]
    if unit.whole and len(convolutions) != 1:
        return f"block {unit.block}"
    if len(convolutions):
        layer = convolutions.iloc[0]
        size = f"{layer['kernel']:.0f}×{layer['kernel']:.0f}, {layer['out_channels']:.0f}"
        return size + (f", /{layer['stride']:.0f}" if layer["stride"] > 1 else "")
    if unit.last["kind"] == "Linear":
        return f"{unit.last['out_channels']:.0f}"
    return ""


def _draw_units(axis: Axes, units: list[Unit], x: float, y: float, heights: list[float]) -> list:
    """Draw boxes from left to right; returns their left and right ends."""
    ends = []
    for unit, height in zip(units, heights, strict=True):
        text = _text(unit)
        width = 0.3 if text else 0.14
        colour = WHOLE[1] if unit.whole else LAYERS[unit.last["kind"]][1]
        axis.add_patch(
            Rectangle((x, y - height / 2), width, height, facecolor=colour, edgecolor="0.2", lw=0.5)
        )
        middle = x + width / 2
        axis.text(middle, y, text, ha="center", va="center", rotation=90, fontsize=5.5)
        ends.append((x, x + width))
        x += width + GAP
    for (_, right), (left, _) in zip(ends[:-1], ends[1:], strict=True):
        axis.plot([right, left], [y, y], color="0.2", lw=0.5, zorder=0.5)
    return ends


def _arc(axis: Axes, start: float, stop: float, y: float, top: float, rise: float) -> None:
    """A skip connection: from the line between two boxes up, along and down to the top of a box."""
    colour = LAYERS["Add"][1]
    axis.plot([start, start, stop], [y, top + rise, top + rise], color=colour, lw=0.8, zorder=0.7)
    axis.add_patch(
        FancyArrowPatch(
            (stop, top + rise),
            (stop, top),
            arrowstyle="-|>",
            mutation_scale=4,
            lw=0.8,
            color=colour,
            shrinkA=0,
            shrinkB=0,
        )
    )


def _skips(axis: Axes, units: list[Unit], ends: list, y: float, top: float) -> None:
    """Skip connections: over each block with a sum in it, and over all blocks to a later sum."""
    first = next((i for i, unit in enumerate(units) if unit.block == 0), 0)
    for i, unit in enumerate(units):
        if unit.whole and (unit.layers["kind"] == "Add").any():
            _arc(axis, ends[i][0] - GAP / 2, ends[i][1] - 0.04, y, top, 0.12)
        elif not unit.whole and unit.last["kind"] == "Add":
            rise = 0.3 if unit.block is None else 0.12
            _arc(axis, ends[first][0] - GAP / 2, sum(ends[i]) / 2, y, top, rise)


def _legend(axis: Axes, units: list[Unit]) -> None:
    """Say what the colours are, under the drawing."""
    there = {unit.last["kind"] for unit in units if not unit.whole}
    entries = [LAYERS[kind] for kind in LAYERS if kind in there]
    if any(unit.whole for unit in units):
        entries.append(WHOLE)
    handles = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor="0.2", lw=0.5) for _, c in entries]
    axis.legend(
        handles,
        [name for name, _ in entries],
        loc="upper center",
        ncols=4,
        bbox_to_anchor=(0.5, 0.02),
    )


def _million(table: pd.DataFrame) -> str:
    return f"{table['n_parameters'].sum() / 1e6:.2f} million parameters"


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: the generator, its root and its two branches.

    Parameters
    ----------
    table : DataFrame
        A row a layer: `name`, `group` (root, central, companion), `kind` (of `plots.LAYERS`),
        `in_channels`, `out_channels`, `kernel`, `stride`, `side`, `n_parameters`. Layers of
        residual blocks are called `root.block0.conv1` and so on. The first block is drawn with all
        its layers, the others as one box each. A sum outside the blocks of a group is taken to be
        with what enters its first block.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A group is missing, or a kind is unknown.
    """
    parts = {group: known_layers(table[table["group"] == group]) for group in ("root", *GALAXIES)}
    for group, part in parts.items():
        if part.empty:
            raise DeblendError(f"the generator has no layers of the group {group!r}: make it anew")
    units = {group: _units(part, expanded=group == "root") for group, part in parts.items()}
    places = dict(zip(parts, (0.0, 0.75, -0.75), strict=True))
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 2.7), layout="constrained")
        x = 0.0
        for group, y in places.items():
            ends = _draw_units(axis, units[group], x, y, [0.8] * len(units[group]))
            _skips(axis, units[group], ends, y, y + 0.4)
            if group == "root":
                fork = ends[-1][1]
                x = fork + 0.5
                continue
            axis.plot(
                [fork, fork + 0.2, fork + 0.2, x], [0, 0, y, y], color="0.2", lw=0.5, zorder=0
            )
            axis.text(ends[-1][1] + 0.08, y, group, va="center", fontsize=6)
        numbers = [parts[g]["name"].str.extract(BLOCK)[0].nunique() for g in parts]
        axis.set(xlim=(-0.1, ends[-1][1] + 0.9), ylim=(-1.2, 1.5))
        axis.set_axis_off()
        axis.set_title(
            f"Generator, (M, N) = ({numbers[0]}, {numbers[1]}), {_million(table)}; "
            f"{table['side'].max():.0f} px"
        )
        _legend(axis, [unit for group in units.values() for unit in group])
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig2(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: the discriminator.

    Parameters
    ----------
    table : DataFrame
        As `draw_fig1`'s; layers of convolutional blocks are called `block0.conv` and so on, with
        or without a group before. A box's height tells the side of what leaves it.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    units = _units(known_layers(table), expanded=True)
    sides = np.nan_to_num([float(unit.last["side"]) for unit in units], nan=1.0)
    flat = [
        unit.last["kind"] == "Linear" or side <= 1 for unit, side in zip(units, sides, strict=True)
    ]
    heights = [
        0.7 if f else 0.7 + 1.1 * np.sqrt(s / sides.max()) for f, s in zip(flat, sides, strict=True)
    ]
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 2.5), layout="constrained")
        ends = _draw_units(axis, units, 0.0, 0.0, heights)
        before = None
        for (left, right), side, height, vector in zip(ends, sides, heights, flat, strict=True):
            if not vector and side != before:
                axis.text(
                    (left + right) / 2,
                    -height / 2 - 0.05,
                    f"{side:.0f}",
                    ha="center",
                    va="top",
                    fontsize=6,
                )
            before = side
        axis.set(xlim=(-0.15, ends[-1][1] + 0.15), ylim=(-1.15, 1.0))
        axis.set_axis_off()
        axis.set_title(
            f"Discriminator, {_million(table)} (in the boxes kernel, channels and stride; below "
            "them the side in pixels)"
        )
        _legend(axis, units)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
