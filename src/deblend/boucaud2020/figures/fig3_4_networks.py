"""Figures 3 and 4 of Boucaud et al. 2020: the networks, drawn from what was built."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.architecture import KINDS, _box, _legend, _summary, _width, draw_sequence
from deblend.plots.style import save_figure, style
from matplotlib.patches import FancyArrowPatch


def draw_fig3(table: pd.DataFrame, outputs: list[str | Path], label: str = "") -> None:
    """Draw Figure 3, blend2flux.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
    outputs : list of path
    label : str
    """
    draw_sequence(table, "blend2flux", outputs, label)


def draw_fig4(table: pd.DataFrame, outputs: list[str | Path], label: str = "") -> None:
    """Draw Figure 4, the U-Net: a row a resolution, the copies as arrows between its two sides.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`.
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
