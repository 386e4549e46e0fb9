"""Table 2 of Boucaud et al. 2020: blend2flux by the number of its filters."""

from typing import Any

import numpy as np
import pandas as pd

from .errors import DeblendError
from .metrics import photometry_statistics
from .predictions import GALAXIES

#: Columns of the LaTeX table.
TEX_COLUMNS = {
    "filters": "Initial filters",
    "n_parameters_million": "Parameters [Mio.]",
    "n_parameters_million_published": "Parameters (published)",
    "central_percent": "Flux error central [%]",
    "central_published": "Central (published)",
    "companion_percent": "Flux error companion [%]",
    "companion_published": "Companion (published)",
    "total_percent": "Total flux error [%]",
    "total_published": "Total (published)",
}


def table2(
    networks: dict[str, tuple[dict[str, Any], pd.DataFrame]],
    truth: pd.DataFrame,
    published: dict[str, Any],
) -> pd.DataFrame:
    """Size and flux error of networks on the whole test set.

    Parameters
    ----------
    networks : dict
        Name to the description of the network (`network.json`) and its long-form predictions.
    truth : DataFrame
        See `deblend.predictions.truth`.
    published : dict
        `table2` and `n_parameters_million` of `config/published.yaml`.

    Returns
    -------
    DataFrame
        A row a network, by filters: `filters`, `network`, `n` test blends, `n_parameters`,
        `n_parameters_million`, and the mean absolute percentage error of the flux (equation 1) of
        the `central`, the `companion` and of both galaxies together (`total`), each beside what
        the paper has for as many filters (NaN where it has nothing).

    Raises
    ------
    DeblendError
        A network has no prediction for some blend.
    """
    rows = []
    for name, (record, predictions) in networks.items():
        filters = record["options"]["filters"]
        ratios, mags = [], []
        for galaxy in GALAXIES:
            mine = predictions[predictions["galaxy"] == galaxy].set_index("blend")
            missing = truth.index.difference(mine.index)
            if len(missing):
                raise DeblendError(
                    f"{name} has no prediction for {len(missing)} of {len(truth)} blends (the "
                    f"first is {missing[0]}): predictions and blends are from different runs"
                )
            mine, mag = mine.loc[truth.index], truth[f"mag_{galaxy}"]
            ratios.append((mine["flux"] * 10 ** (0.4 * (mag - mine["zero_point"]))).to_numpy())
            mags.append(mag.to_numpy())
        measured = {
            "central": (ratios[0], mags[0]),
            "companion": (ratios[1], mags[1]),
            "total": (np.concatenate(ratios), np.concatenate(mags)),
        }
        row = {
            "filters": filters,
            "network": name,
            "n": len(truth),
            "n_parameters": record["n_parameters"],
            "n_parameters_million": record["n_parameters"] / 1e6,
            "n_parameters_million_published": published["n_parameters_million"].get(
                filters, np.nan
            ),
        }
        for part, arrays in measured.items():
            row[f"{part}_percent"] = photometry_statistics(*arrays)["mape_flux_percent"]
            row[f"{part}_published"] = published["table2"][part].get(filters, np.nan)
        rows.append(row)
    return pd.DataFrame(rows).sort_values("filters", kind="stable").reset_index(drop=True)


def tex_table(table: pd.DataFrame) -> pd.DataFrame:
    """What LaTeX shows of Table 2."""
    return table[list(TEX_COLUMNS)].set_axis(list(TEX_COLUMNS.values()), axis=1)
