"""Figure 7 of Boucaud et al. 2020: photometric error against the pair's magnitude difference."""

from collections.abc import Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import (
    DELTA_MAG_LABEL,
    NO_FLUXES,
    authors_handle,
    draw_authors,
    draw_points,
    figure_width,
    finish_grid,
    lines_of,
    notes,
    panel_grid,
    panel_place,
    panel_title,
)
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import (
    BIN_EDGES,
    GALAXIES,
    binned_statistics,
    panels,
    recovered_magnitudes,
)
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: The authors' lines are above the points, which would hide them, and below the boxes.
ON_POINTS = {"alpha": 0.9, "zorder": 2.5}


#: End of the colour bar, in effective radii of the central galaxy (Sect. 5).
SHOWN_RADII = 4


MEDIAN_COLOUR = "#D55E00"


def fig7_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The points of Figure 7.

    The paper does not say which blends it shows. We take those of its Fig. 5, which has the same
    panels: blends in which SExtractor found the galaxy, for all methods.

    Parameters
    ----------
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `galaxy_id`, `partner_id`, `delta_mag`, `mag_isolated`, `mag_blended`,
        `flux_ratio`, `distance_over_radius`: see
        `deblend.boucaud2020.recovered.recovered_magnitudes`.
    """
    points = recovered_magnitudes(catalog, **zero_points)
    columns = ["method", "galaxy", "galaxy_id", "partner_id", "delta_mag", "mag_isolated"]
    columns += ["mag_blended", "flux_ratio", "distance_over_radius"]
    return points.loc[points["found"], columns].reset_index(drop=True)


def fig7_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The boxes of Figure 7: see `deblend.boucaud2020.recovered.binned_statistics`."""
    groups = panels(methods, [galaxy for galaxy, *_ in GALAXIES])
    return binned_statistics(
        points, ["method", "galaxy"], groups, n_resamples=n_resamples, seed=seed
    )


def draw_fig7(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 7: boxes show the quartiles and the median, whiskers reach from 5 to 95 %.

    Bars in the boxes are the 68 % intervals of the medians.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig7_data` and `fig7_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
        Three are side by side, further ones below them.
    published : DataFrame, optional
        Such statistics of the authors' catalogue; medians and quartiles are drawn as lines.
    """
    title = "; ".join(notes(label, statistics))
    n_rows, n_columns = panel_grid(len(methods), len(GALAXIES))
    height = 4.9 * n_rows / len(GALAXIES)
    with paper_figure(outputs, title, figure_width(len(methods)), height) as figure:
        axes = figure.subplots(n_rows, n_columns, sharex=True, squeeze=False)
        colours = plt.cm.ScalarMappable(
            norm=matplotlib.colors.Normalize(0, SHOWN_RADII),
            cmap=matplotlib.colormaps["viridis"].with_extremes(bad="0.6"),
        )
        has_lines = False
        for row, (galaxy, *_) in enumerate(GALAXIES):
            for number, method in enumerate(methods):
                place = panel_place(number, row, len(GALAXIES))
                axis = axes[place]
                axis.set_ylim(-method.shown_mag, method.shown_mag)
                panel = points[(points["method"] == method.name) & (points["galaxy"] == galaxy)]
                chosen = {"method": method.name, "galaxy": galaxy}
                about = _draw_boxes(axis, panel, lines_of(statistics, **chosen), colours)
                lines = lines_of(published, **chosen)
                for column, style in (("median", "-"), ("p25", "--"), ("p75", "--")):
                    draw_authors(axis, lines, column, style, COLOURS["published"], **ON_POINTS)
                has_lines |= lines is not None and len(lines) > 0
                axis.set_title(f"{panel_title(method, galaxy)}\n{about}")
                if place[1] == 0:
                    axis.set_ylabel(r"$\Delta_{\rm mag}$: recovered $-$ true (mag)")
                elif methods[number - 1].shown_mag == method.shown_mag:
                    axis.tick_params(labelleft=False)
        for axis in finish_grid(axes, len(methods), len(GALAXIES)):
            axis.set_xlabel(DELTA_MAG_LABEL)
        axes[0, 0].set(xlim=(BIN_EDGES[0], BIN_EDGES[-1]))
        bar = figure.colorbar(colours, ax=axes, extend="max", aspect=40, pad=0.01)
        bar.set_label(r"distance / R$_{\rm central}$")
        if published is not None and has_lines:
            note = " (dashed: quartiles)"
            handle = authors_handle(published, COLOURS["published"], note, **ON_POINTS)
            figure.legend(handles=[handle], loc="outside lower center")


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
    centres = (drawn["delta_mag_low"] + drawn["delta_mag_high"]) / 2
    if "median_low" in drawn:
        low, high = drawn["median_low"], drawn["median_high"]
        look = {"color": MEDIAN_COLOUR, "alpha": 0.35, "lw": 0, "zorder": 2.8}
        axis.bar(centres, high - low, 0.5 * width, bottom=low, **look)
    axis.bxp(
        [
            {"whislo": b.p5, "q1": b.p25, "med": b.median, "q3": b.p75, "whishi": b.p95}
            for b in drawn[["p5", "p25", "median", "p75", "p95"]].itertuples()
        ],
        positions=centres.tolist(),
        widths=0.5 * width,
        showfliers=False,
        manage_ticks=False,
        boxprops={"lw": 0.9},
        whiskerprops={"lw": 0.9},
        capprops={"lw": 0.9},
        medianprops={"lw": 1.4, "color": MEDIAN_COLOUR},
        zorder=3,
    )
    return f"n = {n:,}" + (f", {beyond:,} beyond the axis" if beyond else "")
