"""Figure 7 of Boucaud et al. 2020: photometric error against the pair's magnitude difference."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG_LABEL, NO_FLUXES, draw_points, notes
from deblend.boucaud2020.recovered import (
    BIN_EDGES,
    GALAXIES,
    METHODS,
    binned_statistics,
    recovered_magnitudes,
)
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: Range of errors that is shown for each method, as in the paper, mag; triangles at its ends mark
#: points beyond it.
SHOWN_MAG = {"blend2flux": 0.7, "blend2mask2flux": 0.7, "SExtractor": 3.2}


#: End of the colour bar, in effective radii of the central galaxy (Sect. 5).
SHOWN_RADII = 4


def fig7_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The points of Figure 7.

    The paper does not say which blends it shows. We take those of its Fig. 5, which has the same
    panels: blends in which SExtractor found the galaxy, for all methods.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `delta_mag`, `mag_isolated`, `mag_blended`, `flux_ratio`,
        `distance_over_radius`: see
        `deblend.boucaud2020.recovered.recovered_magnitudes`.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    columns = ["method", "galaxy", "delta_mag", "mag_isolated", "mag_blended", "flux_ratio"]
    columns.append("distance_over_radius")
    return points.loc[points["found"], columns].reset_index(drop=True)


def fig7_statistics(points: pd.DataFrame) -> pd.DataFrame:
    """The boxes of Figure 7: see `deblend.boucaud2020.recovered.binned_statistics`."""
    groups = [(method, galaxy) for galaxy, *_ in GALAXIES for method, _ in METHODS]
    return binned_statistics(points, ["method", "galaxy"], groups)


def draw_fig7(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 7: boxes show the quartiles and the median, whiskers reach from 5 to 95 %.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig7_data` and `fig7_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    """
    title = "; ".join(notes(label, statistics))
    with paper_figure(outputs, title, TWO_COLUMNS_IN, 4.9) as figure:
        axes = figure.subplots(2, 3, sharex=True)
        colours = plt.cm.ScalarMappable(
            norm=matplotlib.colors.Normalize(0, SHOWN_RADII),
            cmap=matplotlib.colormaps["viridis"].with_extremes(bad="0.6"),
        )
        for row, (galaxy, *_) in enumerate(GALAXIES):
            for column, (method, _) in enumerate(METHODS):
                axis = axes[row, column]
                axis.set_ylim(-SHOWN_MAG[method], SHOWN_MAG[method])
                panel = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
                boxes = statistics[
                    (statistics["method"] == method) & (statistics["galaxy"] == galaxy)
                ]
                about = _draw_boxes(axis, panel, boxes, colours)
                axis.set_title(f"{method} ({galaxy})\n{about}")
            axes[row, 0].set_ylabel(r"$\Delta_{\rm mag}$: recovered $-$ true (mag)")
            axes[row, 1].tick_params(labelleft=False)
        for axis in axes[1]:
            axis.set_xlabel(DELTA_MAG_LABEL)
        axes[0, 0].set(xlim=(BIN_EDGES[0], BIN_EDGES[-1]))
        bar = figure.colorbar(colours, ax=axes, extend="max", aspect=40, pad=0.01)
        bar.set_label(r"distance / R$_{\rm central}$")


def _draw_boxes(
    axis: Axes, panel: pd.DataFrame, boxes: pd.DataFrame, colours: plt.cm.ScalarMappable
) -> str:
    """Draw points and boxes of a panel; return how many points there are."""
    n = int(boxes.loc[boxes["bin"] == "all", "n"].sum())
    if not n:
        panel_note(axis, NO_FLUXES)
        return "n = 0"
    axis.axhline(0, ls="--", lw=0.8, color="0.5", zorder=1)
    beyond = draw_points(
        axis,
        panel["delta_mag"],
        panel["mag_blended"] - panel["mag_isolated"],
        axis.get_ylim(),
        c=colours.to_rgba(np.ma.masked_invalid(panel["distance_over_radius"].to_numpy(float))),
        alpha=0.5,
    )
    drawn = boxes[(boxes["bin"] != "all") & boxes["median"].notna()]
    width = BIN_EDGES[1] - BIN_EDGES[0]
    axis.bxp(
        [
            {"whislo": b.p5, "q1": b.p25, "med": b.median, "q3": b.p75, "whishi": b.p95}
            for b in drawn[["p5", "p25", "median", "p75", "p95"]].itertuples()
        ],
        positions=((drawn["delta_mag_low"] + drawn["delta_mag_high"]) / 2).tolist(),
        widths=0.5 * width,
        showfliers=False,
        manage_ticks=False,
        boxprops={"lw": 0.9},
        whiskerprops={"lw": 0.9},
        capprops={"lw": 0.9},
        medianprops={"lw": 1.4, "color": "#D55E00"},
        zorder=3,
    )
    return f"n = {n:,}" + (f", {beyond:,} beyond the axis" if beyond else "")
