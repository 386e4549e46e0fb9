"""Figure 9 of Boucaud et al. 2020: bias and scatter by morphological type."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG_LABEL, NO_FLUXES, binned_line, notes
from deblend.boucaud2020.recovered import (
    BIN_EDGES,
    METHODS,
    NETWORKS,
    binned_statistics,
    recovered_magnitudes,
)
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, panel_note, paper_figure

#: Types of the published catalogue: names in the figure, markers and colours. The colours are those
#: of the paper's figure (yellow, blue, red, green), except that of "all", which is dark blue there.
TYPES = {
    "sph": ("spheroids", "^", COLOURS["published"]),
    "sphd": ("disk + spheroids", "s", COLOURS["light blue"]),
    "disk": ("disks", "D", COLOURS["companion"]),
    "irr": ("irregulars", "v", COLOURS["green"]),
    "all": ("all", "o", "#000000"),
}


def fig9_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The galaxies of Figure 9: centrals, by their own type.

    Sect. 4.3 calls a type "fainter than the other galaxy" where the magnitude difference is
    positive, so the type is that of the central galaxy.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `type` (each galaxy has two rows: one with its own type and one with "all"),
        `delta_mag`, `mag_isolated`, `mag_blended`, `flux_ratio`. The networks have rows for all
        blends, SExtractor for those in which it found the central galaxy (detection 0 or 2).
    """
    points = recovered_magnitudes(catalog, **zero_points)
    chosen = (points["galaxy"] == "central") & (points["found"] | points["method"].isin(NETWORKS))
    columns = ["method", "type", "delta_mag", "mag_isolated", "mag_blended", "flux_ratio"]
    centrals = points.loc[chosen, columns]
    return pd.concat([centrals, centrals.assign(type="all")], ignore_index=True)


def fig9_statistics(points: pd.DataFrame) -> pd.DataFrame:
    """The lines of Figure 9: see `deblend.boucaud2020.recovered.binned_statistics`.

    The bias is its `median`, the scatter its `sigma_mag`, a population standard deviation.
    """
    groups = [(method, kind) for method, _ in METHODS for kind in TYPES]
    return binned_statistics(points, ["method", "type"], groups)


def draw_fig9(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 9: bias in the upper row, solid; scatter in the lower row, dotted.

    The networks share their axes; SExtractor has its own, larger ones.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig9_data` and `fig9_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    """
    quantities = (
        ("median", r"bias: median $\Delta_{\rm mag}$ (mag)", "-"),
        ("sigma_mag", r"scatter: $\sigma(\Delta_{\rm mag})$ (mag)", ":"),
    )
    title = "; ".join(notes(label, statistics[statistics["type"] == "all"]))
    with paper_figure(outputs, title, TWO_COLUMNS_IN, 4.3) as figure:
        axes = figure.subplots(2, 3, sharex=True)
        for row, (column, text, line) in enumerate(quantities):
            for axis, (method, _) in zip(axes[row], METHODS, strict=True):
                method_rows = statistics[statistics["method"] == method]
                if column == "median":
                    axis.set_title(method)
                if not method_rows["n"].sum():
                    panel_note(axis, NO_FLUXES)
                elif column == "median":
                    axis.axhline(0, lw=0.6, color="0.7", zorder=1)
                for kind, (name, marker, colour) in TYPES.items():
                    x, y = binned_line(method_rows[method_rows["type"] == kind], column)
                    width = 2.0 if kind == "all" else 1.0
                    line_style = {"lw": width, "marker": marker, "ms": 3.5, "color": colour}
                    # The line of all galaxies is wider and behind the others.
                    line_style["zorder"] = 2 if kind == "all" else 3
                    axis.plot(x, y, line, label=name, **line_style)
                methods_of_axis = NETWORKS if method in NETWORKS else (method,)
                drawn_values = binned_line(
                    statistics[statistics["method"].isin(methods_of_axis)], column
                )[1]
                limit = 1.15 * np.nanmax([0.05, *np.abs(drawn_values)])
                axis.set_ylim(-limit if column == "median" else 0, limit)
            axes[row, 0].set_ylabel(text)
        for axis in axes[1]:
            axis.set_xlabel(DELTA_MAG_LABEL)
        axes[0, 0].set_xlim(BIN_EDGES[0], BIN_EDGES[-1])
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
