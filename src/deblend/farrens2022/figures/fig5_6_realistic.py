"""Figures 5 and 6 of Farrens et al. 2022: accuracy on stamps of a sample of real galaxies."""

import pandas as pd
from deblend.farrens2022.figures.curves import draw_against_noise
from deblend.plots.style import COLOURS, Outputs, paper_figure

#: Subsets of the stamps in Figure 5: their names, lines and colours.
SUBSETS = {
    "all": ("all stamps", "-", "black"),
    "close": ("close blends (< 10 px)", "-.", COLOURS["companion"]),
    "distant": ("distant blends", "--", COLOURS["ours"]),
}


#: Lines and markers of the methods in Figure 6.
METHODS = {"BlendHunter": ("-", "o"), "SEP": ("-.", "s")}


#: Curves of Figure 6: columns of the table, their names and colours.
KINDS = {
    "true_positive": ("blends", COLOURS["green"]),
    "true_negative": ("isolated", COLOURS["companion"]),
}


def draw_fig5(summary: pd.DataFrame, noise_sigma: float, outputs: Outputs, label: str) -> None:
    """Draw Figure 5: accuracy relative to SEP's on a sample's stamps, against the training noise.

    Parameters
    ----------
    summary : DataFrame
        `noise_sigma` of the training, `subset`, `mean` and `std` of `relative`.
    noise_sigma : float
        Noise of the sample's stamps, counts.
    outputs : list of path
    label : str
    """
    with paper_figure(outputs, label, (3.6, 2.9), label_size="x-small") as figure:
        axis = figure.subplots()
        for subset, (name, line, colour) in SUBSETS.items():
            rows = summary[summary["subset"] == subset]
            draw_against_noise(axis, rows, name, line, colour)
        axis.axhline(0, color="0.6", lw=0.6)
        axis.axvline(noise_sigma, color="0.6", lw=0.6, ls=":")
        axis.set(
            xlabel=r"$\sigma_{\rm noise}$ of the training stamps (counts)",
            ylabel="accuracy relative to SEP (%)",
        )
        axis.legend()


def draw_fig6(confusion: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 6: shares of blends and of isolated stamps that are labelled correctly.

    Parameters
    ----------
    confusion : DataFrame
        From `deblend.farrens2022.metrics.realistic_accuracies`.
    outputs : list of path
    label : str
    """
    groups = confusion.groupby(["noise_sigma", "method", "panel"])[list(KINDS)]
    mean, std = groups.mean(), groups.std(ddof=0)
    with paper_figure(outputs, label, (7.2, 2.8)) as figure:
        axes = figure.subplots(1, 3, sharey=True)
        for axis, panel in zip(axes, ("close", "distant", "all"), strict=True):
            for method, (line, marker) in METHODS.items():
                for kind, (name, colour) in KINDS.items():
                    means = mean.xs((method, panel), level=("method", "panel"))[kind]
                    spreads = std.xs((method, panel), level=("method", "panel"))[kind]
                    axis.errorbar(
                        means.index,
                        100 * means,
                        100 * spreads,
                        ls=line,
                        marker=marker,
                        ms=2.5,
                        color=colour,
                        label=f"{method}, {name}",
                    )
            axis.set(title=panel, xlabel=r"$\sigma_{\rm noise}$ of the training (counts)")
        axes[0].set_ylabel("labelled rightly (%)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
