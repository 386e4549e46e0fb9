"""Figure 9 of Boucaud et al. 2020: bias and scatter by morphological type."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import DELTA_MAG, EMPTY, left_out, lines_of
from deblend.boucaud2020.recovered import BIN_EDGES, METHODS, NETWORKS, binned_statistics, recovered
from deblend.plots.style import COLOURS, panel_note, save_figure, style

#: Types of the published catalogue, their names in the figure, and markers.
TYPES = {
    "sph": ("spheroids", "^"),
    "sphd": ("disk + spheroids", "s"),
    "disk": ("disks", "D"),
    "irr": ("irregulars", "v"),
    "all": ("all", "o"),
}


def fig9_data(
    catalog: pd.DataFrame, *, network_zero_point: float, sextractor_zero_point: float
) -> pd.DataFrame:
    """The galaxies of Figure 9: centrals, by their own type.

    Sect. 4.3 speaks of types "fainter than the other galaxy" where the magnitude difference is
    positive, so the type is the central galaxy's.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    network_zero_point, sextractor_zero_point : float
        Of the fluxes, mag.

    Returns
    -------
    DataFrame
        `method`, `type` (each galaxy is there twice: with its own type and as "all"), `delta_mag`,
        `mag_isolated`, `mag_blended`, `flux_ratio`. The networks' on all blends, SExtractor's on
        those in which it found the central galaxy (detection 0 or 2).
    """
    points = recovered(
        catalog,
        network_zero_point=network_zero_point,
        sextractor_zero_point=sextractor_zero_point,
    )
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
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: list[str | Path], label: str = ""
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
    with style():
        figure, axes = plt.subplots(2, 3, figsize=(7.2, 4.6), sharex=True, layout="constrained")
        for row, (column, text, line) in enumerate(names):
            for axis, (method, _) in zip(axes[row], METHODS, strict=True):
                mine = statistics[statistics["method"] == method]
                axis.set_title(method)
                if not mine["n"].sum():
                    panel_note(axis, EMPTY)
                elif column == "median":
                    axis.axhline(0, lw=0.6, color="0.7", zorder=1)
                for kind, (name, marker) in TYPES.items():
                    x, y = lines_of(mine[mine["type"] == kind], column)
                    width = 2.0 if kind == "all" else 1.0
                    axis.plot(
                        x, y, line, lw=width, marker=marker, ms=3.5, color=COLOURS[kind], label=name
                    )
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
        notes = [
            text for text in (label, left_out(statistics[statistics["type"] == "all"])) if text
        ]
        if notes:
            figure.suptitle("; ".join(notes), fontsize="small")
        save_figure(figure, outputs)
