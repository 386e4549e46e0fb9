"""Panels with images: how they are arranged, stretched and written on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def image_grid(
    figure: Figure, rows: int, columns: int, titles: Sequence[str] = (), **title_look: Any
) -> np.ndarray:
    """Make panels for images: without ticks, with titles over the columns.

    Parameters
    ----------
    figure : Figure
    rows, columns : int
    titles : list of str
        Of the first columns, from the left.
    **title_look
        For `Axes.set_title`, such as `fontsize`.

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
    """Put the panels of a figure close together.

    Parameters
    ----------
    figure : Figure
    between_rows : float
        Free space above and below each panel, inches; beside each it is 0.01.
    space : float
        More space between panels, as a share of their mean size.
    """
    figure.set_layout_engine(
        "constrained", w_pad=0.01, h_pad=between_rows, wspace=space, hspace=space
    )


def image_note(axis: Axes, text: str, x: float = 0.04, y: float = 0.96, **look: Any) -> None:
    """Write into an image in white.

    Parameters
    ----------
    axis : Axes
    text : str
    x, y : float
        Where, as shares of the panel's sides.
    **look
        For `Axes.text`.
    """
    axis.text(x, y, text, transform=axis.transAxes, color="white", **look)


def asinh_stretch(image: np.ndarray, noise_sigma: float, peak: float | None = None) -> np.ndarray:
    """Stretch an image to [0, 1]: linear in the noise, logarithmic above it.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Sky subtracted, counts/s.
    noise_sigma : float
        Noise a pixel, counts/s. Where it is 0, the image's own spread stands for it.
    peak : float, optional
        What becomes 1 (white); without one the image's brightest pixel.
    """
    if not noise_sigma > 0:
        noise_sigma = float(np.diff(np.percentile(image, [16, 84]))[0] / 2) or 1.0
    low, high = -2 * noise_sigma, float(np.max(image)) if peak is None else peak
    ends = np.arcsinh(np.array([low, max(high, 5 * noise_sigma)]) / (2 * noise_sigma))
    scaled = np.arcsinh(image / (2 * noise_sigma))
    return np.clip((scaled - ends[0]) / (ends[1] - ends[0]), 0, 1)
