"""Real fields from the ground, from the GAN and from Hubble; not in Hemmati et al. 2022."""

from collections.abc import Mapping

import numpy as np
from deblend.plots.images import asinh_stretch, image_grid
from deblend.plots.style import Outputs, paper_figure

#: Columns of the figure: resolutions and their titles.
TITLES = {"low": "HSC", "gan": "GAN", "high": "HST"}


def draw_pairs(shown: Mapping[str, Mapping[str, np.ndarray]], outputs: Outputs, label: str) -> None:
    """Draw the images of fields from the ground, the GAN and Hubble, with the peaks in each.

    Parameters
    ----------
    shown : dict
        From `deblend.hemmati2022.real_images.compare_peaks`.
    outputs : list of path
    label : str
    """
    size = (4.8, 1.6 * len(shown) + 0.3)
    with paper_figure(outputs, label, size, label_size="x-small") as figure:
        axes = image_grid(figure, len(shown), len(TITLES))
        for row, (name, field) in zip(axes, shown.items(), strict=True):
            side = field["high"].shape[0]
            frame = (-0.5, side - 0.5)
            for axis, (resolution, title) in zip(row, TITLES.items(), strict=True):
                image, xy = field[resolution], field[f"peaks_{resolution}"]
                noise = float(np.diff(np.percentile(image, [16, 50]))[0]) or 1.0
                axis.imshow(asinh_stretch(image, noise), extent=(*frame, *frame))
                axis.plot(*xy.T, "o", mfc="none", mec="red", ms=5)
                axis.set(xlim=frame, ylim=frame)
                axis.set_title(f"{title}, {len(xy)} peaks", fontsize=6)
            row[0].set_ylabel(name, fontsize=6)
