"""More than two galaxies, deblended one after the other (Reiman & Goehre 2019, Sect. 2.3)."""

import numpy as np
import pandas as pd
from deblend.plots.images import close_panels, image_grid
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.figures.fig3_6_examples import psnr_note

#: Number of groups in the figure.
N_SHOWN = 6


def draw_groups_figure(
    scores: pd.DataFrame,
    blends: np.ndarray,
    truth: np.ndarray,
    matched: np.ndarray,
    network: str,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw the first groups: blend, true galaxies, and the deblended ones with their PSNR.

    There is no scale bar, since the frames of Galaxy Zoo have no common scale.

    Parameters
    ----------
    scores : DataFrame
        From `deblend.reiman2019.several_galaxies.group_scores`.
    blends : ndarray, shape (n, y, x, 3)
        In [0, 1], of the first n groups of `scores`.
    truth, matched : ndarray, shape (n, n_galaxies, y, x, 3)
        The true galaxies, and the image that was matched with each.
    network : str
        Name of the network.
    outputs : list of path
    label : str
        Scale and data.
    """
    n, n_galaxies = min(len(blends), N_SHOWN), truth.shape[1]
    # Of many galaxies the panels are small.
    word, unit = ("galaxy ", " dB") if n_galaxies <= 5 else ("no. ", "")
    names = ["central", *(f"{word}{g + 1}" for g in range(1, n_galaxies))]
    titles = ["\nblend", *(f"true\n{x}" for x in names), *(f"found\n{x}" for x in names)]
    side = (TWO_COLUMNS_IN - 0.1) / len(titles)
    line = label_line(label, network, n, f"{n_galaxies} galaxies")
    with paper_figure(outputs, line, TWO_COLUMNS_IN, n * (side + 0.02) + 0.5) as figure:
        axes = image_grid(figure, n, len(titles), titles, fontsize="small")
        close_panels(figure, 0.02)
        for i in range(n):
            shown = [blends[i], *truth[i], *matched[i]]
            for axis, image in zip(axes[i], shown, strict=True):
                axis.imshow(np.clip(image, 0, 1), origin="upper", interpolation="nearest")
                axis.set_axis_off()
            for galaxy in range(n_galaxies):
                row = scores[(scores["blend"] == i) & (scores["galaxy"] == galaxy)].iloc[0]
                psnr_note(axes[i, 1 + n_galaxies + galaxy], row["psnr_db"], unit)
