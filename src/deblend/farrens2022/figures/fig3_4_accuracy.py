"""Figures 3 and 4 of Farrens et al. 2022: accuracy on parametric stamps."""

import pandas as pd
from deblend.farrens2022.figures.curves import draw_against_noise
from deblend.plots.style import COLOURS, Outputs, paper_figure

#: Lines and colours of the methods.
METHODS = {"BlendHunter": ("-", "black"), "SEP": ("--", COLOURS["ours"])}


def draw_fig3(by_distance: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 3: accuracy on blends against separation, one panel for each noise level.

    Parameters
    ----------
    by_distance : DataFrame
        From `deblend.farrens2022.metrics.parametric_accuracies`; the first realisation is shown.
    outputs : list of path
    label : str
    """
    first_realisation = by_distance[by_distance["realisation"] == by_distance["realisation"].min()]
    levels = sorted(first_realisation["noise_sigma"].unique())
    columns = min(4, len(levels))
    rows = -(-len(levels) // columns)
    with paper_figure(outputs, label, (7.2, 2.3 * rows + 0.3)) as figure:
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat[len(levels) :]:
            axis.set_axis_off()
        for axis, sigma in zip(axes.flat, levels, strict=False):
            curves = {}
            for method, (line, colour) in METHODS.items():
                rows_of_method = first_realisation[
                    (first_realisation["noise_sigma"] == sigma)
                    & (first_realisation["method"] == method)
                ]
                x = (rows_of_method["distance_low_px"] + rows_of_method["distance_high_px"]) / 2
                axis.errorbar(
                    x,
                    100 * rows_of_method["accuracy"],
                    100 * rows_of_method["error"],
                    ls=line,
                    color=colour,
                    elinewidth=0.5,
                    label=method,
                )
                curves[method] = 100 * rows_of_method["accuracy"].to_numpy()
            axis.fill_between(
                x,
                curves["SEP"],
                curves["BlendHunter"],
                where=curves["BlendHunter"] > curves["SEP"],
                color=COLOURS["ours"],
                alpha=0.2,
                lw=0,
            )
            axis.axvline(10, color="0.7", lw=0.6, ls=":")
            axis.set_title(rf"$\sigma_{{\rm noise}}$ = {sigma:g}")
            axis.set(ylim=(0, 103))
        for column in range(columns):
            # The lowest panel of the column, which is not in the last row if that is shorter.
            lowest = axes[(len(levels) - 1 - column) // columns, column]
            lowest.set_xlabel("separation (pixels)")
            lowest.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel("accuracy (%)")
        axes[0, 0].legend(loc="lower right")


def draw_fig4(summary: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 4: overall accuracy against noise, with the scatter over realisations.

    Parameters
    ----------
    summary : DataFrame
        From `deblend.farrens2022.metrics.summarise`, of the parametric test stamps.
    outputs : list of path
    label : str
    """
    with paper_figure(outputs, label, (3.6, 2.7), label_size="x-small") as figure:
        axis = figure.subplots()
        for method, (line, colour) in METHODS.items():
            rows = summary[(summary["method"] == method) & (summary["subset"] == "all")]
            draw_against_noise(axis, rows, method, line, colour)
        axis.set(xlabel=r"$\sigma_{\rm noise}$ (counts)", ylabel="accuracy (%)")
        axis.legend()
