"""Numbers of free parameters of networks as large as in Boucaud et al. 2020."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import pandas as pd
from deblend.boucaud2020.networks import build

#: Options of the networks that are the paper's, or that change no number of parameters: dense
#: layers as wide as the first one, no stretch (asinh_softening), two masks (no overlap_channel).
PHOTOMETRY = {"dense_units": None, "asinh_softening": None, "flux_scale": 1.0, "output": "linear"}
MASKS = {
    "dropout": 0.0,
    "dropout_after": "both",
    "asinh_softening": None,
    "overlap_channel": False,
}


def paper_options(sizes: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Architecture and options of each network of the paper.

    Parameters
    ----------
    sizes : dict
        `network_sizes` of config/published.yaml: `blend2flux`, `unet`, `blend2mask2flux`, each with
        its `filters`, those of blend2flux a list.
    """
    unet = {**MASKS, **sizes["unet"]}
    for filters in sizes["blend2flux"]["filters"]:
        yield "blend2flux", {**PHOTOMETRY, "filters": filters}
    yield "unet", unet
    yield "blend2mask2flux", {**PHOTOMETRY, **sizes["blend2mask2flux"], "unet_options": unet}


def parameter_table(sizes: Mapping[str, Any]) -> pd.DataFrame:
    """Count the parameters of the paper's networks, which are built for that.

    Parameters
    ----------
    sizes : dict
        See `paper_options`; also `stamp_px`, the side of the stamps.

    Returns
    -------
    DataFrame
        `architecture`, `filters` (those of the first layer), `n_parameters`.
    """
    rows = []
    for architecture, options in paper_options(sizes):
        # In this scope weights have shapes but no values: the largest network has 100 million.
        with keras.StatelessScope(initialize_variables=False):
            model = build(architecture, sizes["stamp_px"], options)
            rows.append((architecture, options["filters"], model.count_params()))
    keras.backend.clear_session()
    return pd.DataFrame(rows, columns=["architecture", "filters", "n_parameters"])
