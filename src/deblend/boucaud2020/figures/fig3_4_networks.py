"""Figures 3 and 4 of Boucaud et al. 2020: the networks, drawn from their built models."""

import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.architecture import (
    KERAS_LAYERS,
    channels_width,
    draw_arrow,
    draw_box,
    draw_keras_legend,
    draw_sequence,
    in_millions,
)
from deblend.plots.style import Outputs, paper_figure

#: Distance between the rows of Figure 4. Each row has layers of one resolution.
ROW = 1.25


def draw_fig3(table: pd.DataFrame, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 3, blend2flux.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
    outputs : list of path
    label : str
    """
    draw_sequence(table, "blend2flux", outputs, label)


def draw_fig4(table: pd.DataFrame, outputs: Outputs, label: str = "") -> None:
    """Draw Figure 4, the U-Net: one row for each resolution, and arrows for the copied features.

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
    layers = table[table["kind"].isin(KERAS_LAYERS)].set_index("name")
    joins = layers[layers["kind"] == "Concatenate"]
    if joins.empty:
        raise DeblendError("this network copies and joins no features: it is not a U-Net")
    sides = sorted(set(layers["height"]), reverse=True)
    with paper_figure(outputs, label, (7.2, 3.9)) as figure:
        axis = figure.subplots()
        places: dict[str, tuple[float, float, float]] = {}
        x = 0.0
        for layer in layers.itertuples():
            y = -ROW * sides.index(layer.height)
            width = channels_width(layer.channels)
            draw_box(axis, x, y, width, 0.7, KERAS_LAYERS[layer.kind][1])
            places[str(layer.Index)] = (x, y, width)
            if layer.kind != "MaxPooling2D":
                axis.text(x + width / 2, y + 0.42, f"{layer.channels}", ha="center", fontsize=5.5)
            x += width + 0.1
        colour = KERAS_LAYERS["Concatenate"][1]
        for name, join in joins.iterrows():
            source = next(n for n in join["inputs"].split() if layers.loc[n, "kind"] == "Conv2D")
            (x0, y0, width), (x1, y1, _) = places[source], places[str(name)]
            draw_arrow(axis, (x0 + width, y0), (x1, y1), colour, 7, lw=0.7, zorder=0.5)
        for i, side in enumerate(sides):
            axis.text(-0.25, -ROW * i, f"{side} px", ha="right", va="center")
        axis.set(xlim=(-1.0, x + 0.1), ylim=(-ROW * (len(sides) - 1) - 0.7, 0.8))
        axis.set_axis_off()
        axis.set_title(f"U-Net, {in_millions(table)} parameters (numbers: channels)")
        draw_keras_legend(axis, layers)
