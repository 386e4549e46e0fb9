"""Why methods differ: isophotes, tails of the errors, and blending, told apart.

Boucaud et al. 2020, Sect. 4.1, find networks to be four times more accurate than SExtractor. Three
things are in that number. An isophote misses light even of an isolated galaxy, by an amount that
depends on the galaxy: see isophotal fluxes of galaxies alone. A standard deviation counts a few
failures more than all other errors: compare it with the NMAD. What is left is due to blending: see
SEP against its own fluxes of the same galaxies alone, and a fit that shares the light.
"""

from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import statistics_with_intervals
from deblend.boucaud2020.sep import METHODS
from deblend.boucaud2020.sep_self import SELF_METHODS

#: What the errors of SEP's fluxes come from, against the true flux of isolated galaxies.
APERTURES = {"sep_iso": "isophotes", "sep_auto": "Kron apertures"}


#: What the errors of methods on blends come from. Other methods are networks.
CAUSES = {
    **{name: f"{aperture}, blending" for name, aperture in APERTURES.items()},
    **dict.fromkeys(SELF_METHODS.values(), "blending"),
    "forced_true": "fit of both galaxies at true positions",
    "forced_sep": "fit of both galaxies at SEP's positions",
}


NETWORK = "network"


def isolated_statistics(
    isolated: pd.DataFrame, zero_points: pd.DataFrame, *, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Statistics of SEP's fluxes of isolated test galaxies, with the noise of blends.

    Parameters
    ----------
    isolated : DataFrame
        From `deblend.boucaud2020.sep.measure_isolated_galaxies`.
    zero_points : DataFrame
        From `deblend.boucaud2020.sep.fit_zero_points`.
    n_resamples, seed : int
        For the intervals.

    Returns
    -------
    DataFrame
        `method`, `galaxy` and `selection` (both "isolated"), and the statistics with intervals of
        `deblend.boucaud2020.metrics.statistics_with_intervals`.
    """
    test = isolated[isolated["split"] == "test"]
    fitted = zero_points.set_index("method")["zero_point"]
    true = test["mag"].to_numpy(float)
    rows: list[dict[str, Any]] = []
    for method, column in METHODS.items():
        ratio = test[column].to_numpy(float) * 10 ** (0.4 * (true - fitted[method]))
        numbers = statistics_with_intervals(
            ratio, true, test["galaxy"].to_numpy(), n_resamples=n_resamples, seed=seed
        )
        rows.append({"method": method, "galaxy": "isolated", "selection": "isolated", **numbers})
    return pd.DataFrame(rows)


def causes_of_errors(isolated: pd.DataFrame, photometry: pd.DataFrame) -> pd.DataFrame:
    """Errors of all methods, with what they come from.

    Parameters
    ----------
    isolated : DataFrame
        From `isolated_statistics`.
    photometry : DataFrame
        From `deblend.boucaud2020.metrics.photometry_table`; it may have more columns.

    Returns
    -------
    DataFrame
        The columns of `isolated` after `errors_from`. First isolated galaxies, then blends: the
        methods in the order of `CAUSES`, then networks, each with the selections of `photometry`.
    """
    first = isolated.assign(errors_from=isolated["method"].map(APERTURES))
    methods = photometry["method"]
    blends = photometry.assign(errors_from=methods.map(CAUSES).fillna(NETWORK))
    order = methods.map({name: i for i, name in enumerate(CAUSES)}).fillna(len(CAUSES))
    blends = blends.iloc[np.argsort(order.to_numpy(), kind="stable")]
    columns = ["errors_from", *isolated.columns]
    return pd.concat([first[columns], blends[columns]], ignore_index=True)
