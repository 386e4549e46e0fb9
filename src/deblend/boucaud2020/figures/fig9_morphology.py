"""Figure 9 of Boucaud et al. 2020: bias and scatter by morphological type."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import (
    DELTA_MAG_LABEL,
    METHODS_IN_A_ROW,
    NO_FLUXES,
    authors_handle,
    binned_line,
    draw_authors,
    draw_interval,
    drawn_values,
    figure_width,
    finish_grid,
    lines_of,
    notes,
    panel_grid,
    panel_place,
)
from deblend.boucaud2020.methods import PAPER_METHODS, Method
from deblend.boucaud2020.recovered import (
    BIN_EDGES,
    binned_statistics,
    recovered_magnitudes,
)
from deblend.plots.style import COLOURS, Outputs, panel_note, paper_figure

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
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    **zero_points
        `network_zero_point` and `sextractor_zero_point`, mag: see `recovered.recovered_magnitudes`.

    Returns
    -------
    DataFrame
        `method`, `type` (each galaxy has two rows: one with its own type and one with "all"),
        `galaxy_id`, `partner_id`, `delta_mag`, `mag_isolated`, `mag_blended`, `flux_ratio`. The
        networks have rows for all
        blends, SExtractor for those in which it found the central galaxy (detection 0 or 2).
    """
    points = recovered_magnitudes(catalog, **zero_points)
    chosen = (points["galaxy"] == "central") & (points["found"] | points["is_network"])
    columns = ["method", "type", "galaxy_id", "partner_id", "delta_mag", "mag_isolated"]
    columns += ["mag_blended", "flux_ratio"]
    centrals = points.loc[chosen, columns]
    return pd.concat([centrals, centrals.assign(type="all")], ignore_index=True)


def fig9_statistics(
    points: pd.DataFrame,
    methods: Sequence[Method] = PAPER_METHODS,
    *,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The lines of Figure 9: see `deblend.boucaud2020.recovered.binned_statistics`.

    The bias is its `median`, the scatter its `sigma_mag`, a population standard deviation.
    """
    groups = [(method.name, kind) for method in methods for kind in TYPES]
    return binned_statistics(points, ["method", "type"], groups, n_resamples=n_resamples, seed=seed)


def draw_fig9(
    points: pd.DataFrame,
    statistics: pd.DataFrame,
    outputs: Outputs,
    label: str = "",
    methods: Sequence[Method] = PAPER_METHODS,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 9: bias in the upper row, solid; scatter in the lower row, dotted.

    The networks share their axes; SExtractor has its own, larger ones. Bands are the 68 %
    intervals.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig9_data` and `fig9_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Text in the figure: data set and scale.
    methods : sequence of Method
        Three are side by side, further ones below them.
    published : DataFrame, optional
        Such statistics of the authors' catalogue, for light lines in the colours of the types.
    """
    quantities = (
        ("median", r"bias: median $\Delta_{\rm mag}$ (mag)", "-"),
        ("sigma_mag", r"scatter: $\sigma(\Delta_{\rm mag})$ (mag)", ":"),
    )
    title = "; ".join(notes(label, statistics[statistics["type"] == "all"]))
    n_rows, n_columns = panel_grid(len(methods), len(quantities))
    height = 4.3 * n_rows / len(quantities)
    names = {kind: [m.name for m in methods if m.is_network == kind] for kind in (True, False)}
    has_lines = published is not None and published["method"].isin(sum(names.values(), [])).any()
    with paper_figure(outputs, title, figure_width(len(methods)), height) as figure:
        axes = figure.subplots(n_rows, n_columns, sharex=True, squeeze=False)
        for row, (column, text, line) in enumerate(quantities):
            for number, method in enumerate(methods):
                place = panel_place(number, row, len(quantities))
                axis = axes[place]
                method_rows = statistics[statistics["method"] == method.name]
                if column == "median":
                    axis.set_title(method.title)
                if not method_rows["n"].sum():
                    panel_note(axis, NO_FLUXES)
                elif column == "median":
                    axis.axhline(0, lw=0.6, color="0.7", zorder=1)
                for kind, (name, marker, colour) in TYPES.items():
                    type_rows = method_rows[method_rows["type"] == kind]
                    x, y = binned_line(type_rows, column)
                    width = 2.0 if kind == "all" else 1.0
                    line_style = {"lw": width, "marker": marker, "ms": 3.5, "color": colour}
                    # The line of all galaxies is wider and behind the others.
                    line_style["zorder"] = 2 if kind == "all" else 3
                    axis.plot(x, y, line, label=name, **line_style)
                    draw_interval(axis, type_rows, column, colour, alpha=0.12)
                    authors = lines_of(published, method=method.name, type=kind)
                    draw_authors(axis, authors, column, line, colour)
                # Intervals of a few galaxies, which may be wide, do not set the range.
                same = names[method.is_network]
                shown = drawn_values(statistics, published, [column], same)
                limit = 1.15 * np.nanmax([0.05, *np.abs(shown)])
                axis.set_ylim(-limit if column == "median" else 0, limit)
                if place[1] == 0:
                    axis.set_ylabel(text)
        for axis in finish_grid(axes, len(methods), len(quantities)):
            axis.set_xlabel(DELTA_MAG_LABEL)
        axes[0, 0].set_xlim(BIN_EDGES[0], BIN_EDGES[-1])
        handles, _ = axes[0, 0].get_legend_handles_labels()
        handles += [authors_handle(published)] if has_lines else []
        columns = 5 + has_lines if n_columns == METHODS_IN_A_ROW else 3
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
