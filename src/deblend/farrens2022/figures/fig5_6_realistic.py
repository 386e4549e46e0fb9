"""Figures 5 and 6 of Farrens et al. 2022: accuracy on stamps of a sample of real galaxies."""

import numpy as np
import pandas as pd
from deblend.farrens2022.figures.curves import (
    METHODS,
    TRAINING_NOISE,
    draw_against_noise,
    effective_numbers,
    name_bars,
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

#: Subsets of the stamps in Figure 5: their names, lines, markers and colours.
SUBSETS = {
    "all": ("all stamps", "-", "o", "black"),
    "close": ("close blends", "-.", "D", COLOURS["companion"]),
    "distant": ("distant blends", "--", "s", COLOURS["ours"]),
}


#: Curves of Figure 6: columns of the table, their names and colours.
KINDS = {
    "true_positive": ("blends", COLOURS["green"]),
    "true_negative": ("isolated", COLOURS["companion"]),
}


#: Titles of the panels of Figure 6.
PANELS = {"close": "close blends", "distant": "distant blends", "all": "all stamps"}


#: Subset of the blends in each panel of Figure 6.
BLENDS = {"close": "close", "distant": "distant", "all": "blends"}


def draw_fig5(
    summary: pd.DataFrame,
    accuracies: pd.DataFrame,
    noise_sigma: float,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 5: accuracy relative to SEP's on a sample's stamps, against the training noise.

    Parameters
    ----------
    summary : DataFrame
        `noise_sigma` of the training, `subset`, `mean` and `std` of `relative`.
    accuracies : DataFrame
        From `deblend.farrens2022.metrics.realistic_accuracies`, of both methods.
    noise_sigma : float
        Noise of the sample's stamps, counts.
    outputs : list of path
    label : str
        Scale and data.
    """
    n = accuracies.groupby("subset")["n"].max()
    line = label_line(label, "BlendHunter", int(n["all"]))
    with paper_figure(outputs, line, ONE_COLUMN_IN, 3.0) as figure:
        axis = figure.subplots()
        for subset, (name, style, marker, colour) in SUBSETS.items():
            rows = summary[summary["subset"] == subset]
            error = rows["noise_sigma"].map(_relative_error(accuracies, subset))
            rows = rows.assign(low=rows["mean"] - error, high=rows["mean"] + error)
            look = {"ls": style, "marker": marker, "ms": 3.5, "color": colour}
            draw_against_noise(axis, rows, f"{name}, n = {n[subset]:,}", **look)
        name_bars(axis)
        axis.axhline(0, color="0.6", lw=0.6, zorder=0)
        axis.axvline(
            noise_sigma, color="0.5", lw=0.8, ls=":", zorder=0, label="noise of the test stamps"
        )
        set_noise_axis(axis, summary["noise_sigma"], TRAINING_NOISE)
        axis.set_ylabel("accuracy relative to SEP (%)")
        figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2)


def _relative_error(accuracies: pd.DataFrame, subset: str) -> pd.Series:
    """68 % error of a subset's accuracy over SEP's, by `noise_sigma`.

    The errors of both methods, half the widths of Wilson's intervals, are propagated as if they
    were independent. NaN where SEP's accuracy is zero.
    """
    chosen = accuracies[accuracies["subset"] == subset]
    share = chosen.pivot_table("accuracy", "noise_sigma", "method")
    n = effective_numbers(chosen)[subset]
    low, high = wilson_interval(share * n, n)
    error = pd.DataFrame((high - low) / 2, share.index, share.columns)
    sep = share["SEP"].where(share["SEP"] > 0)
    return np.hypot(error["BlendHunter"], share["BlendHunter"] / sep * error["SEP"]) / sep


def draw_fig6(
    confusion: pd.DataFrame, accuracies: pd.DataFrame, outputs: Outputs, label: str
) -> None:
    """Draw Figure 6: shares of blends and of isolated stamps that are labelled correctly.

    Parameters
    ----------
    confusion, accuracies : DataFrame
        From `deblend.farrens2022.metrics.realistic_accuracies`; the numbers of the blends' subsets
        are from `accuracies`.
    outputs : list of path
    label : str
        Scale and data.
    """
    groups = confusion.groupby(["noise_sigma", "method", "panel"])[list(KINDS)]
    mean, std = groups.mean(), groups.std(ddof=0)
    numbers = confusion.groupby("panel")[["n_blends", "n_isolated"]].max()
    n_effective = effective_numbers(accuracies)
    line = label_line(label, "BlendHunter", int(numbers.loc["all"].sum()))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 2.9) as figure:
        axes = figure.subplots(1, 3, sharex=True, sharey=True)
        for axis, (panel, title) in zip(axes, PANELS.items(), strict=True):
            n_blends, n_isolated = numbers.loc[panel]
            # Only blends have weights.
            n = {"true_positive": n_effective[BLENDS[panel]], "true_negative": n_isolated}
            for method, look in METHODS.items():
                for kind, (name, colour) in KINDS.items():
                    shares = pd.DataFrame({"mean": mean[kind], "std": std[kind]})
                    rows = shares.xs((method, panel), level=("method", "panel")).reset_index()
                    low, high = wilson_interval(rows["mean"] * n[kind], n[kind])
                    rows = rows.assign(low=low, high=high)
                    draw_against_noise(axis, rows, f"{method}, {name}", **{**look, "color": colour})
            axis.set_title(f"{title}\n{n_blends:,} blends, {n_isolated:,} isolated")
        name_bars(axes[0])
        set_noise_axis(axes[1], confusion["noise_sigma"], TRAINING_NOISE)
        axes[0].set_ylabel("labelled correctly (%)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
