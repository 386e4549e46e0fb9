"""Figures 3 and 4 of Boucaud et al. 2020: the networks, drawn from their built models."""

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.architecture import (
    KERAS_LAYERS,
    LINE_COLOUR,
    draw_arrow,
    draw_box,
    draw_keras_legend,
    draw_sequence,
    in_millions,
)
from deblend.plots.style import ONE_COLUMN_IN, Outputs, label_line, paper_figure
from matplotlib.axes import Axes

#: Height of a box of Figure 4 and distance between the centres of boxes, inches.
BOX, STEP = 0.125, 0.175


#: Width of the boxes of the largest images in Figure 4, and the least width, inches.
WIDEST, NARROWEST = 1.15, 0.55


#: Centres of the boxes on the way down and up in Figure 4, inches from the left.
DOWN, UP = 1.05, 2.6


def draw_fig3(table: pd.DataFrame, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 3, blend2flux.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
    outputs : list of path
    label : str
        Scale.
    """
    draw_sequence(table, "blend2flux", outputs, label, ends=("blend", "two\nfluxes"))


def draw_fig4(table: pd.DataFrame, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 4, the U-Net: down on the left, up on the right, arrows for the copied features.

    Boxes are as wide as images are large, and stand at the height of their resolution.

    Parameters
    ----------
    table : DataFrame
        As for `draw_fig3`.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        The network has no copied features: it is not a U-Net.
    """
    layers = _drawn_layers(table)
    if not (layers["kind"] == "Concatenate").any():
        raise DeblendError("this network copies and joins no features: it is not a U-Net")
    places, tops, depth = _u_shape(layers)
    height = depth + 1.35
    with paper_figure(outputs, label_line(label, "U-Net"), ONE_COLUMN_IN, height) as figure:
        axis = figure.subplots()
        widths = {
            str(name): max(WIDEST * np.sqrt(side / layers["height"].max()), NARROWEST)
            for name, side in layers["height"].items()
        }
        for layer in layers.itertuples():
            (x, y), width = places[str(layer.Index)], widths[str(layer.Index)]
            draw_box(axis, x - width / 2, y, width, BOX, KERAS_LAYERS[layer.kind][1])
            end = {layers.index[0]: "blend: ", layers.index[-1]: "masks: "}.get(layer.Index, "")
            window = f"{layer.kernel}×{layer.kernel}, " if layer.kernel else ""
            look = {"ha": "center", "va": "center_baseline", "fontsize": "small"}
            axis.text(x, y, f"{end}{window}{layer.channels}", **look)
        for name, sources in layers["inputs"].items():
            for source in sources.split():
                _draw_step(axis, source, str(name), places, widths)
        for side, y in tops.items():
            axis.text(0, y, f"{side} px", ha="left", va="center_baseline")
        axis.set(xlim=(0, ONE_COLUMN_IN), ylim=(-depth - 0.05, 0.1))
        axis.set_axis_off()
        axis.set_title(f"U-Net, {in_millions(table)} parameters\n(in the boxes: window, channels)")
        draw_keras_legend(axis, layers, ncols=2)


def _drawn_layers(table: pd.DataFrame) -> pd.DataFrame:
    """The layers that are drawn, indexed by name; `inputs` skips the others, such as dropout."""
    sources: dict[str, str] = {}
    for layer in table.itertuples():
        of_layer = " ".join(sources[name] for name in layer.inputs.split())
        sources[str(layer.name)] = layer.name if layer.kind in KERAS_LAYERS else of_layer
    layers = table[table["kind"].isin(KERAS_LAYERS)].set_index("name")
    inputs = [" ".join(sources[name] for name in text.split()) for text in layers["inputs"]]
    return layers.assign(inputs=inputs)


def _u_shape(
    layers: pd.DataFrame,
) -> tuple[dict[str, tuple[float, float]], dict[int, float], float]:
    """Centres of the boxes of a U-Net, heights of the names of its sides, and its depth, inches.

    A copied layer and the layer that joins it stand at the same height.
    """
    first_up = list(layers["kind"]).index("Conv2DTranspose")
    places: dict[str, tuple[float, float]] = {}
    tops: dict[int, float] = {}
    depth = 0.0
    for side in sorted(set(layers["height"]), reverse=True):
        down = [str(n) for n in layers.index[:first_up] if layers.loc[n, "height"] == side]
        up = [str(n) for n in layers.index[first_up:] if layers.loc[n, "height"] == side][::-1]
        join = next((n for n in up if layers.loc[n, "kind"] == "Concatenate"), None)
        start_down, start_up = 0, 0
        if join:
            source = next(n for n in layers.loc[join, "inputs"].split() if n in down)
            start_up = down.index(source) - up.index(join)
            start_down, start_up = max(-start_up, 0), max(start_up, 0)
        rows = {n: start_down + i for i, n in enumerate(down)}
        rows |= {n: start_up + i for i, n in enumerate(up)}
        x = dict.fromkeys(down, DOWN) | dict.fromkeys(up, UP)
        if not up:
            # The bottom: what follows the pooling stands side by side.
            bottom = [n for n in down if layers.loc[n, "kind"] != "MaxPooling2D"]
            for i, name in enumerate(bottom):
                rows[name] = len(down) - len(bottom)
                x[name] = (DOWN + UP) / 2 + (i - (len(bottom) - 1) / 2) * (NARROWEST + 0.1)
        places |= {n: (x[n], -depth - row * STEP) for n, row in rows.items()}
        tops[side] = -depth - (max(rows.values()) / 2) * STEP
        depth += (max(rows.values()) + 1) * STEP + STEP / 3
    return places, tops, depth - STEP


def _draw_step(
    axis: Axes,
    source: str,
    target: str,
    places: dict[str, tuple[float, float]],
    widths: dict[str, float],
) -> None:
    """Draw an arrow from a layer to one that it is an input of."""
    (x0, y0), (x1, y1) = places[source], places[target]
    if x0 == x1:
        side = BOX / 2 if y1 > y0 else -BOX / 2
        corner, end = (x0, y0 + side), (x1, y1 - side)
    elif y1 > y0:
        corner, end = (x1, y0), (x1, y1 - BOX / 2)
        axis.plot([x0 + widths[source] / 2, x1], [y0, y0], color=LINE_COLOUR, lw=0.7, zorder=0.5)
    elif y1 < y0:
        corner, end = (x0, y1), (x1 - widths[target] / 2, y1)
        axis.plot([x0, x0], [y0 - BOX / 2, y1], color=LINE_COLOUR, lw=0.7, zorder=0.5)
    else:
        corner, end = (x0 + widths[source] / 2, y0), (x1 - widths[target] / 2, y1)
    copied = y0 == y1 and (x0, x1) == (DOWN, UP)
    colour = KERAS_LAYERS["Concatenate"][1] if copied else LINE_COLOUR
    draw_arrow(axis, corner, end, colour, 6, lw=1.2 if copied else 0.7)
