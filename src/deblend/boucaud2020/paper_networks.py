"""Numbers of free parameters of networks as large as in Boucaud et al. 2020."""

from collections.abc import Mapping
from typing import Any

import keras
import pandas as pd
from deblend.boucaud2020.networks import build
from deblend.boucaud2020.training import network_options


def parameter_table(networks: Mapping[str, Mapping[str, Any]], stamp_size: int) -> pd.DataFrame:
    """Count the parameters of networks, which are built for that.

    Parameters
    ----------
    networks : dict
        Entries under `networks` of the configuration, by name.
    stamp_size : int
        Side of the stamps, pixels.

    Returns
    -------
    DataFrame
        `architecture`, `filters` (those of the first layer), `n_parameters`; networks that differ
        in their training only have one row.
    """
    rows: list[tuple[str, int, int]] = []
    for network in networks.values():
        size = (network["architecture"], network["filters"])
        if size in [row[:2] for row in rows]:
            continue
        unet = networks.get(network.get("unet", ""))
        record = {"options": network_options(dict(unet))} if unet else None
        # In this scope weights have shapes but no values: the largest network has 100 million.
        with keras.StatelessScope(initialize_variables=False):
            model = build(size[0], stamp_size, network_options(dict(network), record))
            rows.append((*size, model.count_params()))
    keras.backend.clear_session()
    return pd.DataFrame(rows, columns=["architecture", "filters", "n_parameters"])
