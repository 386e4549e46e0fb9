"""Numbers of tables that the claims of Boucaud et al. 2020 are about.

The tables are described in `deblend.boucaud2020.claims`. All functions raise `MissingResult` if a
table does not have what they need.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from deblend.boucaud2020.recovered import BIN_EDGES, MIN_IN_BIN
from deblend.report.claims import (
    MissingResult,
    Tables,
    table,
)

GALAXIES = ("central", "companion")

#: Edges of the bins of distance, in the central galaxy's effective radii: distances in Sect. 5 are
#: 0.5 to 4, and Sect. 4.2 calls those within one radius close.
DISTANCE_EDGES = (0, 1, 2, 4)

#: Morphologies, as the catalogue names them.
TYPES = ("sph", "disk", "sphd", "irr")

#: Number of pairs of the four morphologies in Fig. 12.
TYPE_PAIRS = 10


def row_of(tables: Tables, name: str, **where: str) -> pd.Series:
    """The row of a table with the given values of columns, if it has measured galaxies."""
    rows = table(tables, name).set_index(list(where))
    key = tuple(where.values())
    if key not in rows.index or not rows.loc[key, "n"]:
        raise MissingResult(f"{name} {where}")
    return rows.loc[key]


def panel(tables: Tables, figure: str, network: str, galaxy: str) -> pd.Series:
    """The numbers of a panel of Figures 5 and 6."""
    return row_of(tables, "statistics", figure=figure, network=network, galaxy=galaxy)


def number(row: pd.Series, column: str) -> float:
    """A number of a row, which has to be there."""
    value = float(row.get(column, np.nan))
    if np.isnan(value):
        raise MissingResult(column)
    return value


def photometry(tables: Tables, method: str, galaxy: str) -> pd.Series:
    """A method's numbers for blends in which SEP found the galaxy."""
    return row_of(tables, "photometry", method=method, galaxy=galaxy, selection="found")


