"""Real fields from the ground, from the GAN and from Hubble; not in Hemmati et al. 2022."""

from collections.abc import Mapping

import numpy as np
from deblend.plots.images import asinh_stretch, close_panels, image_grid, scale_bar
from deblend.plots.style import ONE_COLUMN_IN, Outputs, label_line, paper_figure

#: Columns of the figure: resolutions and their titles.
TITLES = {"low": "HSC", "gan": "GAN", "high": "HST"}


#: Percentile of the pixels that becomes white: brighter ones are the cores of stars.
WHITE_PERCENTILE = 99.9


def _noise_and_peak(images: list[np.ndarray]) -> tuple[float, float]:
    """Arguments of `asinh_stretch` for all images of a resolution."""
    pixels = np.concatenate([image.ravel() for image in images])
    low, sky, peak = np.percentile(pixels, [16, 50, WHITE_PERCENTILE])
    return float(sky - low), float(peak)


def draw_pairs(
    shown: Mapping[str, Mapping[str, np.ndarray]],
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw the images of fields from the ground, the GAN and Hubble, with the peaks in each.

    The GAN's images have the brightness scale of Hubble's; the ground's have their own, since their
    pixels are larger.

    Parameters
    ----------
    shown : dict
        From `deblend.hemmati2022.real_images.find_field_peaks`.
    pixel_scale_arcsec : float
        Pixel scale of the high-resolution images.
    outputs : list of path
    label : str
        Scale, data and network.
    """
    stretches = {
        name: _noise_and_peak([field[name] for field in shown.values()]) for name in ("low", "high")
    }
    # Panels are as wide as the figure allows, and each has a title.
    height = len(shown) * ((ONE_COLUMN_IN - 0.2) / len(TITLES) + 0.2) + 0.2
    with paper_figure(outputs, label_line(label, len(shown)), ONE_COLUMN_IN, height) as figure:
        axes = image_grid(figure, len(shown), len(TITLES))
        close_panels(figure, between_rows=0.02)
        for row, (name, field) in zip(axes, shown.items(), strict=True):
            side = field["high"].shape[0]
            frame = (-0.5, side - 0.5)
            for axis, (resolution, title) in zip(row, TITLES.items(), strict=True):
                image, xy = field[resolution], field[f"peaks_{resolution}"]
                stretch = stretches["low" if resolution == "low" else "high"]
                axis.imshow(asinh_stretch(image, *stretch), extent=(*frame, *frame), vmin=0, vmax=1)
                axis.plot(*xy.T, "o", mfc="none", mec="red", mew=0.7, ms=5)
                axis.set(xlim=frame, ylim=frame)
                axis.set_title(f"{title}, {len(xy)} peaks", fontsize="small")
            row[0].set_ylabel(name)
        # The bar takes about a fifth of the first field.
        length = len(next(iter(shown.values()))["high"]) * pixel_scale_arcsec / 5
        scale_bar(axes[0, 0], pixel_scale_arcsec, max(1.0, float(np.round(length))))
