"""Distributions of a data set and of the sample that Boucaud et al. 2020 published."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG_LABEL
from deblend.boucaud2020.published_sample import quantities
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure

LABELS = {
    "mag": "magnitude (true)",
    "radius_px": "half-light radius R (px)",
    "delta_mag": DELTA_MAG_LABEL,
    "distance_px": "distance D (px)",
    "distance_over_radius": "D / max(R)",
}


def draw_comparison(
    catalog: pd.DataFrame, table: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw cumulative distributions and the published percentiles.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    table : DataFrame
        From `deblend.boucaud2020.published_sample.compare`.
    outputs : list of path
    label : str
    """
    title = label_line(label, len(catalog))
    with paper_figure(outputs, title, TWO_COLUMNS_IN, 4.4) as figure:
        axes = figure.subplots(2, 3)
        for axis, (name, data) in zip(axes.flat, quantities(catalog).items(), strict=False):
            axis.plot(
                np.sort(data),
                np.linspace(0, 1, len(data)),
                color=COLOURS["ours"],
                label="this data set",
            )
            rows = table[(table.quantity == name) & table.item.str.startswith("p")]
            axis.plot(
                rows["published"],
                rows["item"].str[1:].astype(float) / 100,
                "o",
                color=COLOURS["published"],
                ms=4,
                label="published (300 blends)",
            )
            axis.set(xlabel=LABELS[name], ylabel="cumulative share", ylim=(0, 1))
        bars = table[table.quantity == "detection_percent"]
        axis = axes.flat[-1]
        x = np.arange(len(bars))
        axis.bar(x - 0.2, bars["published"], 0.4, color=COLOURS["published"])
        axis.bar(x + 0.2, bars["reproduced"], 0.4, color=COLOURS["ours"])
        names = ["none", "central", "companion", "both", "more"]
        axis.set_xticks(x, names, rotation=30, ha="right", rotation_mode="anchor")
        axis.set(ylabel="% of blends", xlabel="found by SEP / SExtractor")
        handles = axes.flat[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2)
