"""The course of the GAN's training: losses, and images of validation blends."""

import numpy as np
import pandas as pd
from deblend.plots.images import close_panels
from deblend.plots.style import (
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from deblend.reiman2019.figures.fig3_6_examples import GAN
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator

#: Largest numbers of columns of predictions and of blends below the losses, so that the figure fits
#: a page.
MAX_COLUMNS, MAX_EXAMPLES = 8, 4


#: Height of the panels with curves, inches.
HISTORY_IN = 3.0


#: Lines of the curves of a panel; a dotted line marks the end of the burn-in.
LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)))


def draw_trace(
    history: pd.DataFrame,
    panels: np.ndarray,
    iterations: np.ndarray,
    true: np.ndarray,
    blend: np.ndarray,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw losses and scores against iteration, and predictions below, which show a collapse.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase` (burn_in or gan), `mse`, `adversarial`, `discriminator`, `vgg`,
        `d_real`, `d_fake`, `brightness_ratio` (of predicted to true images), `val_psnr_db`; NaN
        where a quantity was not measured.
    panels : ndarray of uint8, shape (t, k, 2, y, x, 3)
        Predictions for k blends at t iterations, of which at most `MAX_EXAMPLES` and `MAX_COLUMNS`
        are shown.
    iterations : ndarray of int, shape (t,)
    true : ndarray of uint8, shape (k, 2, y, x, 3)
        True images of the galaxies.
    blend : ndarray of uint8, shape (k, y, x, 3)
    outputs : list of path
    label : str
        Scale and data.
    """
    burn_in = history.loc[history["phase"] == "burn_in", "iteration"]
    burn_in_end = burn_in.max() if len(burn_in) else None
    columns = _evenly_spaced(len(iterations), MAX_COLUMNS)
    n_examples = min(len(blend), MAX_EXAMPLES)
    side = TWO_COLUMNS_IN / (2 + MAX_COLUMNS)
    images_in = 2 * n_examples * (side - 0.01) + 0.2
    line = label_line(label, GAN, n_examples, "images by iteration")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, HISTORY_IN + images_in + 0.2) as figure:
        close_panels(figure)
        upper, lower = figure.add_gridspec(2, 1, height_ratios=[HISTORY_IN, images_in])
        _draw_history(figure, upper, history, burn_in_end)
        grid = lower.subgridspec(2 * n_examples, 2 + MAX_COLUMNS)
        titles = ["blend", "true", *(f"{iterations[t]:,}" for t in columns)]
        for row in range(2 * n_examples):
            example, galaxy = divmod(row, 2)
            shown = [true[example, galaxy], *(panels[t, example, galaxy] for t in columns)]
            if galaxy == 0:
                shown.insert(0, blend[example])
            for column, image in enumerate(shown, start=galaxy):
                axis = figure.add_subplot(grid[row, column])
                axis.imshow(image, origin="upper", interpolation="nearest")
                axis.set_axis_off()
                if row == 0:
                    axis.set_title(titles[column], fontsize="small")


def _evenly_spaced(total: int, most: int) -> list[int]:
    """At most `most` integers from 0 to `total` - 1, evenly spaced, the first and last included."""
    return sorted(set(np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()))


def _draw_history(
    figure: Figure, place: SubplotSpec, history: pd.DataFrame, burn_in_end: float | None
) -> None:
    """Draw losses, answers of the discriminator, brightness and PSNR against iteration."""
    panels = {
        "loss": {
            "mse": "MSE",
            "adversarial": "adversarial",
            "discriminator": "discriminator",
            "vgg": "VGG",
        },
        "discriminator": {"d_real": "true images", "d_fake": "predictions"},
        "brightness/truth": {"brightness_ratio": ""},
        "PSNR (dB)": {"val_psnr_db": ""},
    }
    axes = place.subgridspec(2, 2, wspace=0.04, hspace=0.06).subplots(sharex=True)
    for axis, (name, curves) in zip(axes.flat, panels.items(), strict=True):
        n_drawn = 0
        for (column, curve_label), style in zip(curves.items(), LINES, strict=False):
            curve_points = history.reindex(columns=["iteration", column]).dropna()
            if curve_points.empty:
                continue
            n_drawn += 1
            look = {"marker": "o", "ms": 2} if len(curve_points) < 30 else {}
            x, y = curve_points.to_numpy(float).T
            axis.plot(x, y, lw=0.9, ls=style, label=curve_label, **look)
        if not n_drawn:
            panel_note(axis, "nothing recorded")
        if burn_in_end is not None:
            axis.axvline(burn_in_end, color="0.5", lw=0.8, ls=":", zorder=0)
        axis.set_ylabel(name)
        if len(curves) > 1 and n_drawn:
            # Above the panel, where it hides no curve.
            axis.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1),
                ncols=4,
                handlelength=1.4,
                columnspacing=0.9,
                borderpad=0.1,
            )
    axes[0, 0].set_yscale("log")
    axes[0, 1].set_ylim(-0.05, 1.05)
    axes[1, 0].axhline(1, color="0.5", lw=0.6, zorder=0)
    top = max(1, axes[1, 0].get_ylim()[1])
    axes[1, 0].set_ylim(-0.05 * top, 1.1 * top)
    if burn_in_end is not None:
        axes[1, 0].annotate(
            "end of burn-in",
            (burn_in_end, 1),
            (0, 1),
            xycoords=axes[1, 0].get_xaxis_transform(),
            textcoords="offset points",
            va="bottom",
            color="0.4",
            fontsize="small",
        )
    for axis in axes[1]:
        axis.set_xlabel("iteration")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.xaxis.set_major_formatter("{x:,.0f}")
