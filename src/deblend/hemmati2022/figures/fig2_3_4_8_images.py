"""Figures 2, 3, 4 and 8 of Hemmati et al. 2022: images in each resolution and band."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deblend.plots.images import close_panels, image_grid
from deblend.plots.style import Outputs, panel_note, paper_figure
from matplotlib.axes import Axes

#: Free space above and below each image, inches.
BETWEEN_ROWS = 0.03


def _limits(image: np.ndarray) -> dict[str, Any]:
    """Limits of the grey scale, which include nearly all values of an image."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return {"vmin": 0.0, "vmax": 1.0}
    low, high = np.percentile(finite, [1, 99.8])
    return {"vmin": float(low), "vmax": float(max(high, low + 1e-6))}


def _show(
    axis: Axes, image: np.ndarray, field: tuple[int, int] | None = None, **kwargs: Any
) -> None:
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
    axis.imshow(image, interpolation="nearest", **(_limits(image) | kwargs))
    if field:
        side = image.shape[-1]
        trim = (side - field[0] / field[1]) / 2
        axis.set(xlim=(trim - 0.5, side - trim - 0.5), ylim=(trim - 0.5, side - trim - 0.5))


def _field_of(high: np.ndarray, low: np.ndarray) -> tuple[int, int]:
    """The argument `field` of `_show`: a high-resolution side of 64 px is less than 22 x 3 px."""
    return high.shape[-1], -(-high.shape[-1] // low.shape[-1])


def draw_fig2(real: np.ndarray, generated: np.ndarray, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: galaxies generated from noise (rows 1 and 3) and real ones (row 2).

    Parameters
    ----------
    real : ndarray, shape (k, y, x)
    generated : ndarray, shape (2k, y, x)
    outputs : list of path
    label : str
    """
    k = len(real)
    rows = {"generated": generated[:k], "real": real, "generated ": generated[k : 2 * k]}
    with paper_figure(outputs, label, (7.2, 7.0 * 3 / max(k, 3) + 0.3)) as figure:
        axes = image_grid(figure, 3, max(k, 1))
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for row, (name, images) in zip(axes, rows.items(), strict=True):
            for axis, image in zip(row, images, strict=False):
                _show(axis, image, **_limits(real))
            row[0].set_ylabel(name.strip())
        if not len(generated):
            panel_note(axes[0, 0], "not trained")


def draw_fig3(
    high: np.ndarray, low: np.ndarray, gan: np.ndarray, outputs: Outputs, label: str
) -> None:
    """Draw Figure 3: test galaxies in high, low and GAN resolution, and GAN minus high.

    Parameters
    ----------
    high, gan : ndarray, shape (n, y, x)
    low : ndarray, shape (n, v, u)
    outputs : list of path
    label : str
    """
    n = max(len(high), 1)
    with paper_figure(outputs, label, (3.6, 0.87 * n + 0.55), label_size="x-small") as figure:
        axes = image_grid(figure, n, 4, ("high", "low", "GAN", "GAN − high"))
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for row, high_image, low_image, gan_image in zip(axes, high, low, gan, strict=False):
            grey_limits = _limits(high_image)
            _show(row[0], high_image, **grey_limits)
            _show(row[1], low_image, _field_of(high_image, low_image))
            _show(row[2], gan_image, **grey_limits)
            half_range = (grey_limits["vmax"] - grey_limits["vmin"]) / 2
            _show(row[3], gan_image - high_image, cmap="RdBu_r", vmin=-half_range, vmax=half_range)


def _mark(axis: Axes, xy: np.ndarray, marker: str) -> None:
    """Mark positions in red without changing the limits of the axes."""
    limits = axis.get_xlim(), axis.get_ylim()
    look: dict[str, Any] = {"color": "red", "lw": 1.0, "s": 22}
    if marker == "o":
        look = {"facecolors": "none", "edgecolors": "red", "lw": 0.9, "s": 26}
    axis.scatter(xy[:, 0], xy[:, 1], marker=marker, **look)
    axis.set(xlim=limits[0], ylim=limits[1])


def draw_fig4(
    images: Mapping[str, np.ndarray], kinds: Sequence[str], outputs: Outputs, label: str
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
    outputs : list of path
    label : str
    """
    n = max(len(kinds), 1)
    with paper_figure(outputs, label, (7.2, 1.42 * n + 0.5)) as figure:
        axes = image_grid(figure, n, 5, ("galaxy 1", "galaxy 2", "high", "low", "GAN"))
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for i, (row, kind) in enumerate(zip(axes, kinds, strict=False)):
            high, low = images["high"][i], images["low"][i]
            grey_limits = _limits(high)
            for k in range(2):
                _show(row[k], images[f"galaxy{k + 1}"][i], **grey_limits)
                _mark(row[k], images["positions"][i, k : k + 1], "x")
            for axis, name in zip(row[2:], ("high", "low", "gan"), strict=True):
                _show(
                    axis,
                    images[name][i],
                    *([_field_of(high, low)] if name == "low" else []),
                    **({} if name == "low" else grey_limits),
                )
                peaks = np.reshape(images[f"peaks_{name}"], (-1, 3))
                _mark(axis, peaks[peaks[:, 0] == i, 1:], "o")
            row[0].set_ylabel(kind.replace("_", " "), fontsize=7)


def draw_fig8(
    images: Mapping[str, np.ndarray], bands: Sequence[str], band: str, outputs: Outputs, label: str
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
    outputs : list of path
    label : str
    """
    n = max(len(bands), 1)
    size = (7.2, 7.0 * 3 / (max(n, 4) if len(bands) else 7) + 0.45)
    with paper_figure(outputs, label, size) as figure:
        axes = image_grid(figure, 3, n, bands)
        close_panels(figure, between_rows=BETWEEN_ROWS)
        for row, (name, title) in zip(
            axes, (("high", "high"), ("low", "low"), ("gan", "GAN")), strict=True
        ):
            row[0].set_ylabel(title)
            if f"multi_{name}" not in images:
                panel_note(row[n // 2], "not trained")
                continue
            for axis, image, high, own_band in zip(
                row, images[f"multi_{name}"], images["multi_high"], bands, strict=True
            ):
                if name == "low":
                    _show(axis, image, _field_of(high, image))
                else:
                    _show(axis, image, **_limits(high))
                if own_band == band:
                    _mark(axis, np.reshape(images[f"multi_peaks_{name}"], (-1, 2)), "+")
