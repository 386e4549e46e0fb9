"""Bias and scatter against the recovered and the true magnitude: a supplement to Figure 8.

The figure is not in the paper. A network that minimises its error learns what is likely: where
light says little, it answers with magnitudes that are common in its training sample. So bright
galaxies come out too faint and faint ones too bright, which is a bias in bins of the true
magnitude. Users know only the recovered one: in bins of it, such an estimator is not biased for
galaxies as those of the training sample, whereas unbiased noisy measurements are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.fig5_magnitudes import fig5_data
from deblend.boucaud2020.figures.panels import binned_line, draw_interval, lines_of, notes
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import GALAXIES, binned_statistics
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, paper_figure
from matplotlib.lines import Line2D

#: Width of the bins, mag.
BIN_MAG = 0.5


#: Magnitudes that are binned, in the order of the figure's columns: name and column of the points.
BINNED = {"true": "mag_isolated", "recovered": "mag_blended"}


#: Rows of the figure: statistic and label of the axis.
ROWS = {
    "median": r"bias: median $\Delta_{\rm mag}$",
    "sigma_mag": r"scatter: $\sigma(\Delta_{\rm mag})$",
}


#: Line of each galaxy.
LOOKS: dict[str, dict[str, Any]] = {
    "central": {"ls": "-", "marker": "o", "ms": 3},
    "companion": {"ls": "--", "marker": "s", "mfc": "w", "ms": 3},
}


#: The points, which are those of Figure 5.
fig8_predicted_data = fig5_data


def magnitude_edges(points: pd.DataFrame) -> np.ndarray:
    """Edges of the bins of both kinds of magnitudes, mag: they contain all true magnitudes."""
    true = points["mag_isolated"]
    low, high = (true.min(), true.max()) if len(true) else (18, 23)
    first, last = np.floor(low / BIN_MAG), np.ceil(high / BIN_MAG)
    return BIN_MAG * np.arange(first, max(last, first + 1) + 1)


def fig8_predicted_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Bias and scatter in bins of the true and of the recovered magnitude.

    Parameters
    ----------
    points : DataFrame
        From `fig8_predicted_data`.
    methods : sequence of Method
    n_resamples, seed : int
        Of the bootstrap over both galaxies of a blend; without resamples there are no intervals.

    Returns
    -------
    DataFrame
        A row for each kind of magnitude (`binned_by`: true or recovered), method, galaxy and bin;
        `mag_low` and `mag_high` are the bin's edges. Other columns are those of
        `deblend.boucaud2020.recovered.binned_statistics`: the error, whose `median` is the bias, is
        always recovered minus true magnitude. In rows that are binned by the recovered magnitude,
        `n_beyond` counts galaxies whose recovered magnitude is outside all bins, and those with
        none, since the flux is not positive.
    """
    edges = magnitude_edges(points)
    groups = [(method.name, galaxy) for method in methods for galaxy, *_ in GALAXIES]
    tables = []
    for name, column in BINNED.items():
        table = binned_statistics(
            points,
            ["method", "galaxy"],
            groups,
            by=column,
            edges=edges,
            n_resamples=n_resamples,
            seed=seed,
        )
        table.insert(0, "binned_by", name)
        tables.append(table.rename(columns=lambda c, old=column: c.replace(f"{old}_", "mag_")))
    return pd.concat(tables, ignore_index=True)


def draw_fig8_predicted(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
) -> None:
    """Draw bias (above) and scatter (below) against the true (left) and recovered magnitude.

    Bands are 68 % intervals.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig8_predicted_data` and `fig8_predicted_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
    """
    edges = magnitude_edges(points)
    title = "; ".join(notes(label, statistics[statistics["binned_by"] == "recovered"]))
    with paper_figure(outputs, title, TWO_COLUMNS_IN, 4.6) as figure:
        axes = figure.subplots(len(ROWS), len(BINNED), sharex=True, sharey="row")
        for row, (statistic, text) in zip(axes, ROWS.items(), strict=True):
            for axis, binned_by in zip(row, BINNED, strict=True):
                axis.axhline(0, lw=0.6, color="0.7", zorder=1)
                for method in methods:
                    for galaxy, look in LOOKS.items():
                        lines = lines_of(
                            statistics, binned_by=binned_by, method=method.name, galaxy=galaxy
                        )
                        x, y = binned_line(lines, statistic, "mag")
                        axis.plot(x, y, color=method.colour, **look)
                        draw_interval(axis, lines, statistic, method.colour, 0.12, "mag")
                axis.set(xlabel=f"magnitude ({binned_by})", ylabel=f"{text} (mag)")
                axis.label_outer()
        axes[0, 0].set_xlim(edges[0], edges[-1])
        handles = []
        for method in methods:
            has_fluxes = (statistics["method"] == method.name) & (statistics["n"] > 0)
            note = "" if has_fluxes.any() else " (no fluxes)"
            handles.append(Line2D([], [], color=method.colour, label=method.title + note))
        handles += [Line2D([], [], color="0.4", label=name, **look) for name, look in LOOKS.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
