"""More than two galaxies, deblended one after the other (Reiman & Goehre 2019, Sect. 2.3)."""

import numpy as np
import pandas as pd
from deblend.plots.images import image_grid, image_note
from deblend.plots.style import Outputs, paper_figure

#: Number of groups in the figure.
N_SHOWN = 6


def draw_groups_figure(
    scores: pd.DataFrame,
    blends: np.ndarray,
    truth: np.ndarray,
    matched: np.ndarray,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw the first groups: blend, true galaxies, and the deblended ones with their PSNR.

    Parameters
    ----------
    scores : DataFrame
        From `deblend.reiman2019.several_galaxies.group_scores`.
    blends : ndarray, shape (n, y, x, 3)
        In [0, 1], of the first n groups of `scores`.
    truth, matched : ndarray, shape (n, n_galaxies, y, x, 3)
        The true galaxies, and the image that was matched with each.
    outputs : list of path
    label : str
    """
    n, n_galaxies = min(len(blends), N_SHOWN), truth.shape[1]
    names = ["central", *(f"galaxy {g + 1}" for g in range(1, n_galaxies))]
    titles = ["blend", *(f"true {x}" for x in names), *(f"found {x}" for x in names)]
    with paper_figure(outputs, label, (len(titles), n + 0.4), label_size="x-small") as figure:
        axes = image_grid(figure, n, len(titles), titles, fontsize=6)
        for i in range(n):
            shown = [blends[i], *truth[i], *matched[i]]
            for axis, image in zip(axes[i], shown, strict=True):
                axis.imshow(np.clip(image, 0, 1))
                axis.set_axis_off()
            for galaxy in range(n_galaxies):
                row = scores[(scores["blend"] == i) & (scores["galaxy"] == galaxy)].iloc[0]
                axis = axes[i, 1 + n_galaxies + galaxy]
                image_note(axis, f"{row['psnr_db']:.1f} dB", va="top", fontsize=6)
