"""The course of the GAN's training: losses, and images of validation blends."""

import numpy as np
import pandas as pd
from deblend.plots.images import close_panels
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.figure import SubFigure

#: Largest number of columns of predictions below the losses.
MAX_COLUMNS = 8


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
        Predictions for k blends at t iterations, of which at most `MAX_COLUMNS` are shown.
    iterations : ndarray of int, shape (t,)
    true : ndarray of uint8, shape (k, 2, y, x, 3)
        True images of the galaxies.
    blend : ndarray of uint8, shape (k, y, x, 3)
    outputs : list of path
    label : str
    """
    burn_in = history.loc[history["phase"] == "burn_in", "iteration"]
    burn_in_end = burn_in.max() if len(burn_in) else None
    columns = _evenly_spaced(len(iterations), MAX_COLUMNS)
    n_rows, n_columns = 2 * len(blend), 2 + len(columns)
    side = 7.0 / (2 + MAX_COLUMNS)
    title, size = f"{label}; predictions by iteration below", (7.2, 3.4 + side * n_rows)
    with paper_figure(outputs, title, size) as figure:
        upper, lower = figure.subfigures(
            2, 1, squeeze=False, height_ratios=[3.2, side * n_rows + 0.2]
        )[:, 0]
        _draw_history(upper, history, burn_in_end)
        axes = lower.subplots(n_rows, 2 + MAX_COLUMNS, squeeze=False)
        close_panels(figure)
        for axis in axes.flat:
            axis.set_axis_off()
        titles = ["blend", "true", *(f"{iterations[t]:,}" for t in columns)]
        for axis, title in zip(axes[0], titles, strict=False):
            axis.set_title(title, fontsize=6)
        for row in range(n_rows):
            example, galaxy = divmod(row, 2)
            shown = [true[example, galaxy], *(panels[t, example, galaxy] for t in columns)]
            for axis, image in zip(axes[row, 1:n_columns], shown, strict=True):
                axis.imshow(image, origin="upper", interpolation="nearest")
            if galaxy == 0:
                axes[row, 0].imshow(blend[example], origin="upper", interpolation="nearest")


def _evenly_spaced(total: int, most: int) -> list[int]:
    """At most `most` integers from 0 to `total` - 1, evenly spaced, the first and last included."""
    return sorted(set(np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()))


def _draw_history(figure: SubFigure, history: pd.DataFrame, burn_in_end: float | None) -> None:
    """Draw losses, answers of the discriminator, brightness and PSNR against iteration."""
    panels = {
        "loss": {
            "mse": "MSE",
            "adversarial": "adversarial",
            "discriminator": "discriminator",
            "vgg": "VGG (burn-in)",
        },
        "discriminator's answer": {"d_real": "true images", "d_fake": "predictions"},
        "brightness / true": {"brightness_ratio": ""},
        "PSNR, validation (dB)": {"val_psnr_db": ""},
    }
    axes = figure.subplots(2, 2, sharex=True, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for axis, (name, curves) in zip(axes.flat, panels.items(), strict=True):
        n_drawn = 0
        for column, curve_label in curves.items():
            curve_points = history.reindex(columns=["iteration", column]).dropna()
            if curve_points.empty:
                continue
            n_drawn += 1
            marker = "o" if len(curve_points) < 30 else None
            axis.plot(
                *curve_points.to_numpy(float).T, lw=0.9, marker=marker, ms=2, label=curve_label
            )
        if not n_drawn:
            panel_note(axis, "nothing recorded")
        if burn_in_end is not None:
            axis.axvline(burn_in_end, color="0.5", lw=0.8, ls=":")
        axis.set_ylabel(name)
        if len(curves) > 1 and n_drawn:
            axis.legend(fontsize=6)
    axes[0, 0].set_yscale("log")
    axes[0, 1].set_ylim(-0.05, 1.05)
    axes[1, 0].axhline(1, color="0.5", lw=0.6)
    axes[1, 0].set_ylim(0, 1.1 * max(1, axes[1, 0].get_ylim()[1]))
    if burn_in_end is not None:
        axes[1, 0].text(
            burn_in_end,
            0.04,
            " end of burn-in",
            transform=axes[1, 0].get_xaxis_transform(),
            color="0.4",
            fontsize=6,
        )
    for axis in axes[1]:
        axis.set_xlabel("iteration")
