"""Real images of overlapping galaxies, and what a generator makes of them."""

from collections.abc import Sequence

import numpy as np
from deblend.plots.images import close_panels, image_grid, image_note
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, paper_figure
from deblend.reiman2019.own_images import Separated

#: Blends side by side.
N_ACROSS = 2

#: Residuals are shown this many times as strong, on grey.
RESIDUAL_FACTOR = 2

TITLES = ("input", "central", "companion", f"residual x {RESIDUAL_FACTOR}")


def draw_separated(
    separated: Separated, names: Sequence[str], outputs: Outputs, label: str
) -> None:
    """Draw each blend, both galaxies, and the blend minus the galaxies blended again.

    There is no scale bar, since the images of Galaxy Zoo have no common scale.

    Parameters
    ----------
    separated : Separated
    names : list of str
        Of the blends.
    outputs : list of path
    label : str
        Scale and data.
    """
    n_rows = -(-len(names) // N_ACROSS)
    titles = TITLES * N_ACROSS
    side = (TWO_COLUMNS_IN - 0.1) / len(titles)
    with paper_figure(outputs, label, TWO_COLUMNS_IN, n_rows * (side + 0.02) + 0.5) as figure:
        axes = image_grid(figure, n_rows, len(titles), titles, fontsize="small")
        close_panels(figure, 0.02)
        for axis in axes.flat:
            axis.set_axis_off()
        shown = zip(names, separated.blends, separated.galaxies, separated.residuals(), strict=True)
        for number, (name, blend, galaxies, residual) in enumerate(shown):
            row, place = divmod(number, N_ACROSS)
            images = (blend, *galaxies, 0.5 + RESIDUAL_FACTOR * residual)
            first = len(TITLES) * place
            for axis, image in zip(axes[row, first : first + len(TITLES)], images, strict=True):
                axis.imshow(np.clip(image, 0, 1), origin="upper", interpolation="nearest")
            image_note(axes[row, first], name, va="top", fontsize="small")
