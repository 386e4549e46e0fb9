"""Figure 6 of Boucaud et al. 2020: magnitudes where SExtractor finds the pair, and where not."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import draw_panel, magnitude_limits
from deblend.boucaud2020.recovered import METHODS, panel_statistics, recovered
from deblend.plots.style import COLOURS, save_figure, style

#: Rows of the figure, and how they are titled.
PAIRS = {"pair_detected": "pair detected", "pair_missed": "pair missed"}


def fig6_data(
    catalog: pd.DataFrame, *, network_zero_point: float, sextractor_zero_point: float
) -> pd.DataFrame:
    """The points of Figure 6: both galaxies of every blend.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    network_zero_point, sextractor_zero_point : float
        Of the fluxes, mag.

    Returns
    -------
    DataFrame
        `method`, `pair` (pair_detected: SExtractor found exactly the two galaxies, detection 2;
        pair_missed: it found one, more than two or, which the published catalogue does not have,
        nothing), `galaxy`, `galaxy_id`, `mag_isolated`, `mag_blended`, `flux_ratio`. SExtractor has
        no points for missed pairs: which galaxy its fluxes are of is then a guess.
    """
    points = recovered(
        catalog,
        network_zero_point=network_zero_point,
        sextractor_zero_point=sextractor_zero_point,
    )
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
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: list[str | Path], label: str = ""
) -> None:
    """Draw Figure 6.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig6_data` and `fig6_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Shown in the figure: what data and scale it is of.
    """
    limits = magnitude_limits(points)
    lookup = statistics.set_index(["method", "pair"])
    with style():
        figure, axes = plt.subplots(
            2, 3, figsize=(7.2, 5.1), sharex=True, sharey=True, layout="constrained"
        )
        for row, (pair, title) in enumerate(PAIRS.items()):
            for column, (method, _) in enumerate(METHODS):
                axis = axes[row, column]
                if (method, pair) not in lookup.index:
                    axis.remove()
                    continue
                panel = points[(points["method"] == method) & (points["pair"] == pair)]
                draw_panel(axis, panel, lookup.loc[(method, pair)], limits, COLOURS[pair])
                axis.set_title(f"{method} ({title})")
            axes[row, 0].set_ylabel("Magnitude, blended (recovered)")
        for axis in (axes[1, 0], axes[1, 1], axes[0, 2]):
            axis.set_xlabel("Magnitude, isolated")
            axis.xaxis.set_tick_params(labelbottom=True)
        if label:
            figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
