"""Figures 5 to 9 of Boucaud et al. 2020 and a supplement, which are made from one catalogue."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from deblend.boucaud2020.catalog import zero_points
from deblend.boucaud2020.figures.fig5_magnitudes import draw_fig5, fig5_data, fig5_statistics
from deblend.boucaud2020.figures.fig6_pairs import draw_fig6, fig6_data, fig6_statistics
from deblend.boucaud2020.figures.fig7_errors import draw_fig7, fig7_data, fig7_statistics
from deblend.boucaud2020.figures.fig8_bias_scatter import (
    draw_fig8,
    fig8_data,
    fig8_statistics,
    number_shown,
)
from deblend.boucaud2020.figures.fig8_predicted import (
    draw_fig8_predicted,
    fig8_predicted_data,
    fig8_predicted_statistics,
)
from deblend.boucaud2020.figures.fig9_morphology import draw_fig9, fig9_data, fig9_statistics
from deblend.boucaud2020.figures.panels import figure_label, sample_text
from deblend.boucaud2020.methods import Method, catalog_methods
from deblend.plots.style import Outputs

#: Of each figure, the functions for its points, their statistics, and the drawing.
FIGURES: dict[
    int | str, tuple[Callable[..., pd.DataFrame], Callable[..., pd.DataFrame], Callable]
] = {
    5: (fig5_data, fig5_statistics, draw_fig5),
    6: (fig6_data, fig6_statistics, draw_fig6),
    7: (fig7_data, fig7_statistics, draw_fig7),
    8: (fig8_data, fig8_statistics, draw_fig8),
    "8_predicted": (fig8_predicted_data, fig8_predicted_statistics, draw_fig8_predicted),
    9: (fig9_data, fig9_statistics, draw_fig9),
}


def has_fluxes(catalog: pd.DataFrame, method: Method) -> bool:
    """Whether any galaxy of a catalogue has a flux by a method."""
    return bool(catalog[[f"{g}_flux_{method.suffix}" for g in ("g1", "g2")]].notna().any(axis=None))


def draw_figure(
    number: int | str,
    catalog: pd.DataFrame,
    about: dict[str, Any],
    outputs: Outputs,
    published: pd.DataFrame | None = None,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw one of `FIGURES`.

    Parameters
    ----------
    number : int or str
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    about : dict
        Its description (`deblend.boucaud2020.catalog.describe_catalog`).
    outputs : list of path
        PDF and PNG.
    published : DataFrame, optional
        Statistics of the authors' catalogue for Figures 7 to 9
        (`deblend.boucaud2020.recovered.published_curves`).
    n_resamples, seed : int
        Of the bootstrap; without resamples there are no intervals.

    Returns
    -------
    points, statistics : DataFrame
        What the figure shows; the statistics have the description in further columns.
    """
    find_points, find_statistics, draw = FIGURES[number]
    methods = catalog_methods(catalog, about.get("sextractor_flux", "isophotal"))
    points = find_points(catalog, **zero_points(about))
    statistics = find_statistics(points, methods, n_resamples=n_resamples, seed=seed)
    # Figure 8 shows only the centrals that SEP found; Figures 5 to 7 have n in each panel.
    shown = number_shown(statistics) if number == 8 else None
    label = figure_label(about, sample_text(catalog["g1_id"], catalog["g2_id"], shown))
    lines = {} if published is None else {"published": published}
    # A network that was not run has columns, as in the published format, but no panel.
    with_panels = [m for m in methods if not m.is_network or has_fluxes(catalog, m)]
    draw(points, statistics, outputs, label, with_panels, **lines)
    return points, statistics.assign(**about)
