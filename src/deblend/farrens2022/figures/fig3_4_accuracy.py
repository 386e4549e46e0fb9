"""Figures 3 and 4 of Farrens et al. 2022: accuracy on parametric stamps."""

import pandas as pd
from deblend.farrens2022.config import CLOSE_PX
from deblend.farrens2022.figures.curves import (
    METHODS,
    draw_against_noise,
    draw_published,
    effective_numbers,
    name_bars,
    name_published,
    set_noise_axis,
)
from deblend.intervals import wilson_interval
from deblend.plots.style import (
    COLOURS,
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    paper_figure,
)
from matplotlib.axes import Axes

#: Largest number of panels of Figure 3 side by side.
MAX_COLUMNS = 4


def draw_fig3(by_distance: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 3: accuracy on blends against separation, one panel for each noise level.

    Parameters
    ----------
    by_distance : DataFrame
        From `deblend.farrens2022.metrics.parametric_accuracies`; the first realisation is shown.
    outputs : list of path
    label : str
        Scale and data.
    """
    first_realisation = by_distance[by_distance["realisation"] == by_distance["realisation"].min()]
    levels = sorted(first_realisation["noise_sigma"].unique())
    columns = min(MAX_COLUMNS, len(levels))
    rows = -(-len(levels) // columns)
    n_blends = first_realisation.groupby(["noise_sigma", "method"])["n"].sum().max()
    line = label_line(label, "BlendHunter", int(n_blends))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 1.75 * rows + 0.85) as figure:
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat[len(levels) :]:
            axis.set_axis_off()
        for axis, sigma in zip(axes.flat, levels, strict=False):
            _draw_level(axis, first_realisation[first_realisation["noise_sigma"] == sigma])
            axis.set_title(rf"$\sigma_{{\rm noise}}$ = {sigma:g} counts")
        axes[0, 0].set(ylim=(-4, 104), xlim=(0, by_distance["distance_high_px"].max()))
        for column in range(columns):
            # The lowest panel of the column, which is not in the last row if that is shorter.
            lowest = axes[(len(levels) - 1 - column) // columns, column]
            lowest.set_xlabel("separation (pixels)")
            lowest.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel("accuracy on blends (%)")
        entries = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
        # The methods first, then the area and the line.
        names = sorted(entries, key=lambda name: "interval" not in name)
        handles = [entries[name] for name in names]
        figure.legend(handles, names, loc="outside lower center", ncols=4)


def _draw_level(axis: Axes, accuracies: pd.DataFrame) -> None:
    """Draw the curves of both methods at one noise level, and the area between them."""
    curves = {}
    for method, look in METHODS.items():
        bins = accuracies[accuracies["method"] == method]
        x = (bins["distance_low_px"] + bins["distance_high_px"]) / 2
        curves[method] = 100 * bins["accuracy"].to_numpy()
        # Blends that share a galaxy are not independent.
        binomial = bins["accuracy"] * (1 - bins["accuracy"])
        n = (
            (binomial / bins["error"] ** 2)
            .where(binomial * bins["error"] > 0, bins["n"])
            .clip(upper=bins["n"])
        )
        low, high = wilson_interval(bins["accuracy"] * n, n)
        axis.errorbar(
            x,
            curves[method],
            [curves[method] - 100 * low, 100 * high - curves[method]],
            **{**look, "marker": ".", "ms": 4, "mfc": look["color"]},
            elinewidth=0.6,
            label=f"{method} (68 % interval)",
        )
    axis.fill_between(
        x,
        curves["SEP"],
        curves["BlendHunter"],
        where=curves["BlendHunter"] > curves["SEP"],
        interpolate=True,
        color=COLOURS["ours"],
        alpha=0.2,
        lw=0,
        label="gain of BlendHunter",
    )
    axis.axvline(
        CLOSE_PX, color="0.5", lw=0.8, ls=":", zorder=0, label=f"{CLOSE_PX:g} pixels: close blends"
    )


def draw_fig4(
    summary: pd.DataFrame,
    accuracies: pd.DataFrame,
    outputs: Outputs,
    label: str,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 4: overall accuracy against noise.

    Bars with caps show the standard deviation over realisations, as in the paper. All realisations
    are of the same stamps: Wilson's 68 % interval of these is drawn as a broad pale bar.

    Parameters
    ----------
    summary : DataFrame
        From `deblend.farrens2022.metrics.summarise`, of the parametric test stamps.
    accuracies : DataFrame
        From `deblend.farrens2022.metrics.parametric_accuracies`, from which the numbers of stamps
        are.
    outputs : list of path
    label : str
        Scale and data.
    published : DataFrame, optional
        The paper's curves (`deblend.farrens2022.published.curves`), for light lines under ours.
    """
    overall = accuracies[accuracies["subset"] == "all"]
    n_effective = effective_numbers(overall)["all"]
    line = label_line(label, "BlendHunter", int(overall["n"].max()))
    with paper_figure(outputs, line, ONE_COLUMN_IN, 2.9) as figure:
        axis = figure.subplots()
        for method, look in METHODS.items():
            rows = summary[(summary["method"] == method) & (summary["subset"] == "all")]
            low, high = wilson_interval(rows["mean"] * n_effective, n_effective)
            draw_against_noise(axis, rows.assign(low=low, high=high), method, **look)
            if published is not None:
                theirs = published[published["method"] == method]
                draw_published(axis, theirs, look["ls"], look["color"])
        name_bars(axis)
        name_published(axis, published, "read off")
        set_noise_axis(axis, summary["noise_sigma"], r"$\sigma_{\rm noise}$ (counts)")
        axis.set_ylabel("accuracy (%)")
        figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2)
