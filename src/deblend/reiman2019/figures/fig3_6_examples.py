"""Figures 3 and 6 of Reiman & Goehre 2019: successful and failed predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.plots.images import close_panels, image_note
from deblend.plots.style import Outputs, panel_note, paper_figure
from deblend.reiman2019.metrics import GALAXIES

#: Number of examples side by side.
N_ACROSS = 2


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

    Parameters
    ----------
    table : DataFrame
        Rows of `example_table` to show.
    images : dict
        `blend` (k, y, x, 3), `true` and `predicted` (k, 2, y, x, 3), RGB with 8 bits.
    title : str
    outputs : list of path
    label : str
    """
    places = list(table["place"].unique())
    psnr = table.set_index(["place", "galaxy"])["psnr_db"]
    headings = (
        "true\ncentral",
        "true\ncompanion",
        "blend",
        "predicted\ncentral",
        "predicted\ncompanion",
    )
    n_across = min(N_ACROSS, max(len(places), 1))
    n_rows = max(-(-len(places) // n_across), 1)
    # A narrow empty column separates examples that are side by side.
    widths = [1.0] * 5 + ([0.18] + [1.0] * 5) * (n_across - 1)
    side = 7.0 / sum([1.0] * 5 + ([0.18] + [1.0] * 5) * (N_ACROSS - 1))
    size = (max(side * sum(widths), 3.6) + 0.1, side * n_rows + 0.65)
    with paper_figure(outputs, f"{title}\n{label}", size) as figure:
        axes = figure.subplots(n_rows, len(widths), squeeze=False, width_ratios=widths)
        close_panels(figure)
        for axis in axes.flat:
            axis.set_axis_off()
        for i, place in enumerate(places):
            row, start = i // n_across, 6 * (i % n_across)
            true, predicted = images["true"][place], images["predicted"][place]
            shown = (*true, images["blend"][place], *predicted)
            for column, image in enumerate(shown):
                axis = axes[row, start + column]
                axis.imshow(image, origin="upper", interpolation="nearest")
                if row == 0:
                    axis.set_title(headings[column], fontsize=6)
            for column, galaxy in enumerate(GALAXIES, start=3):
                value = psnr[place, galaxy]
                text = f"{value:.1f} dB" if np.isfinite(value) else "perfect"
                image_note(axes[row, start + column], text, va="top", fontsize=6)
        if not places:
            panel_note(axes[0, 2], "none to show")
