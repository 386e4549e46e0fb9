"""Comparison of a data set with the sample that Boucaud et al. 2020 published."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.catalog import DETECTION_CODES

PERCENTILES = (5, 16, 25, 50, 75, 84, 95)


def quantities(catalog: pd.DataFrame) -> dict[str, np.ndarray]:
    """Compared quantities of the galaxies and blends of a catalogue in the published format."""
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
    morphologies = pd.concat([catalog["g1_type"], catalog["g2_type"]])
    for morphology in ("sph", "disk", "sphd", "irr"):
        rows.append(("type_percent", morphology, float(100 * (morphologies == morphology).mean())))
    for code in DETECTION_CODES:
        share = float(100 * (catalog["detection"] == code).mean())
        rows.append(("detection_percent", str(code), share))
    return pd.DataFrame(rows, columns=["quantity", "item", "value"])


def compare(catalog: pd.DataFrame, published: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Compare a data set's distributions with the published ones.

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
