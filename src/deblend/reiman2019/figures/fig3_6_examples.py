"""Figures 3 and 6 of Reiman & Goehre 2019: successful and failed predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.images import image_note
from deblend.plots.style import (
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from deblend.reiman2019.metrics import GALAXIES
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Number of examples side by side.
N_ACROSS = 2


#: Room for names to the left of an example, between images, and above all of them, inches.
LEFT_IN, GAP_IN, TOP_IN = 0.2, 0.03, 0.48


#: Name of the network whose predictions are shown.
GAN = "deblender_gan"


def example_table(number: np.ndarray, kind: Sequence[str], scores: pd.DataFrame) -> pd.DataFrame:
    """The numbers that Figures 3 and 6 show.

    Parameters
    ----------
    number : ndarray of int, shape (k,)
        Numbers of the blends that are shown.
    kind : list of str
        "success" or "failure" for each.
    scores : DataFrame
        See `deblend.reiman2019.scores.score_methods`.

    Returns
    -------
    DataFrame
        `place` in the examples, `blend`, `kind`, `galaxy`, and `psnr_db` and `ssim` of the GAN.

    Raises
    ------
    DeblendError
        A blend has no scores.
    """
    gan_scores = scores[scores["method"] == "gan"].set_index(["blend", "galaxy"])
    rows = []
    for place, (blend, example_kind) in enumerate(zip(number, kind, strict=True)):
        for galaxy in GALAXIES:
            if (blend, galaxy) not in gan_scores.index:
                raise DeblendError(
                    f"blend {blend} is among the examples but has no score of its {galaxy} galaxy: "
                    "delete both and run again"
                )
            row = gan_scores.loc[(blend, galaxy)]
            rows.append((place, int(blend), example_kind, galaxy, row["psnr_db"], row["ssim"]))
    return pd.DataFrame(rows, columns=["place", "blend", "kind", "galaxy", "psnr_db", "ssim"])


def draw_examples(
    table: pd.DataFrame, images: Mapping[str, np.ndarray], title: str, outputs: Outputs, label: str
) -> None:
    """Draw Figure 3 or 6: true images, the blend, and the predictions with their PSNR.

    The arrangement is that of the paper: true galaxies on the left, the blend in the middle, on
    twice their scale, and predictions on the right. There is no scale bar, since the frames of
    Galaxy Zoo have no common scale: each is cut out according to the size of its galaxy.

    Parameters
    ----------
    table : DataFrame
        Rows of `example_table` to show.
    images : dict
        `blend` (k, y, x, 3), `true` and `predicted` (k, 2, y, x, 3), RGB with 8 bits.
    title : str
        What is shown; it ends the label line.
    outputs : list of path
    label : str
        Scale and data.
    """
    places = list(table["place"].unique())
    psnr = table.set_index(["place", "galaxy"])["psnr_db"]
    n_across = min(N_ACROSS, max(len(places), 1))
    n_rows = max(-(-len(places) // n_across), 1)
    width = TWO_COLUMNS_IN if n_across > 1 else ONE_COLUMN_IN
    side = (width / n_across - LEFT_IN - 3 * GAP_IN) / 4
    step = 2 * side + 3 * GAP_IN
    line = label_line(label, GAN, len(places), title)
    with paper_figure(outputs, line, width, TOP_IN + n_rows * step) as figure:
        # Places are given in inches, so that all images have equal sizes and gaps.
        figure.set_layout_engine("none")
        for i in range(max(len(places), 1)):
            left = (i % n_across) * width / n_across + LEFT_IN
            bottom = (n_rows - 1 - i // n_across) * step + GAP_IN
            lefts = [left, left + side + GAP_IN, left + 3 * side + 2 * GAP_IN]
            centre = _add_panel(figure, lefts[1], bottom + GAP_IN / 2, 2 * side)
            true, predicted = (
                [_add_panel(figure, x, bottom + (1 - k) * (side + GAP_IN), side) for k in range(2)]
                for x in (lefts[0], lefts[2])
            )
            if i < n_across:
                for axis, name in (
                    (true[0], "true"),
                    (centre, "blend"),
                    (predicted[0], "predicted"),
                ):
                    axis.set_title(name)
            if not places:
                panel_note(centre, "none to show")
                continue
            _show(centre, images["blend"][places[i]])
            for k, galaxy in enumerate(GALAXIES):
                _show(true[k], images["true"][places[i], k])
                _show(predicted[k], images["predicted"][places[i], k])
                true[k].set_ylabel(galaxy, fontsize="small", labelpad=2)
                psnr_note(predicted[k], psnr[places[i], galaxy])


def _add_panel(figure: Figure, left: float, bottom: float, side: float) -> Axes:
    """Add a square panel without ticks, at a place in inches."""
    width, height = figure.get_size_inches()
    place = (left / width, bottom / height, side / width, side / height)
    return figure.add_axes(place, xticks=[], yticks=[])


def _show(axis: Axes, image: np.ndarray) -> None:
    axis.imshow(image, origin="upper", interpolation="nearest")


def psnr_note(axis: Axes, value: float, unit: str = " dB") -> None:
    """Write the PSNR (dB) of an image into it; it is infinite if the image is that of the truth."""
    text = f"{value:.1f}{unit}" if np.isfinite(value) else "perfect"
    box = {"facecolor": "black", "alpha": 0.6, "pad": 0.8, "lw": 0}
    image_note(axis, text, va="top", fontsize="small", bbox=box)
