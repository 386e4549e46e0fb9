"""Figures 5 and 6 of Farrens et al. 2022: accuracy on stamps of a sample of real galaxies."""

from typing import Any

import pandas as pd
from deblend.farrens2022.figures.curves import (
    METHODS,
    TRAINING_NOISE,
    draw_against_noise,
    draw_published,
    effective_numbers,
    name_bars,
    name_published,
    set_noise_axis,
)
from deblend.farrens2022.metrics import PANELS
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
    "close_with_isolated": ("close + isolated", "-.", "D", COLOURS["companion"]),
    "distant_with_isolated": ("distant + isolated", "--", "s", COLOURS["ours"]),
}


#: Curves of Figure 6: the beginning of their columns, their names and colours.
KINDS = {
    "positive": ("blends", COLOURS["green"]),
    "negative": ("isolated", COLOURS["companion"]),
}


#: Titles of the panels of Figure 6.
TITLES = {
    "close": "close blends and as many isolated",
    "distant": "distant blends, other isolated",
    "all": "all stamps",
}


def draw_fig5(
    gains: pd.DataFrame,
    noise_sigma: float,
    outputs: Outputs,
    label: str,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 5: accuracy minus SEP's on a sample's stamps, against the training noise.

    Close and distant blends are with as many isolated stamps.

    Parameters
    ----------
    gains : DataFrame
        BlendHunter's rows of `deblend.farrens2022.metrics.summarise`, of the gain.
    noise_sigma : float
        Noise of the sample's stamps, counts.
    outputs : list of path
    label : str
        Scale and data.
    published : DataFrame, optional
        The paper's curves (`deblend.farrens2022.published.curves`), for light lines under ours.
    """
    n = gains.groupby("subset")["n"].max()
    line = label_line(label, "BlendHunter", int(n["all"]))
    with paper_figure(outputs, line, ONE_COLUMN_IN, 3.2) as figure:
        axis = figure.subplots()
        for subset, (name, style, marker, colour) in SUBSETS.items():
            rows = gains[gains["subset"] == subset]
            low, high = rows["mean"] - rows["error"], rows["mean"] + rows["error"]
            look: dict[str, Any] = {"ls": style, "marker": marker, "ms": 3.5, "color": colour}
            rows = rows.assign(low=low, high=high)
            draw_against_noise(axis, rows, f"{name}, n = {n[subset]:,}", **look)
            if published is not None:
                theirs = published[published["subset"] == subset]
                draw_published(axis, theirs, style, colour)
        name_bars(axis)
        name_published(axis, published, "read off")
        axis.axhline(0, color="0.6", lw=0.6, zorder=0)
        axis.axvline(
            noise_sigma, color="0.5", lw=0.8, ls=":", zorder=0, label="noise of the test stamps"
        )
        set_noise_axis(axis, gains["noise_sigma"], TRAINING_NOISE)
        axis.set_ylabel("accuracy minus SEP's (points)")
        narrow = {"columnspacing": 0.7, "handlelength": 1.4, "handletextpad": 0.4}
        figure.legend(loc="outside lower center", ncols=2, **narrow)


def draw_fig6(
    confusion: pd.DataFrame,
    accuracies: pd.DataFrame,
    outputs: Outputs,
    label: str,
    published: pd.DataFrame | None = None,
) -> None:
    """Draw Figure 6: blends and isolated stamps labelled correctly, as fractions of all stamps.

    Parameters
    ----------
    confusion, accuracies : DataFrame
        From `deblend.farrens2022.metrics.realistic_accuracies`; the effective numbers of stamps are
        from `accuracies`.
    outputs : list of path
    label : str
        Scale and data.
    published : DataFrame, optional
        The paper's curves (`deblend.farrens2022.published.curves`), for light lines under ours.
    """
    columns = [f"{kind}_fraction" for kind in KINDS]
    groups = confusion.groupby(["noise_sigma", "method", "panel"])[columns]
    mean, std = groups.mean(), groups.std(ddof=0)
    numbers = confusion.groupby("panel")[["n_blends", "n_isolated"]].max()
    n_effective = effective_numbers(accuracies)
    line = label_line(label, "BlendHunter", int(numbers.loc["all"].sum()))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 3.0) as figure:
        axes = figure.subplots(1, 3, sharex=True, sharey=True)
        for axis, (panel, title) in zip(axes, TITLES.items(), strict=True):
            n_blends, n_isolated = numbers.loc[panel]
            for method, look in METHODS.items():
                for (kind, (name, colour)), subset, n_kind in zip(
                    KINDS.items(), PANELS[panel], (n_blends, n_isolated), strict=True
                ):
                    column, largest = f"{kind}_fraction", n_kind / (n_blends + n_isolated)
                    fractions = pd.DataFrame({"mean": mean[column], "std": std[column]})
                    rows = fractions.xs((method, panel), level=("method", "panel")).reset_index()
                    n = n_effective[subset]
                    low, high = wilson_interval(rows["mean"] / largest * n, n)
                    rows = rows.assign(low=largest * low, high=largest * high)
                    look = {**look, "color": colour}
                    draw_against_noise(axis, rows, f"{method}, {name}", 1, **look)
                    if published is not None:
                        chosen = (published["method"] == method) & (published["kind"] == kind)
                        theirs = published[chosen & (published["panel"] == panel)]
                        draw_published(axis, theirs, look["ls"], colour, unit=1)
            axis.set_title(f"{title}\n{n_blends:,} blends, {n_isolated:,} isolated")
        name_bars(axes[0])
        name_published(axes[0], published, "bars: std. dev.")
        set_noise_axis(axes[1], confusion["noise_sigma"], TRAINING_NOISE)
        axes[0].set(ylim=(0, 0.52), ylabel="fraction of all stamps")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
