"""Figure 6 of Boucaud et al. 2020: magnitudes where SExtractor detects or misses the pair."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import draw_magnitudes
from deblend.boucaud2020.recovered import METHODS, panel_statistics, recovered_magnitudes
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
        In the published format (`deblend.boucaud2020.catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `pair` (pair_detected: SExtractor found exactly the two galaxies, detection 2;
        pair_missed: it found one, more than two or none, the last not in the published catalogue),
        `galaxy`, `galaxy_id`, `mag_isolated`, `mag_blended`, `flux_ratio`. SExtractor has no points
        for missed pairs, since its fluxes cannot be assigned to the galaxies.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    points["pair"] = np.where(points["detection"] == 2, "pair_detected", "pair_missed")
    kept = (points["method"] != "SExtractor") | (points["pair"] == "pair_detected")
    columns = ["method", "pair", "galaxy", "galaxy_id", "mag_isolated", "mag_blended", "flux_ratio"]
    return points.loc[kept, columns].reset_index(drop=True)


def fig6_statistics(points: pd.DataFrame, *, n_resamples: int = 0, seed: int = 0) -> pd.DataFrame:
    """The numbers in the five panels of Figure 6: see `recovered.panel_statistics`."""
    panels = [(method, pair) for pair in PAIRS for method, _ in METHODS]
    panels.remove(("SExtractor", "pair_missed"))
    return panel_statistics(points, "pair", panels, n_resamples, seed)


def draw_fig6(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
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
    """
    draw_magnitudes(points, statistics, "pair", PAIRS, outputs, label)
