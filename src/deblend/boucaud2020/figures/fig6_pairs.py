"""Figure 6 of Boucaud et al. 2020: magnitudes where SExtractor detects or misses the pair."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import draw_magnitudes
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import panel_statistics, panels, recovered_magnitudes
from deblend.plots.style import COLOURS, Outputs

#: Rows of the figure, with their titles and colours.
PAIRS = {
    "pair_detected": ("pair detected", COLOURS["green"]),
    "pair_missed": ("pair missed", COLOURS["pink"]),
}


def fig6_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The points of Figure 6: both galaxies of every blend.

    Parameters
    ----------
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `pair` (pair_detected: SExtractor found exactly the two galaxies, detection 2;
        pair_missed: it found one, more than two or none, the last not in the published catalogue),
        `galaxy`, `galaxy_id`, `partner_id`, `mag_isolated`, `mag_blended`, `flux_ratio`.
        SExtractor has no points for missed pairs, since its fluxes cannot be assigned to the
        galaxies.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    points["pair"] = np.where(points["detection"] == 2, "pair_detected", "pair_missed")
    kept = points["is_network"] | (points["pair"] == "pair_detected")
    columns = ["method", "pair", "galaxy", "galaxy_id", "partner_id", "mag_isolated"]
    columns += ["mag_blended", "flux_ratio"]
    return points.loc[kept, columns].reset_index(drop=True)


def fig6_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The numbers in the panels of Figure 6: see `recovered.panel_statistics`.

    Only networks have a panel of missed pairs.
    """
    networks = [method for method in methods if method.is_network]
    shown = [*panels(methods, ["pair_detected"]), *panels(networks, ["pair_missed"])]
    return panel_statistics(points, "pair", shown, n_resamples, seed)


def draw_fig6(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
) -> None:
    """Draw Figure 6.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig6_data` and `fig6_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
    """
    draw_magnitudes(points, statistics, "pair", PAIRS, outputs, label, methods)
