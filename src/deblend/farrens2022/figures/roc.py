"""A figure that Farrens et al. 2022 do not have: ROC, purity and calibration of the heads."""

from collections.abc import Mapping

import matplotlib
import pandas as pd
from deblend.farrens2022.roc import CURVE_RATES, SURVEY_SEP, purity, purity_error
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from matplotlib.axes import Axes

#: Titles of the panels with ROC, by kind of blends.
TITLES = {"all": "all blends", "close": "close blends"}

#: Look of SEP's points. They are open, so that a curve below is seen.
SEP_POINT = {"marker": "s", "ms": 5, "mfc": "none", "ls": ""}


def level_colours(levels: list[float]) -> dict[float, tuple[float, ...]]:
    """Colours of noise levels, from dark to light."""
    shades = matplotlib.colormaps["viridis"]
    return {level: shades(0.85 * k / max(len(levels) - 1, 1)) for k, level in enumerate(levels)}


def draw_roc(
    curves: pd.DataFrame,
    points: pd.DataFrame,
    blend_shares: Mapping[str, float],
    outputs: Outputs,
    label: str,
) -> None:
    """Draw the ROC of all and of close blends, calibration, and purity at a survey's share.

    Parameters
    ----------
    curves : DataFrame
        From `deblend.farrens2022.roc.mean_curves`.
    points : DataFrame
        From `deblend.farrens2022.roc.detection_quality`, for SEP.
    blend_shares : dict
        Names of surveys to their shares of blends; the purity is that of the first.
    outputs : list of path
    label : str
        Scale and data.
    """
    colours = level_colours(sorted(curves["noise_sigma"].unique()))
    sep = points[(points["method"] == SURVEY_SEP) & (points["realisation"] == 0)]
    overall = points[points["blends"] == "all"]
    n = int(overall["n_blends"].max() + overall["n_isolated"].max())
    line = label_line(label, "BlendHunter", n)
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 5.6) as figure:
        axes = figure.subplots(2, 2)
        for axis, (kind, title) in zip(axes[0], TITLES.items(), strict=True):
            axis.set_title(title)
            _draw_curves(axis, _chosen(curves, "roc", kind), colours)
            _draw_sep(axis, sep[sep["blends"] == kind], "false_positives", "completeness", colours)
            axis.set(xscale="log", xlim=(CURVE_RATES[0], 1), ylim=(-0.02, 1.02))
            axis.set(xlabel="false positives (isolated stamps)", ylabel="completeness (blends)")
        axis = axes[1, 0]
        axis.set_title("calibration")
        axis.plot([0, 1], [0, 1], color="0.6", lw=0.8, ls=":", zorder=0)
        _draw_curves(axis, _chosen(curves, "reliability", "all"), colours, marker="o", ms=2.5)
        axis.set(xlim=(0, 1), ylim=(-0.02, 1.02))
        axis.set(xlabel="probability of a blend", ylabel="share of blends")
        axis = axes[1, 1]
        survey, share = next(iter(blend_shares.items()))
        axis.set_title(f"purity where {100 * share:g} % are blends ({survey.upper()})")
        rows = _chosen(curves, "roc", "all")
        found, false = rows["y"].to_numpy(), rows["x"].to_numpy()
        error = purity_error(found, false, rows["x_error"].to_numpy(), share)
        rows = rows.assign(x=found, y=purity(found, false, share), error=error)
        _draw_curves(axis, rows, colours)
        _draw_sep(axis, sep[sep["blends"] == "all"], "completeness", f"purity_{survey}", colours)
        axis.axhline(share, color="0.6", lw=0.8, ls=":", zorder=0)
        axis.set(xlim=(0, 1.02), xlabel="completeness (blends)", ylabel="purity")
        handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=4)


def _chosen(curves: pd.DataFrame, curve: str, kind: str) -> pd.DataFrame:
    return curves[(curves["curve"] == curve) & (curves["blends"] == kind)]


def _draw_curves(
    axis: Axes, rows: pd.DataFrame, colours: Mapping[float, tuple[float, ...]], **look: object
) -> None:
    """Draw a curve for each noise level, with the 68 % interval of the stamps."""
    for level, curve in rows.groupby("noise_sigma"):
        colour = colours[level]
        name = rf"trained at $\sigma_{{\rm noise}}$ = {level:g}"
        axis.plot(curve["x"], curve["y"], color=colour, lw=1, label=name, **look)
        low, high = curve["y"] - curve["error"], curve["y"] + curve["error"]
        axis.fill_between(curve["x"], low, high, color=colour, alpha=0.2, lw=0)


def _draw_sep(
    axis: Axes,
    rows: pd.DataFrame,
    x: str,
    y: str,
    colours: Mapping[float, tuple[float, ...]],
) -> None:
    """Draw SEP's points: of each noise level, or one if all heads have the same stamps."""
    is_shared = len(rows[[x, y]].drop_duplicates()) == 1
    for row in (rows.iloc[:1] if is_shared else rows).to_dict("records"):
        colour = "black" if is_shared else colours[row["noise_sigma"]]
        errors = {"xerr": row[f"{x}_error"], "yerr": row[f"{y}_error"], "elinewidth": 0.7}
        name = "SEP, without true positions"
        # Without false positives the point is at the left edge of the logarithmic axis.
        place = max(row[x], CURVE_RATES[0]) if x == "false_positives" else row[x]
        axis.errorbar(place, row[y], **errors, **SEP_POINT, color=colour, label=name)
