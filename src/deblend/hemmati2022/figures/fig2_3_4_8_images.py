"""Figures 2, 3, 4 and 8 of Hemmati et al. 2022: images in each resolution and band."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deblend.plots.images import close_panels, colour_bar, image_grid, scale_bar
from deblend.plots.style import (
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    Outputs,
    label_line,
    panel_note,
    paper_figure,
)
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

#: Free space above and below each image, inches.
BETWEEN_ROWS = 0.02


#: Height of the label line with the titles of the columns, and width of the names of the rows,
#: inches.
TITLES_IN, NAMES_IN = 0.36, 0.17


#: Resolutions, and what figures call them.
TITLES = {"high": "high", "low": "low", "gan": "GAN"}


#: Networks whose images Figure 2, Figures 3 and 4, and Figure 8 show.
NETWORKS = {2: "vanilla", 3: "sr", 4: "sr", 8: "sr_multi"}


def _height(width: float, rows: int, columns: int, names: bool = True) -> float:
    """Height at which square panels fill a figure of a given width, inches."""
    side = (width - NAMES_IN * names) / columns
    return rows * (side + BETWEEN_ROWS) + TITLES_IN


def _stretch(images: Any) -> dict[str, Any]:
    """Limits of the grey scale of all images of a figure: from below the sky to the galaxies.

    The images have the asinh scale of the networks, in which both sky noise and galaxies are seen.
    """
    finite = np.asarray(images)[np.isfinite(images)]
    if not finite.size:
        return {"vmin": 0.0, "vmax": 1.0}
    low, sky, high = np.percentile(finite, [16, 50, 99.8])
    # The noise is that of pixels below the median, most of which are sky.
    low = sky - 2.5 * (sky - low)
    return {"vmin": float(low), "vmax": float(max(high, low + 1e-6))}


def _show(
    axis: Axes, image: np.ndarray, field: tuple[int, int] | None = None, **kwargs: Any
) -> AxesImage:
    """Show an image; of a low-resolution image only the field of the high-resolution one.

    Parameters
    ----------
    axis : Axes
    image : ndarray, shape (y, x)
    field : tuple of int, optional
        Only for a low-resolution image: side of the high-resolution image, px, and the ratio of the
        pixel sizes.
    **kwargs
        Passed to `imshow`.
    """
    shown = axis.imshow(image, interpolation="nearest", **kwargs)
    if field:
        side = image.shape[-1]
        trim = (side - field[0] / field[1]) / 2
        axis.set(xlim=(trim - 0.5, side - trim - 0.5), ylim=(trim - 0.5, side - trim - 0.5))
    return shown


def _field_of(high: np.ndarray, low: np.ndarray) -> tuple[int, int]:
    """The argument `field` of `_show`: a high-resolution side of 64 px is less than 22 x 3 px."""
    return high.shape[-1], -(-high.shape[-1] // low.shape[-1])


def draw_fig2(
    real: np.ndarray, generated: np.ndarray, pixel_scale_arcsec: float, outputs: Outputs, label: str
) -> None:
    """Draw Figure 2: galaxies generated from noise (rows 1 and 3) and real ones (row 2).

    Parameters
    ----------
    real : ndarray, shape (k, y, x)
    generated : ndarray, shape (2k, y, x)
    pixel_scale_arcsec : float
        Pixel scale of the images.
    outputs : list of path
    label : str
        Scale and data.
    """
    k = len(real)
    rows = {"generated": generated[:k], "real": real, "generated ": generated[k : 2 * k]}
    line = label_line(label, NETWORKS[2], k + len(generated))
    height = _height(TWO_COLUMNS_IN, 3, max(k, 3)) - TITLES_IN / 2
    with paper_figure(outputs, line, TWO_COLUMNS_IN, height) as figure:
        axes = image_grid(figure, 3, max(k, 1))
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for row, (name, images) in zip(axes, rows.items(), strict=True):
            for axis, image in zip(row, images, strict=False):
                _show(axis, image, **_stretch(real))
            row[0].set_ylabel(name.strip())
        if len(generated):
            scale_bar(axes[0, 0], pixel_scale_arcsec)
        else:
            panel_note(axes[0, 0], "not trained")


def draw_fig3(
    high: np.ndarray,
    low: np.ndarray,
    gan: np.ndarray,
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 3: test galaxies in high, low and GAN resolution, and GAN minus high.

    High and GAN resolution have the same grey scale in all rows; low resolution has its own.

    Parameters
    ----------
    high, gan : ndarray, shape (n, y, x)
    low : ndarray, shape (n, v, u)
    pixel_scale_arcsec : float
        Pixel scale of the high-resolution images.
    outputs : list of path
    label : str
        Scale and data.
    """
    n = max(len(high), 1)
    titles = (*TITLES.values(), "GAN − high")
    line = label_line(label, NETWORKS[3], len(high))
    # The colour bar takes part of the width.
    height = _height(ONE_COLUMN_IN - 0.55, n, len(titles), names=False)
    with paper_figure(outputs, line, ONE_COLUMN_IN, height) as figure:
        axes = image_grid(figure, n, len(titles), titles)
        close_panels(figure, between_rows=BETWEEN_ROWS)
        if not len(high):
            return
        difference, grey = gan - high, _stretch(high)
        # With a perfect network, the difference is noise, which is to look like little.
        half_range = max(
            float(np.nanpercentile(np.abs(difference), 99.5)), (grey["vmax"] - grey["vmin"]) / 4
        )
        looks: list[dict[str, Any]] = [
            grey,
            {"field": _field_of(high, low)} | _stretch(low),
            grey,
            {"cmap": "RdBu_r", "vmin": -half_range, "vmax": half_range},
        ]
        for row, *images in zip(axes, high, low, gan, difference, strict=True):
            for axis, image, look in zip(row, images, looks, strict=True):
                shown = _show(axis, image, **look)
        scale_bar(axes[0, 0], pixel_scale_arcsec)
        colour_bar(figure, shown, axes, "GAN − high (asinh scale)")


