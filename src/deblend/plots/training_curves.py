"""Losses and scores of all trainings of a paper."""

from collections.abc import Mapping, Sequence

import pandas as pd
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, panel_note, paper_figure
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

#: Columns of a training's history that are drawn as losses, and their names in the legend.
LOSSES = {
    "loss": "training",
    "val_loss": "validation",
    "mse": "MSE, training",
    "val_mse": "MSE, validation",
    "content": "content, training",
    "val_content": "content, validation",
    "generator": "generator",
    "adversarial": "adversarial",
    "discriminator": "discriminator",
}

#: Scores of the validation, the first of which that a history has is drawn.
SCORES = {
    "val_iou": "IoU of validation",
    "val_accuracy": "accuracy of validation",
    "val_mape_flux_percent": "flux error of validation (%)",
    "val_psnr_db": "PSNR of validation (dB)",
    "val_detected": "validation blends detected",
    "diversity_ratio": "diversity over that of data",
}

#: Height of a row of panels, inches.
ROW_IN = 1.7


def draw_training_curves(
    histories: Mapping[str, Sequence[pd.DataFrame]], outputs: Outputs, label: str
) -> None:
    """Draw the losses of each network (left) and a score of its validation (right).

    Parameters
    ----------
    histories : dict
        For the name of each network the histories of its trainings, of which the first column is
        the epoch or the iteration.
    outputs : list of path
    label : str
        See `deblend.plots.style.label_line`.
    """
    height = ROW_IN * len(histories) + 0.3
    line = label_line(label, "training")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, height) as figure:
        axes = figure.subplots(len(histories), 2, squeeze=False)
        for (name, trainings), (left, right) in zip(histories.items(), axes, strict=True):
            first = trainings[0]
            losses = {column: text for column, text in LOSSES.items() if column in first}
            score = next((column for column in SCORES if column in first), None)
            _draw(left, trainings, losses)
            _draw(right, trainings, {score: ""} if score else {})
            if all((one[list(losses)].min() > 0).all() for one in trainings):
                left.set_yscale("log")
            left.set_ylabel(f"{name}\nloss")
            right.set_ylabel(SCORES[score] if score else "")
            for axis in (left, right):
                axis.set_xlabel(str(first.columns[0]))
                axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw(axis: Axes, trainings: Sequence[pd.DataFrame], curves: Mapping[str, str]) -> None:
    """Draw columns of all trainings, each in one colour."""
    if not curves:
        panel_note(axis, "nothing recorded")
    for number, (column, text) in enumerate(curves.items()):
        for history in trainings:
            points = history[[history.columns[0], column]].dropna().to_numpy(float)
            look = {"marker": "o", "ms": 2} if len(points) < 30 else {}
            axis.plot(*points.T, color=f"C{number}", lw=0.9, label=text, **look)
            text = "_"  # one entry in the legend for all trainings
    if len(curves) > 1:
        axis.legend(fontsize="x-small")
