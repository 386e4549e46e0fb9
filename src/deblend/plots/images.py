"""Panels with images: arrangement, brightness scale and labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

#: Space between the label line and panels that are close to each other, inches.
LABEL_PAD_IN = 0.06


def image_grid(
    figure: Figure, rows: int, columns: int, titles: Sequence[str] = (), **title_look: Any
) -> np.ndarray:
    """Create panels for images, without ticks and with titles above the columns.

    Parameters
    ----------
    figure : Figure
    rows, columns : int
    titles : list of str
        Titles of the columns from the left; there may be fewer than columns.
    **title_look
        Options of `Axes.set_title`, such as `fontsize`.

    Returns
    -------
    ndarray of Axes, shape (rows, columns)
    """
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, **title_look)
    return axes


def close_panels(figure: Figure, between_rows: float = 0.01, space: float = 0.0) -> None:
    """Place the panels of a figure close to each other.

    Parameters
    ----------
    figure : Figure
    between_rows : float
        Space above and below each panel, inches; to the left and right it is 0.01.
    space : float
        Additional space between panels, as a share of their mean size.
    """
    # The label line above the panels keeps its distance.
    top = 1 - LABEL_PAD_IN / figure.get_figheight()
    figure.set_layout_engine(
        "constrained",
        w_pad=0.01,
        h_pad=between_rows,
        wspace=space,
        hspace=space,
        rect=(0, 0, 1, top),
    )


def image_note(axis: Axes, text: str, x: float = 0.04, y: float = 0.96, **look: Any) -> None:
    """Write a white text into an image.

    Parameters
    ----------
    axis : Axes
    text : str
    x, y : float
        Position, as shares of the panel's width and height.
    **look
        Options of `Axes.text`.
    """
    axis.text(x, y, text, transform=axis.transAxes, color="white", **look)


def scale_bar(
    axis: Axes, pixel_scale_arcsec: float, length_arcsec: float = 1.0, colour: str = "white"
) -> None:
    """Draw a bar of a given length with its label into the lower left corner of an image.

    Parameters
    ----------
    axis : Axes
        Panel of an image whose units are pixels.
    pixel_scale_arcsec : float
        Arcseconds per pixel.
    length_arcsec : float
    colour : str
    """
    left, right = sorted(axis.get_xlim())
    length = length_arcsec / pixel_scale_arcsec / (right - left)
    axis.plot(
        [0.06, 0.06 + length],
        [0.07, 0.07],
        transform=axis.transAxes,
        color=colour,
        lw=1.5,
        solid_capstyle="butt",
    )
    axis.text(
        0.06,
        0.1,
        f'{length_arcsec:g}"',
        transform=axis.transAxes,
        color=colour,
        fontsize="small",
        va="bottom",
    )


def colour_bar(figure: Figure, image: AxesImage, axes: Any, label: str) -> None:
    """Add a thin colour bar for one or more panels.

    Parameters
    ----------
    figure : Figure
    image : AxesImage
        As from `Axes.imshow`.
    axes : Axes or sequence of Axes
        Panels from which its room is taken.
    label : str
        Quantity and unit.
    """
    bar = figure.colorbar(image, ax=axes, aspect=40, pad=0.01, fraction=0.03)
    bar.set_label(label)


def asinh_stretch(image: np.ndarray, noise_sigma: float, peak: float | None = None) -> np.ndarray:
    """Scale an image to [0, 1]: linear for values near the noise, logarithmic above it.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Sky subtracted, counts/s.
    noise_sigma : float
        Noise per pixel, counts/s. If it is 0, it is estimated from the percentiles of the image.
    peak : float, optional
        Value that becomes 1 (white); default: that of the brightest pixel.
    """
    if not noise_sigma > 0:
        noise_sigma = float(np.diff(np.percentile(image, [16, 84]))[0] / 2) or 1.0
    low, high = -2 * noise_sigma, float(np.max(image)) if peak is None else peak
    ends = np.arcsinh(np.array([low, max(high, 5 * noise_sigma)]) / (2 * noise_sigma))
    scaled = np.arcsinh(image / (2 * noise_sigma))
    return np.clip((scaled - ends[0]) / (ends[1] - ends[0]), 0, 1)
