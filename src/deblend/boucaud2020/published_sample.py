"""Whether a data set looks like the sample that Boucaud et al. 2020 published."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.boucaud2020.catalog import DETECTIONS
from deblend.plots.style import COLOURS, save_figure, style

PERCENTILES = (5, 16, 25, 50, 75, 84, 95)


LABELS = {
    "mag": "Magnitude",
    "radius_px": "Half-light radius (px)",
    "delta_mag": r"mag$_{\rm central}$ - mag$_{\rm companion}$",
    "distance_px": "Distance D (px)",
    "distance_over_radius": "D / max(R)",
}


def quantities(catalog: pd.DataFrame) -> dict[str, np.ndarray]:
    """What is compared, from a catalogue in the published format."""
    radius = catalog[["g1_rad", "g2_rad"]].to_numpy(float)
    return {
        "mag": catalog[["g1_mag", "g2_mag"]].to_numpy(float).ravel(),
        "radius_px": radius.ravel(),
        "delta_mag": (catalog["g1_mag"] - catalog["g2_mag"]).to_numpy(float),
        "distance_px": catalog["distance"].to_numpy(float),
        "distance_over_radius": catalog["distance"].to_numpy(float) / radius.max(axis=1),
    }


def summarise(catalog: pd.DataFrame) -> pd.DataFrame:
    """Percentiles of the quantities, and percentages of classes and detections.

    Returns
    -------
    DataFrame
        `quantity`, `item`, `value`.
    """
    rows: list[tuple[str, str, float]] = []
    for name, values in quantities(catalog).items():
        percentiles = np.percentile(values, PERCENTILES)
        rows += [(name, f"p{p}", float(v)) for p, v in zip(PERCENTILES, percentiles, strict=True)]
    kinds = pd.concat([catalog["g1_type"], catalog["g2_type"]])
    for kind in ("sph", "disk", "sphd", "irr"):
        rows.append(("type_percent", kind, float(100 * (kinds == kind).mean())))
    for code in DETECTIONS:
        share = float(100 * (catalog["detection"] == code).mean())
        rows.append(("detection_percent", str(code), share))
    return pd.DataFrame(rows, columns=["quantity", "item", "value"])


def compare(catalog: pd.DataFrame, published: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Table of a data set's distributions beside the published ones.

    Parameters
    ----------
    catalog : DataFrame
    published : dict
        Quantity to item to value, from `config/published.yaml`.

    Returns
    -------
    DataFrame
        `quantity`, `item`, `published`, `reproduced`, `difference`.
    """
    table = summarise(catalog).rename(columns={"value": "reproduced"})
    table.insert(
        2,
        "published",
        [
            published.get(q, {}).get(i, np.nan)
            for q, i in zip(table.quantity, table.item, strict=True)
        ],
    )
    table["difference"] = table["reproduced"] - table["published"]
    return table


def draw_comparison(
    catalog: pd.DataFrame, table: pd.DataFrame, outputs: list[str | Path], label: str = ""
) -> None:
    """Draw cumulative distributions with the published percentiles on them."""
    values: dict[str, Any] = quantities(catalog)
    with style():
        figure, axes = plt.subplots(2, 3, figsize=(7.2, 4.4), layout="constrained")
        for axis, (name, data) in zip(axes.flat, values.items(), strict=False):
            axis.plot(
                np.sort(data),
                np.linspace(0, 1, len(data)),
                color=COLOURS["ours"],
                label=f"this data set ({len(catalog)} blends)",
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
        axis.set_xticks(x, names, rotation=30)
        axis.set(ylabel="% of blends", xlabel="found by SEP / SExtractor")
        axes.flat[0].legend(loc="upper left")
        if label:
            figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
