"""Figure 9 of Boucaud et al. 2020: bias and scatter by morphological type."""

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG, EMPTY, lines_of, notes
from deblend.boucaud2020.recovered import BIN_EDGES, METHODS, NETWORKS, binned_statistics, recovered
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure

#: Types of the published catalogue, their names in the figure, markers and colours; the colours
#: are those of the paper's figure (yellow, blue, red, green), where all together are dark blue.
TYPES = {
    "sph": ("spheroids", "^", COLOURS["published"]),
    "sphd": ("disk + spheroids", "s", COLOURS["light blue"]),
    "disk": ("disks", "D", COLOURS["companion"]),
    "irr": ("irregulars", "v", COLOURS["green"]),
    "all": ("all", "o", "#000000"),
}


def fig9_data(catalog: pd.DataFrame, **zero_points: float) -> pd.DataFrame:
    """The galaxies of Figure 9: centrals, by their own type.

    Sect. 4.3 speaks of types "fainter than the other galaxy" where the magnitude difference is
    positive, so the type is the central galaxy's.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered`.

    Returns
    -------
    DataFrame
        `method`, `type` (each galaxy is there twice: with its own type and as "all"), `delta_mag`,
        `mag_isolated`, `mag_blended`, `flux_ratio`. The networks' on all blends, SExtractor's on
        those in which it found the central galaxy (detection 0 or 2).
    """
    points = recovered(catalog, **zero_points)
    chosen = (points["galaxy"] == "central") & (points["found"] | points["method"].isin(NETWORKS))
    columns = ["method", "type", "delta_mag", "mag_isolated", "mag_blended", "flux_ratio"]
    mine = points.loc[chosen, columns]
    return pd.concat([mine, mine.assign(type="all")], ignore_index=True)


def fig9_statistics(points: pd.DataFrame) -> pd.DataFrame:
    """The lines of Figure 9: see `deblend.boucaud2020.recovered.binned_statistics`.

    The bias is its `median`, the scatter its `sigma_mag`, a population standard deviation.
    """
    groups = [(method, kind) for method, _ in METHODS for kind in TYPES]
    return binned_statistics(points, ["method", "type"], groups)


def draw_fig9(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 9: bias above, solid; scatter below, dotted.

    The networks share their axes; SExtractor has its own, larger ones.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig9_data` and `fig9_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Shown in the figure: what data and scale it is of.
    """
    names = (
        ("median", r"Bias: median $\Delta_{\rm mag}$ (mag)", "-"),
        ("sigma_mag", r"Scatter: $\sigma(\Delta_{\rm mag})$ (mag)", ":"),
    )
    title = "; ".join(notes(label, statistics[statistics["type"] == "all"]))
    with paper_figure(outputs, title, (7.2, 4.6)) as figure:
        axes = figure.subplots(2, 3, sharex=True)
        for row, (column, text, line) in enumerate(names):
            for axis, (method, _) in zip(axes[row], METHODS, strict=True):
                mine = statistics[statistics["method"] == method]
                axis.set_title(method)
                if not mine["n"].sum():
                    panel_note(axis, EMPTY)
                elif column == "median":
                    axis.axhline(0, lw=0.6, color="0.7", zorder=1)
                for kind, (name, marker, colour) in TYPES.items():
                    x, y = lines_of(mine[mine["type"] == kind], column)
                    width = 2.0 if kind == "all" else 1.0
                    look = {"lw": width, "marker": marker, "ms": 3.5, "color": colour}
                    axis.plot(x, y, line, label=name, **look)
                together = NETWORKS if method in NETWORKS else (method,)
                shown = lines_of(statistics[statistics["method"].isin(together)], column)[1]
                reach = 1.15 * np.nanmax([0.05, *np.abs(shown)])
                axis.set_ylim(-reach if column == "median" else 0, reach)
            axes[row, 0].set_ylabel(text)
        for axis in axes[1]:
            axis.set_xlabel(DELTA_MAG)
        axes[0, 0].set_xlim(BIN_EDGES[0], BIN_EDGES[-1])
        handles, names_ = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names_, loc="outside lower center", ncols=5)
