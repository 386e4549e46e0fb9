"""Tables 2 and 3 of Boucaud et al. 2020, ours beside the published ones."""

from typing import Any

import numpy as np
import pandas as pd

from .metrics import photometry_statistics
from .predictions import GALAXIES, pivot

#: Table 3's rows: our key, the paper's name, hot, cold.
TABLE_3 = (
    ("threshold", "Detection threshold", 4, 5),
    ("min_area", "Minimum pixel area per object", 6, 10),
    ("contrast", "Minimum contrast ratio", 0.0001, 0.01),
    ("n_thresholds", "Number of thresholds for deblending", 64, 64),
)


def table2_row(
    predictions: pd.DataFrame, truth: pd.DataFrame, network: str, record: dict[str, Any]
) -> dict[str, Any]:
    """One column of Table 2: a network on the whole test set.

    Parameters
    ----------
    predictions : DataFrame
        Long form, of the network.
    truth : DataFrame
        See `deblend.predictions.truth`.
    network : str
    record : dict
        The network's description.

    Returns
    -------
    dict
        `network`, `filters`, `n_blends`, `n_parameters_million`; `central`, `companion` and
        `total`, the mean absolute percentage errors of the flux.
    """
    flux = pivot(predictions, network).loc[truth.index]
    at = pivot(predictions, network, "zero_point").loc[truth.index]
    row: dict[str, Any] = {
        "network": network,
        "filters": record["options"]["filters"],
        "n_blends": len(truth),
        "n_parameters_million": record["n_parameters"] / 1e6,
    }
    for galaxy in GALAXIES:
        mag = truth[f"mag_{galaxy}"].to_numpy()
        ratio = flux[galaxy].to_numpy() * 10 ** (0.4 * (mag - at[galaxy].to_numpy()))
        row[galaxy] = photometry_statistics(ratio, mag)["mape_flux_percent"]
    row["total"] = float(np.mean([row[g] for g in GALAXIES]))
    return row


def table2(rows: list[dict[str, Any]], published: dict[str, Any]) -> pd.DataFrame:
    """Table 2 with the published numbers, matched by the number of initial filters.

    Parameters
    ----------
    rows : list of dict
        From `table2_row`.
    published : dict
        `table2` and `n_parameters_million` of `config/published.yaml`.

    Returns
    -------
    DataFrame
        A row a network, and one for each published network that did not run.
    """
    theirs = pd.DataFrame(
        {
            "filters": list(published["n_parameters_million"]),
            "published_n_parameters_million": list(published["n_parameters_million"].values()),
            **{
                f"published_{k}": list(published["table2"][k].values())
                for k in ("central", "companion", "total")
            },
        }
    )
    table = pd.DataFrame(rows).merge(theirs, on="filters", how="outer")
    order = ["filters", "network", "n_blends", "n_parameters_million"]
    order += ["published_n_parameters_million"]
    for k in ("central", "companion", "total"):
        order += [k, f"published_{k}"]
    return table[order].sort_values(["filters"], kind="stable")


def table3(hot: dict[str, float], cold: dict[str, float]) -> pd.DataFrame:
    """Table 3: settings of the hot and cold modes, beside the published ones.

    Returns
    -------
    DataFrame
        `parameter`, `hot`, `cold`, `published_hot`, `published_cold`.
    """
    rows = [(name, hot[key], cold[key], *theirs) for key, name, *theirs in TABLE_3]
    columns = ["parameter", "hot", "cold", "published_hot", "published_cold"]
    return pd.DataFrame(rows, columns=columns)
