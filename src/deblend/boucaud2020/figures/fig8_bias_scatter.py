"""Figure 8 of Boucaud et al. 2020: bias and scatter against the pair's magnitude difference."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG_LABEL, binned_line, notes
from deblend.boucaud2020.recovered import (
    BIN_EDGES,
    METHODS,
    binned_statistics,
    recovered_magnitudes,
)
from deblend.plots.style import COLOURS, ONE_COLUMN_IN, Outputs, paper_figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

#: Colours of the methods, similar to the paper's: blue, black and red.
METHOD_COLOURS = {
    "blend2flux": "#000000",
    "blend2mask2flux": COLOURS["companion"],
    "SExtractor": COLOURS["ours"],
}


def fig8_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The galaxies of Figure 8: centrals that SExtractor found (detection 0 or 2).

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `delta_mag`, `mag_isolated`, `mag_blended`, `flux_ratio`.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    chosen = points["found"] & (points["galaxy"] == "central")
    columns = ["method", "delta_mag", "mag_isolated", "mag_blended", "flux_ratio"]
    return points.loc[chosen, columns].reset_index(drop=True)


def fig8_statistics(points: pd.DataFrame) -> pd.DataFrame:
    """The lines of Figure 8: see `deblend.boucaud2020.recovered.binned_statistics`.

    The bias is its `median`, the scatter its `sigma_mag`, a population standard deviation.
    """
    return binned_statistics(points, ["method"], [(method,) for method, _ in METHODS])


def number_shown(statistics: pd.DataFrame) -> int:
    """Number of galaxies in all bins of `fig8_statistics`, of the method with most of them."""
    return int(statistics.loc[statistics["bin"] == "all", "n"].max())


def draw_fig8(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 8: bias (median) on the left axis, solid; scatter on the right axis, dotted.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig8_data` and `fig8_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    """
    title = "; ".join(notes(label, statistics))
    with paper_figure(outputs, title, ONE_COLUMN_IN, 3.4) as figure:
        axis = figure.subplots()
        right = axis.twinx()
        axis.axhline(0, lw=0.6, color="0.7", zorder=1)
        handles = []
        for method, _ in METHODS:
            method_rows = statistics[statistics["method"] == method]
            note = "" if method_rows["n"].sum() else " (no fluxes)"
            colour = METHOD_COLOURS[method]
            axis.plot(*binned_line(method_rows, "median"), "o-", ms=3.5, color=colour)
            right.plot(*binned_line(method_rows, "sigma_mag"), "s:", ms=3.5, mfc="w", color=colour)
            handles.append(Line2D([], [], color=colour, label=method + note))
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
        # The lower half is for the bias, the upper half for the scatter, so that lines of the two
        # do not cross. Limits are not too narrow: biases of 0.01 mag should not look large.
        bias, scatter = (binned_line(statistics, c)[1] for c in ("median", "sigma_mag"))
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
