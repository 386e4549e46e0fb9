"""Figure 5 of Boucaud et al. 2020: recovered against isolated magnitudes."""

from collections.abc import Sequence

import pandas as pd
from deblend.boucaud2020.figures.panels import draw_magnitudes
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import (
    GALAXIES,
    panel_statistics,
    panels,
    predicted_magnitudes,
    recovered_magnitudes,
)
from deblend.plots.style import COLOURS, Outputs

#: Rows of the figure, with their titles and colours.
ROWS = {galaxy: (galaxy, COLOURS[galaxy]) for galaxy, *_ in GALAXIES}


COLUMNS = ["method", "galaxy", "galaxy_id", "partner_id", "mag_isolated", "mag_blended"]
COLUMNS += ["flux_ratio"]


def fig5_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The points of Figure 5.

    Parameters
    ----------
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `galaxy_id`, `partner_id`, `mag_isolated`, `mag_blended` (NaN where the
        flux is not positive), `flux_ratio` (blended over isolated), of the blends in which
        SExtractor found the galaxy (detection 0 or 2 for the central, 1 or 2 for the companion).
    """
    points = recovered_magnitudes(catalog, **zero_points)
    return points.loc[points["found"], COLUMNS].reset_index(drop=True)


def baselines_data(predictions: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """The points of a figure that is not in the paper: the layout of Figure 5 for baselines.

    What the paper calls SExtractor are isophotal fluxes. Beside them are fluxes in Kron apertures
    (AUTO), and further baselines, where they have been run.

    Parameters
    ----------
    predictions : DataFrame
        Of the baselines, in long form (`deblend.boucaud2020.predictions`).
    catalog : DataFrame
        Of the same blends, for truth and detections (`deblend.boucaud2020.catalog`).

    Returns
    -------
    DataFrame
        As of `fig5_data`: galaxies that SEP found, also of methods that measure the others.
    """
    points = predicted_magnitudes(predictions, catalog)
    return points.loc[points["found"], COLUMNS].reset_index(drop=True)


def fig5_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The numbers in the panels of Figure 5: see `recovered.panel_statistics`."""
    return panel_statistics(points, "galaxy", panels(methods, ROWS), n_resamples, seed)


def draw_fig5(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
) -> None:
    """Draw Figure 5.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig5_data` and `fig5_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
    """
    draw_magnitudes(points, statistics, "galaxy", ROWS, outputs, label, methods)
