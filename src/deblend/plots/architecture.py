"""Drawings of networks from the tables of their layers."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.style import save_figure, style
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

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


def draw_sequence(
    table: pd.DataFrame, name: str, outputs: list[str | Path], label: str = ""
) -> None:
    """Draw a network without branches: a box a layer, by its image's side and its channels.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
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


#: Layers of PyTorch's networks, with their names and colours in the drawings.
LAYERS = {
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


def known_layers(layers: pd.DataFrame) -> pd.DataFrame:
    """A table of layers, each of a `kind` that can be drawn.

    Raises
    ------
    DeblendError
        One is of another.
    """
    unknown = sorted(set(layers["kind"]) - set(LAYERS))
    if unknown:
        raise DeblendError(
            f"a layer is of the kind {', '.join(unknown)}; only {', '.join(LAYERS)} can be drawn"
        )
    return layers