def _mark(axis: Axes, xy: np.ndarray, marker: str) -> None:
    """Mark positions in red, whole marks at the edge too, without changing the axes' limits."""
    limits = axis.get_xlim(), axis.get_ylim()
    look: dict[str, Any] = {"color": "red", "lw": 1.0, "s": 22}
    if marker == "o":
        look = {"facecolors": "none", "edgecolors": "red", "lw": 0.9, "s": 26}
    marks = axis.scatter(xy[:, 0], xy[:, 1], marker=marker, clip_on=False, **look)
    marks.set_in_layout(False)
    axis.set(xlim=limits[0], ylim=limits[1])


def draw_fig4(
    images: Mapping[str, np.ndarray],
    kinds: Sequence[str],
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 4: galaxies, their blend in three resolutions, and its peaks.

    Parameters
    ----------
    images : dict
        `galaxy1`, `galaxy2`, `high`, `gan` (n, y, x); `low` (n, v, u); `positions` (n, 2, 2), x and
        y of both galaxies in px of the high resolution; `peaks_high`, `peaks_low`, `peaks_gan`
        (p, 3), number of the example, x and y in px of that resolution.
    kinds : list of str
        Kind of each blend, for example "easy".
    pixel_scale_arcsec : float
        Pixel scale of the high-resolution images.
    outputs : list of path
    label : str
        Scale and data.
    """
    n = max(len(kinds), 1)
    titles = ("galaxy 1", "galaxy 2", *TITLES.values())
    line = label_line(label, NETWORKS[4], len(kinds))
    height = _height(TWO_COLUMNS_IN, n, len(titles))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, height) as figure:
        axes = image_grid(figure, n, len(titles), titles)
        close_panels(figure, between_rows=BETWEEN_ROWS)
        grey, grey_low = _stretch(images["high"]), _stretch(images["low"])
        for i, (row, kind) in enumerate(zip(axes, kinds, strict=False)):
            high, low = images["high"][i], images["low"][i]
            for k in range(2):
                _show(row[k], images[f"galaxy{k + 1}"][i], **grey)
                _mark(row[k], images["positions"][i, k : k + 1], "x")
            for axis, name in zip(row[2:], TITLES, strict=True):
                if name == "low":
                    _show(axis, low, _field_of(high, low), **grey_low)
                else:
                    _show(axis, images[name][i], **grey)
                peaks = np.reshape(images[f"peaks_{name}"], (-1, 3))
                _mark(axis, peaks[peaks[:, 0] == i, 1:], "o")
            row[0].set_ylabel(kind.replace("_", " "))
        if len(kinds):
            scale_bar(axes[0, 0], pixel_scale_arcsec)


def draw_fig8(
    images: Mapping[str, np.ndarray],
    bands: Sequence[str],
    band: str,
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw Figure 8: one blend in all bands, in high, low and GAN resolution.

    Parameters
    ----------
    images : dict
        `multi_high`, `multi_gan` (band, y, x); `multi_low` (band, v, u); `multi_peaks_high`,
        `multi_peaks_low`, `multi_peaks_gan` (p, 2), x and y in px of that resolution. Absent if
        there is no multi-band network.
    bands : list of str
    band : str
        Band in which peaks were searched for.
    pixel_scale_arcsec : float
        Pixel scale of the high-resolution images.
    outputs : list of path
    label : str
        Scale and data.
    """
    n = max(len(bands), 1)
    line = label_line(label, NETWORKS[8], 1 if bands else None)
    # With fewer bands, the panels would be huge.
    width = TWO_COLUMNS_IN if n > 3 or not bands else ONE_COLUMN_IN
    height = _height(width, 3, n if bands else 7)
    with paper_figure(outputs, line, width, height) as figure:
        axes = image_grid(figure, 3, n, bands)
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for row, (name, title) in zip(axes, TITLES.items(), strict=True):
            row[0].set_ylabel(title)
            if f"multi_{name}" not in images:
                panel_note(row[n // 2], "not trained")
                continue
            grey = _stretch(images["multi_low" if name == "low" else "multi_high"])
            for axis, image, high, own_band in zip(
                row, images[f"multi_{name}"], images["multi_high"], bands, strict=True
            ):
                _show(axis, image, _field_of(high, image) if name == "low" else None, **grey)
                if own_band == band:
                    _mark(axis, np.reshape(images[f"multi_peaks_{name}"], (-1, 2)), "+")
        if "multi_high" in images:
            scale_bar(axes[0, 0], pixel_scale_arcsec)
