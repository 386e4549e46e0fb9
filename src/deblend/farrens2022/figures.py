"""Figures 1 to 6 of Farrens et al. 2022."""

from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import pandas as pd
from deblend.plots.architecture import draw_sequence
from deblend.plots.style import COLOURS, save_figure, style

METHODS = {"BlendHunter": ("-", "black"), "SEP": ("--", COLOURS["ours"])}


SUBSETS = {
    "all": ("all stamps", "-", "black"),
    "close": ("close blends (< 10 px)", "-.", COLOURS["companion"]),
    "distant": ("distant blends", "--", COLOURS["ours"]),
}


def draw_fig1(table: pd.DataFrame, outputs: list[str | Path], label: str) -> None:
    """Draw Figure 1: VGG-16's convolutions and the head, from the built models' layers.

    Parameters
    ----------
    table : DataFrame
        From `deblend.training.keras_layers.layer_table`, of both models.
    """
    draw_sequence(table, "BlendHunter", outputs, label)


def draw_fig2(examples: str | Path, outputs: list[str | Path], label: str) -> None:
    """Draw Figure 2: a blend and some features that VGG-16's blocks make of it.

    Parameters
    ----------
    examples : path
        HDF5 with `stamp` (y, x) and a dataset (channel, y, x) a block.
    """
    with h5py.File(examples, "r") as file:
        stamp = file["stamp"][:]
        blocks = {name: file[name][:] for name in file if name != "stamp"}
    rows = min(len(maps) for maps in blocks.values())
    with style():
        figure, axes = plt.subplots(
            rows, 1 + len(blocks), figsize=(7.2, 1.25 * rows + 0.3), layout="constrained"
        )
        for axis in axes.flat:
            axis.set(xticks=[], yticks=[])
        for axis in axes[1:, 0]:
            axis.set_axis_off()
        axes[0, 0].imshow(stamp)
        axes[0, 0].set_title("stamp")
        for column, (name, maps) in enumerate(sorted(blocks.items()), start=1):
            axes[0, column].set_title(f"{name}\n{maps.shape[-1]} px")
            for row in range(rows):
                axes[row, column].imshow(maps[row], cmap="viridis")
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig3(by_distance: pd.DataFrame, outputs: list[str | Path], label: str) -> None:
    """Draw Figure 3: accuracy on blends against separation, a panel a noise level.

    Parameters
    ----------
    by_distance : DataFrame
        From `deblend.farrens2022.metrics.parametric_accuracies`; the first realisation is shown.
    """
    shown = by_distance[by_distance["realisation"] == by_distance["realisation"].min()]
    levels = sorted(shown["noise_sigma"].unique())
    columns = min(4, len(levels))
    rows = -(-len(levels) // columns)
    with style():
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(7.2, 2.3 * rows + 0.3),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis in axes.flat[len(levels) :]:
            axis.set_axis_off()
        for axis, sigma in zip(axes.flat, levels, strict=False):
            curves = {}
            for method, (line, colour) in METHODS.items():
                mine = shown[(shown["noise_sigma"] == sigma) & (shown["method"] == method)]
                x = (mine["distance_low_px"] + mine["distance_high_px"]) / 2
                axis.errorbar(
                    x,
                    100 * mine["accuracy"],
                    100 * mine["error"],
                    ls=line,
                    color=colour,
                    elinewidth=0.5,
                    label=method,
                )
                curves[method] = 100 * mine["accuracy"].to_numpy()
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
            # The lowest that is used: the last row may be shorter.
            lowest = axes[(len(levels) - 1 - column) // columns, column]
            lowest.set_xlabel("separation (pixels)")
            lowest.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel("accuracy (%)")
        axes[0, 0].legend(loc="lower right")
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig4(summary: pd.DataFrame, outputs: list[str | Path], label: str) -> None:
    """Draw Figure 4: overall accuracy against noise, with the scatter over realisations.

    Parameters
    ----------
    summary : DataFrame
        From `deblend.farrens2022.metrics.summarise`, of the parametric test stamps.
    """
    with style():
        figure, axis = plt.subplots(figsize=(3.6, 2.7), layout="constrained")
        for method, (line, colour) in METHODS.items():
            mine = summary[(summary["method"] == method) & (summary["subset"] == "all")]
            axis.errorbar(
                mine["noise_sigma"],
                100 * mine["mean"],
                100 * mine["std"],
                ls=line,
                marker="o",
                ms=3,
                color=colour,
                label=method,
            )
        axis.set(xlabel=r"$\sigma_{\rm noise}$ (counts)", ylabel="accuracy (%)")
        axis.legend()
        figure.suptitle(label, fontsize="x-small")
        save_figure(figure, outputs)


def draw_fig5(
    summary: pd.DataFrame, noise_sigma: float, outputs: list[str | Path], label: str
) -> None:
    """Draw Figure 5: accuracy relative to SEP's on a sample's stamps, against the training noise.

    Parameters
    ----------
    summary : DataFrame
        `noise_sigma` of the training, `subset`, `mean` and `std` of `relative`.
    noise_sigma : float
        Of the sample's stamps.
    """
    with style():
        figure, axis = plt.subplots(figsize=(3.6, 2.9), layout="constrained")
        for subset, (name, line, colour) in SUBSETS.items():
            mine = summary[summary["subset"] == subset]
            axis.errorbar(
                mine["noise_sigma"],
                100 * mine["mean"],
                100 * mine["std"],
                ls=line,
                marker="o",
                ms=3,
                color=colour,
                label=name,
            )
        axis.axhline(0, color="0.6", lw=0.6)
        axis.axvline(noise_sigma, color="0.6", lw=0.6, ls=":")
        axis.set(
            xlabel=r"$\sigma_{\rm noise}$ of the training stamps (counts)",
            ylabel="accuracy relative to SEP (%)",
        )
        axis.legend()
        figure.suptitle(label, fontsize="x-small")
        save_figure(figure, outputs)


def draw_fig6(confusion: pd.DataFrame, outputs: list[str | Path], label: str) -> None:
    """Draw Figure 6: shares of blends and of isolated stamps that are labelled rightly.

    Parameters
    ----------
    confusion : DataFrame
        From `deblend.farrens2022.metrics.realistic_accuracies`.
    """
    kinds = {
        "true_positive": ("blends", COLOURS["green"]),
        "true_negative": ("isolated", COLOURS["companion"]),
    }
    lines = {"BlendHunter": ("-", "o"), "SEP": ("-.", "s")}
    groups = confusion.groupby(["noise_sigma", "method", "panel"])[list(kinds)]
    mean, std = groups.mean(), groups.std(ddof=0)
    with style():
        figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.8), sharey=True, layout="constrained")
        for axis, panel in zip(axes, ("close", "distant", "all"), strict=True):
            for method, (line, marker) in lines.items():
                for kind, (name, colour) in kinds.items():
                    here = mean.xs((method, panel), level=("method", "panel"))[kind]
                    spread = std.xs((method, panel), level=("method", "panel"))[kind]
                    axis.errorbar(
                        here.index,
                        100 * here,
                        100 * spread,
                        ls=line,
                        marker=marker,
                        ms=2.5,
                        color=colour,
                        label=f"{method}, {name}",
                    )
            axis.set(title=panel, xlabel=r"$\sigma_{\rm noise}$ of the training (counts)")
        axes[0].set_ylabel("labelled rightly (%)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)
