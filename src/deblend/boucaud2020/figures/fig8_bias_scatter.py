"""Figure 8 of Boucaud et al. 2020: bias and scatter against the pair's magnitude difference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import (
    DELTA_MAG_LABEL,
    authors_handle,
    binned_line,
    draw_authors,
    draw_interval,
    drawn_values,
    lines_of,
    notes,
)
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import BIN_EDGES, binned_statistics, recovered_magnitudes
from deblend.plots.style import ONE_COLUMN_IN, Outputs, paper_figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator


def fig8_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The galaxies of Figure 8: centrals that SExtractor found (detection 0 or 2).

    Parameters
    ----------
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `galaxy_id`, `partner_id`, `delta_mag`, `mag_isolated`, `mag_blended`,
        `flux_ratio`.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    chosen = points["found"] & (points["galaxy"] == "central")
    columns = ["method", "galaxy_id", "partner_id", "delta_mag", "mag_isolated", "mag_blended"]
    columns.append("flux_ratio")
    return points.loc[chosen, columns].reset_index(drop=True)


def fig8_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The lines of Figure 8: see `deblend.boucaud2020.recovered.binned_statistics`.

    The bias is its `median`, the scatter its `sigma_mag`, a population standard deviation.
    """
    groups = [(method.name,) for method in methods]
    return binned_statistics(points, ["method"], groups, n_resamples=n_resamples, seed=seed)


def number_shown(statistics: pd.DataFrame) -> int:
    """Number of galaxies in all bins of `fig8_statistics`, of the method with most of them."""
    return int(statistics.loc[statistics["bin"] == "all", "n"].max())


def draw_fig8(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 8: bias (median) on the left axis, solid; scatter on the right axis, dotted.

    Bands are the 68 % intervals of both.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig8_data` and `fig8_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
    published : DataFrame, optional
        Such statistics of the authors' catalogue, for light lines in the colours of the methods.
    """
    title = "; ".join(notes(label, statistics))
    with paper_figure(outputs, title, ONE_COLUMN_IN, 3.4) as figure:
        axis = figure.subplots()
        right = axis.twinx()
        axis.axhline(0, lw=0.6, color="0.7", zorder=1)
        handles = []
        for method in methods:
            method_rows = statistics[statistics["method"] == method.name]
            note = "" if method_rows["n"].sum() else " (no fluxes)"
            colour = method.colour
            axis.plot(*binned_line(method_rows, "median"), "o-", ms=3.5, color=colour)
            right.plot(*binned_line(method_rows, "sigma_mag"), "s:", ms=3.5, mfc="w", color=colour)
            for axes, column, style in ((axis, "median", "-"), (right, "sigma_mag", ":")):
                draw_interval(axes, method_rows, column, colour)
                draw_authors(axes, lines_of(published, method=method.name), column, style, colour)
            handles.append(Line2D([], [], color=colour, label=method.title + note))
        look = {"color": "0.4", "ms": 3.5}
        handles += [
            Line2D([], [], marker="o", label=r"bias: median $\Delta_{\rm mag}$", **look),
            Line2D(
                [],
                [],
                marker="s",
                mfc="w",
                ls=":",
                label=r"scatter: $\sigma(\Delta_{\rm mag})$",
                **look,
            ),
        ]
        names = [method.name for method in methods]
        if published is not None and published["method"].isin(names).any():
            handles.append(authors_handle(published))
        # The lower half is for the bias, the upper half for the scatter, so that lines of the two
        # do not cross. Limits are not too narrow: biases of 0.01 mag should not look large.
        bias, scatter = (
            drawn_values(statistics, published, (c, f"{c}_low", f"{c}_high"), names)
            for c in ("median", "sigma_mag")
        )
        bias_end = 1.1 * np.nanmax([0.12, *np.abs(bias)])
        scatter_end = 1.1 * np.nanmax([0.4, *scatter])
        axis.set(
            xlim=(BIN_EDGES[0], BIN_EDGES[-1]),
            ylim=(-bias_end, 3.2 * bias_end),
            yticks=_ticks(-bias_end, bias_end),
            xlabel=DELTA_MAG_LABEL,
        )
        right.set(ylim=(-1.1 * scatter_end, scatter_end), yticks=_ticks(0, scatter_end))
        axis.set_ylabel(r"bias (mag)", y=0.24)
        right.set_ylabel(r"scatter (mag)", y=0.76)
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        axis.tick_params(right=False)
        axis.set_title("central galaxies that SExtractor found")


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`."""
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]