def bins_of(tables: Tables, name: str, **where: str) -> pd.DataFrame:
    """Rows of all bins of the table of Figure 7, 8 or 9.

    If a bin, mostly one at the ends, has too few galaxies, claims about the whole range are not
    tested.
    """
    rows = table(tables, name)
    for column, value in where.items():
        rows = rows[rows[column] == value]
    rows = rows[(rows["bin"].astype(str) != "all") & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < len(BIN_EDGES) - 1:
        raise MissingResult(f"{name} {where}")
    return rows.sort_values("delta_mag_low")


def scatter_of_halves(tables: Tables, method: str) -> dict[str, float]:
    """Scatter in the bright and in the faint half of the galaxies."""
    points = table(tables, "points")
    method_points = points[(points["method"] == method) & points["mag_blended"].notna()]
    if len(method_points) < 2 * MIN_IN_BIN:
        raise MissingResult(method)
    faint = method_points["mag_isolated"] > method_points["mag_isolated"].median()
    dmag = method_points["mag_blended"] - method_points["mag_isolated"]
    return {"bright half": float(np.std(dmag[~faint])), "faint half": float(np.std(dmag[faint]))}


def over_differences(tables: Tables, method: str, column: str) -> dict[str, pd.Series]:
    """For each galaxy, the values of a column in the bins of magnitude difference."""
    bins = {name: bins_of(tables, "fig7", method=method, galaxy=name) for name in GALAXIES}
    return {galaxy: rows.set_index("delta_mag_low")[column] for galaxy, rows in bins.items()}


def scatter_at_ends(tables: Tables, method: str) -> dict[str, float]:
    """Scatter in the first and in the last bin of magnitude difference."""
    scatters = over_differences(tables, method, "sigma_mag").items()
    return {
        f"{galaxy} {low:+.2f}": value
        for galaxy, bins in scatters
        for low, value in bins.iloc[[0, -1]].items()
    }


def scatter_ratios(tables: Tables, method: str) -> dict[str, float]:
    """Largest over smallest scatter in bins of magnitude difference."""
    scatters = over_differences(tables, method, "sigma_mag")
    return {galaxy: float(scatter.max() / scatter.min()) for galaxy, scatter in scatters.items()}


def over_distance(tables: Tables, method: str) -> dict[str, pd.DataFrame]:
    """For each galaxy, `median`, `sigma` and `p95` of the error in bins of distance."""
    points = table(tables, "fig7_points")
    bins = {}
    for galaxy in GALAXIES:
        galaxy_points = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
        dmag = (galaxy_points["mag_blended"] - galaxy_points["mag_isolated"]).dropna()
        groups = dmag.groupby(
            pd.cut(galaxy_points["distance_over_radius"], DISTANCE_EDGES), observed=False
        )
        if (groups.size() < MIN_IN_BIN).any():
            raise MissingResult(f"{method} {galaxy} in bins of distance")
        numbers = {"median": groups.median(), "sigma": groups.std(ddof=0)}
        bins[galaxy] = pd.DataFrame(numbers | {"p95": groups.quantile(0.95)})
    return bins


def of_types(tables: Tables, method: str, column: str, *needed: str) -> dict[str, float]:
    """Values of a column of Figure 9 by morphology and for all galaxies.

    At least two types, and the needed ones, have to be measured.
    """
    rows = table(tables, "fig9")
    chosen = (rows["method"] == method) & (rows["bin"].astype(str) == "all")
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < 3:  # two types and all
        raise MissingResult("types")
    values = rows.set_index("type")[column].astype(float).to_dict()
    if set(needed) - set(values):
        raise MissingResult(f"types {needed}")
    return values


def masks_of(tables: Tables, network: str) -> pd.DataFrame:
    """Rows of a network's masks, those that vanished too: their IoU and area are 0."""
    iou = table(tables, "iou")
    masks = iou[(iou["network"] == network) & (iou["area_true_px"] > 0)]
    if masks.empty:
        raise MissingResult(network)
    return masks


def recovered_masks(tables: Tables, network: str) -> pd.DataFrame:
    """All rows of a network's masks, if at least half of them overlap the true ones.

    A mask that vanished is tighter than the true one. A network most of whose masks vanish or are
    elsewhere says nothing about how tight masks are.
    """
    masks = masks_of(tables, network)
    if 2 * (masks["iou"] > 0).sum() < len(masks):
        raise MissingResult(network)
    return masks


def area_ratio(masks: pd.DataFrame) -> pd.Series:
    """Predicted over true area: 0 for masks that vanished."""
    return masks["area_predicted_px"] / masks["area_true_px"]


def vanished(masks: pd.DataFrame) -> str:
    """How many masks vanished, as text."""
    return f"{(masks['area_predicted_px'] == 0).sum()} of {len(masks)} masks vanished"


def of_both_networks(
    tables: Tables,
    statistic: Callable[[pd.DataFrame], float],
    chosen: Callable[[Tables, str], pd.DataFrame] = masks_of,
) -> dict[str, float]:
    """A statistic of the masks of the U-Net, and of those after joint training."""
    return {
        network: float(statistic(chosen(tables, network)))
        for network in ("unet", "blend2mask2flux")
    }


def areas_by_type(tables: Tables) -> dict[str, float]:
    """Median predicted over true area after joint training, by the galaxy's morphology."""
    masks = recovered_masks(tables, "blend2mask2flux")
    types = table(tables, "catalog").set_index("id")[["g1_type", "g2_type"]]
    types.columns = pd.Index(GALAXIES)
    of_mask = types.stack().reindex(pd.MultiIndex.from_frame(masks[["blend", "galaxy"]])).to_numpy()
    ratio = area_ratio(masks).groupby(of_mask)
    values = ratio.median()[ratio.size() >= MIN_IN_BIN].to_dict()
    if set(TYPES) - set(values):
        raise MissingResult("types of the masks")
    return values


def iou_by_pair(tables: Tables, network: str) -> pd.DataFrame:
    """Mean IoU of each pair of morphologies, if all pairs were measured."""
    recovered_masks(tables, network)
    rows = table(tables, "fig12")
    chosen = (rows["network"] == network) & ~rows["pair"].isin(["all", "other"])
    rows = rows[chosen & (rows["n"] >= MIN_IN_BIN)]
    if len(rows) < TYPE_PAIRS:
        raise MissingResult(f"pairs of types of {network}")
    return rows
