"""Figure 1 of Hemmati et al. 2022: the networks as built."""

import re
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.plots.architecture import LAYERS, known_layers
from deblend.plots.style import Outputs, panel_note, save_figure, style
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

WHOLE = ("further residual block", "0.95")


BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")


NETWORKS = {"vanilla": "Vanilla GAN", "sr": "Single-band GAN", "sr_multi": "Multi-band GAN"}


def _whole_blocks(layers: pd.DataFrame) -> list[pd.DataFrame]:
    """Layers one by one, but residual blocks after the first each as one."""
    number = layers["name"].str.extract(BLOCK)[0]
    residual = set(number[layers["kind"] == "Add"].dropna()) - {"0"}
    units: list[pd.DataFrame] = []
    for where, found in enumerate(number):
        if found not in residual:
            units.append(layers.iloc[[where]])
        elif where == 0 or number.iloc[where - 1] != found:
            units.append(layers[number == found])
    return units


def _box_text(unit: pd.DataFrame) -> str:
    layer = unit.iloc[0]
    if len(unit) > 1:
        return "block " + str(unit["name"].str.extract(BLOCK)[0].iloc[0])
    if layer["kind"] in ("Conv2d", "ConvTranspose2d"):
        size = f"{layer['kernel']:.0f}×{layer['kernel']:.0f}, {layer['out_channels']:.0f}"
        return size + (f", {layer['stride']:.0f}" if layer["stride"] > 1 else "")
    return f"{layer['out_channels']:.0f}" if layer["kind"] in ("Linear", "Input") else ""


def _number(unit: pd.DataFrame) -> str:
    """Number of the block that a unit belongs to, or nothing."""
    found = BLOCK.search(str(unit["name"].iloc[0]))
    return found.group(1) if found else ""


def _draw_network(axis: Axes, layers: pd.DataFrame, x: float) -> float:
    """Draw a network from left to right, a box's height by its side; returns its right end."""
    units = _whole_blocks(known_layers(layers))
    sides = [float(np.nan_to_num(unit["side"].iloc[-1], nan=1.0)) for unit in units]
    heights = [0.75 + 0.85 * np.sqrt(side / 64) for side in sides]
    lefts: list[float] = []
    for i, (unit, side, height) in enumerate(zip(units, sides, heights, strict=True)):
        text = _box_text(unit)
        width = 0.26 if text else 0.13
        kind = unit["kind"].iloc[-1]
        colour = WHOLE[1] if len(unit) > 1 else LAYERS[kind][1]
        box = Rectangle((x, -height / 2), width, height, facecolor=colour, edgecolor="0.2", lw=0.4)
        axis.add_patch(box)
        middle = x + width / 2
        ink = "white" if kind == "ConvTranspose2d" else "black"
        axis.text(middle, 0, text, ha="center", va="center", rotation=90, fontsize=5, color=ink)
        if i:
            axis.plot([x - 0.05, x], [0, 0], color="0.2", lw=0.4, zorder=0.5)
        if not i or side != sides[i - 1]:
            axis.text(middle, -height / 2 - 0.05, f"{side:.0f}", ha="center", va="top", fontsize=5)
        lefts.append(x)
        if (unit["kind"] == "Add").any():
            # What is added comes from before the block, or, outside of blocks, before all of them.
            block = _number(unit) or "0"
            first = next((j for j in range(i) if _number(units[j]) == block), i)
            if _number(unit) and len(unit) > 1:
                first = i
            rise = 0.1 if _number(unit) else 0.22
            top, begin = max(heights[first : i + 1]) / 2 + rise, lefts[first] - 0.025
            corners = ([begin, begin, middle, middle], [0, top, top, height / 2])
            axis.plot(*corners, color="0.3", lw=0.6, zorder=0.5)
        x += width + 0.05
    return x - 0.05


def draw_fig1(
    layers: Mapping[str, Mapping[str, pd.DataFrame]], outputs: Outputs, label: str
) -> None:
    """Draw Figure 1: generator and discriminator of each network.

    Parameters
    ----------
    layers : dict
        Of `NETWORKS` to `generator` and `discriminator`, each a row a layer: `name`, `kind` (of
        `LAYERS`), `in_channels`, `out_channels`, `kernel`, `stride`, `side`, `n_parameters`. Layers
        of residual blocks are called `block0.conv1` and so on; of those with a sum the first is
        drawn with all its layers, the others as one box each.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    with style():
        figure, axes = plt.subplots(3, 1, figsize=(7.2, 4.9), sharex=True, layout="constrained")
        right = 1.0
        for axis, (network, name) in zip(axes, NETWORKS.items(), strict=True):
            axis.set_axis_off()
            axis.set_ylim(-1.05, 1.1)
            parts = layers.get(network, {})
            there = [part for part in parts.values() if len(part)]
            if len(there) < 2:
                axis.set_title(name, loc="left")
                panel_note(axis, "not trained")
                continue
            x, counts = 0.0, []
            for part in ("generator", "discriminator"):
                x = _draw_network(axis, parts[part], x) + 0.5
                counts.append(f"{part} {parts[part]['n_parameters'].sum() / 1e6:.2f} million")
            axis.set_title(f"{name}: {', '.join(counts)} parameters", loc="left")
            right = max(right, x - 0.5)
        axes[0].set_xlim(-0.15, right + 0.1)
        found = {k for parts in layers.values() for part in parts.values() for k in part["kind"]}
        entries = [LAYERS[kind] for kind in LAYERS if kind in found] + [WHOLE]
        boxes = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor="0.2", lw=0.4) for _, c in entries]
        names = [name for name, _ in entries]
        figure.legend(boxes, names, loc="outside lower center", ncols=4)
        figure.suptitle(
            f"{label}\nin the boxes kernel, channels and stride above 1; below them the side in "
            "pixels; generator left, discriminator right",
            fontsize="small",
        )
        save_figure(figure, outputs)
