"""Figures 3 and 4 of Boucaud et al. 2020: the networks, drawn from what was built."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from .errors import DeblendError
from .plots import save_figure, style

#: Kinds of layers that are drawn, with their colours; others (dropout, flatten ...) are not.
KINDS = {
    "Conv2D": ("convolution", "#56B4E9"),
    "MaxPooling2D": ("max-pooling", "#D55E00"),
    "Conv2DTranspose": ("transposed convolution", "#009E73"),
    "Concatenate": ("copy and join", "#CC79A7"),
    "Dense": ("dense", "#F0E442"),
    "InputLayer": ("input", "0.75"),
    "AsinhStretch": ("asinh stretch", "0.9"),
    "FluxScale": ("flux scale", "0.55"),
}


def _box(axis: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    axis.add_patch(
        Rectangle((x, y - height / 2), width, height, facecolor=colour, edgecolor="0.2", lw=0.5)
    )


def _width(channels: float) -> float:
    """Width of a box, by its channels."""
    return 0.12 + 0.045 * np.log2(max(channels, 1))


def _height(side: float, largest: float) -> float:
    """Height of a box, by the image's side."""
    return 0.35 + 2.4 * np.sqrt(side / largest)


def _legend(axis: Axes, table: pd.DataFrame) -> None:
    there = [KINDS[kind] for kind in KINDS if kind in set(table["kind"])]
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="0.2") for _, colour in there]
    axis.legend(
        handles, [name for name, _ in there], loc="upper center", ncols=7, bbox_to_anchor=(0.5, 0)
    )


def _summary(name: str, table: pd.DataFrame) -> str:
    return f"{name}, {table['n_parameters'].sum() / 1e6:.2f} million parameters"


def draw_fig3(table: pd.DataFrame, outputs: list[str | Path], label: str = "") -> None:
    """Draw Figure 3, blend2flux.

    Parameters
    ----------
    table : DataFrame
        From `deblend.networks.layer_table`.
    outputs : list of path
    label : str
    """
    draw_sequence(table, "blend2flux", outputs, label)


def draw_sequence(
    table: pd.DataFrame, name: str, outputs: list[str | Path], label: str = ""
) -> None:
    """Draw a network without branches: a box a layer, by its image's side and its channels.

    Parameters
    ----------
    table : DataFrame
        From `deblend.networks.layer_table`.
    name : str
    outputs : list of path
    label : str
    """
    layers = table[table["kind"].isin(KINDS)]
    largest = layers["height"].max()
    last = layers.loc[layers["kind"] == "Conv2D", "height"].min()
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 2.9), layout="constrained")
        x = 0.0
        for layer in layers.itertuples():
            vector = layer.height == 1
            units = min(layer.channels, 4096)
            height = 0.3 + 0.16 * np.log2(units) if vector else _height(layer.height, largest)
            width = 0.16 if vector else _width(layer.channels)
            _box(axis, x, 0, width, height, KINDS[layer.kind][1])
            if layer.kind != "MaxPooling2D":
                axis.text(
                    x + width / 2, height / 2 + 0.07, f"{layer.channels}", ha="center", fontsize=6
                )
            if layer.kernel:
                size = f"{layer.kernel}×{layer.kernel}"
                axis.text(x + width / 2, 0, size, ha="center", va="center", fontsize=6, rotation=90)
            if not vector:
                axis.text(
                    x + width / 2,
                    -height / 2 - 0.08,
                    f"{layer.height}",
                    ha="center",
                    va="top",
                    fontsize=6,
                )
            x += width + (0.08 if layer.kind == "Conv2D" and layer.height > last else 0.35)
        axis.set(xlim=(-0.3, x), ylim=(-1.75, 1.75))
        axis.set_axis_off()
        axis.set_title(
            f"{_summary(name, table)} (channels above, side below, windows within: pixels)"
        )
        _legend(axis, layers)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig4(table: pd.DataFrame, outputs: list[str | Path], label: str = "") -> None:
    """Draw Figure 4, the U-Net: a row a resolution, the copies as arrows between its two sides.

    Parameters
    ----------
    table : DataFrame
        From `deblend.networks.layer_table`.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        The network joins no copies: it is no U-Net.
    """
    layers = table[table["kind"].isin(KINDS)].set_index("name")
    joins = layers[layers["kind"] == "Concatenate"]
    if joins.empty:
        raise DeblendError("there is nothing to copy and join in this network: it is no U-Net")
    sides = sorted(set(layers["height"]), reverse=True)
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 3.9), layout="constrained")
        places: dict[str, tuple[float, float, float]] = {}
        x = 0.0
        for layer in layers.itertuples():
            y = -1.25 * sides.index(layer.height)
            width = _width(layer.channels)
            _box(axis, x, y, width, 0.7, KINDS[layer.kind][1])
            places[str(layer.Index)] = (x, y, width)
            if layer.kind not in ("MaxPooling2D",):
                axis.text(x + width / 2, y + 0.42, f"{layer.channels}", ha="center", fontsize=5.5)
            x += width + 0.1
        for name, join in joins.iterrows():
            source = next(n for n in join["inputs"].split() if layers.loc[n, "kind"] == "Conv2D")
            (x0, y0, width), (x1, y1, _) = places[source], places[str(name)]
            axis.add_patch(
                FancyArrowPatch(
                    (x0 + width, y0),
                    (x1, y1),
                    arrowstyle="-|>",
                    mutation_scale=7,
                    lw=0.7,
                    zorder=0.5,
                    color=KINDS["Concatenate"][1],
                )
            )
        for i, side in enumerate(sides):
            axis.text(-0.25, -1.25 * i, f"{side} px", ha="right", va="center")
        axis.set(xlim=(-1.0, x + 0.1), ylim=(-1.25 * (len(sides) - 1) - 0.7, 0.8))
        axis.set_axis_off()
        axis.set_title(f"{_summary('U-Net', table)} (numbers: channels)")
        _legend(axis, layers)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
