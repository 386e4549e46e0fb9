"""Stamps around sources, at the pixel scale of a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deblend.data.noise import noise_images
from deblend.scenes.scenes import Scenes
from deblend.scenes.weights import UnsuitedNetworkError
from deblend.seeds import generator
from deblend.space import need_memory
from scipy.interpolate import CubicSpline

#: Relative difference of pixel scales that is none.
SAME_SCALE = 0.01

#: Images are resampled if their pixels are smaller than a network's by the first factor at most,
#: or larger by the second: then details would be made up.
FINER_MAX, COARSER_MAX = 4.0, 1.25

#: Pixels around a window that are cut out too, since splines reach beyond it.
MARGIN_PX = 4


@dataclass(frozen=True)
class StampSet:
    """Stamps of sources.

    Attributes
    ----------
    images : ndarray, shape (n, size, size), float32
        Counts/s; noise where the scene has no data.
    missing : ndarray, shape (n,)
        Share of the pixels without data.
    corners : ndarray, shape (n, 2)
        y and x of the outer corner of each stamp's first pixel, px of the scene.
    step_px : float
        Side of a pixel of the stamps in pixels of the scenes, 1 where they are not resampled.
    """

    images: np.ndarray
    missing: np.ndarray
    corners: np.ndarray
    step_px: float


def pixel_ratio(scene_arcsec: float, network_arcsec: float, name: str) -> float:
    """Side of a network's pixels in pixels of the scenes, 1 if they are the same.

    Raises
    ------
    UnsuitedNetworkError
        The pixels of the scenes are too large or too small to be resampled.
    """
    ratio = network_arcsec / scene_arcsec
    if abs(ratio - 1) < SAME_SCALE:
        return 1.0
    if not 1 / COARSER_MAX <= ratio <= FINER_MAX:
        remedy = (
            "sum blocks of pixels first"
            if ratio > 1
            else "take images with smaller pixels, or train a network on such pixels"
        )
        raise UnsuitedNetworkError(
            f"pixel_scale_arcsec is {scene_arcsec:g}, and {name} was trained at "
            f"{network_arcsec:.4g} (from {network_arcsec / FINER_MAX:.3g} to "
            f"{network_arcsec * COARSER_MAX:.3g} are resampled): {remedy}, or correct it"
        )
    return ratio


def cut_stamps(
    scenes: Scenes,
    band: int,
    scene: np.ndarray,
    yx: np.ndarray,
    size: int,
    ratio: float,
    *,
    centre: float,
    seed: int = 0,
) -> StampSet:
    """Cut stamps around sources, and resample them where the pixel scales differ.

    Parameters
    ----------
    scenes : Scenes
    band : int
    scene : ndarray of int, shape (n,)
    yx : ndarray, shape (n, 2)
        Positions of the sources, px.
    size : int
        Side of the stamps, their own pixels.
    ratio : float
        Side of a pixel of the stamps in pixels of the scenes. With 1 stamps are cut at whole pixels
        and the source is within half a pixel of the centre.
    centre : float
        Coordinate of the source in the stamp, x and y, from the centre of the first pixel.
    seed : int
        Of the noise where the scene has no data.

    Returns
    -------
    StampSet
        The flux of a pixel that is resampled is the integral of a spline over its area, so that
        flux is conserved.
    """
    need_memory(f"{len(scene)} stamps of sources", 4 * len(scene) * size**2, "fewer scenes")
    stamps = np.empty((len(scene), size, size), np.float32)
    missing, corners = np.zeros(len(scene)), np.zeros((len(scene), 2))
    margin = 0 if ratio == 1 else MARGIN_PX
    side = int(np.ceil(size * ratio)) + 2 * margin + (ratio != 1)
    for k in range(len(scene)):
        corner = yx[k] + 0.5 - ratio * (centre + 0.5)
        first = np.round(corner).astype(int) if ratio == 1 else np.floor(corner).astype(int)
        corner = first.astype(float) if ratio == 1 else corner
        rng = generator(seed, "no data", scene[k], band, k)
        window, lacks = window_of(scenes, scene[k], band, first - margin, (side, side), rng)
        if ratio == 1:
            stamps[k] = window
        else:
            rows, columns = (
                rebinning(side, size, ratio, start) for start in corner - (first - margin)
            )
            stamps[k] = rows @ window.astype(float) @ columns.T
        inner = lacks[margin : side - margin or None, margin : side - margin or None]
        missing[k], corners[k] = inner.mean(), corner
    return StampSet(stamps, missing, corners, ratio)


def window_of(
    scenes: Scenes,
    scene: int,
    band: int,
    first: Sequence[int] | np.ndarray,
    shape: tuple[int, int],
    rng: np.random.Generator,
    also: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A window of an image, with noise where there are no data.

    Parameters
    ----------
    scenes : Scenes
    scene, band : int
    first : (int, int)
        y and x of the first pixel, which can be beyond the edge.
    shape : (int, int)
    rng : Generator
    also : ndarray of bool, shape (y, x), optional
        Further pixels of the scene that noise replaces.

    Returns
    -------
    window : ndarray, shape `shape`, float32
    lacks : ndarray of bool, shape `shape`
        Where there are no data.
    """
    ny, nx = scenes.images.shape[2:]
    out = np.full(shape, np.nan, np.float32)
    replaced = np.zeros(shape, bool)
    y0, x0 = first
    ys, xs = slice(max(y0, 0), min(y0 + shape[0], ny)), slice(max(x0, 0), min(x0 + shape[1], nx))
    if ys.stop > ys.start and xs.stop > xs.start:
        target = np.s_[ys.start - y0 : ys.stop - y0, xs.start - x0 : xs.stop - x0]
        out[target] = scenes.images[scene, band, ys, xs]
        if also is not None:
            replaced[target] = also[ys, xs]
    lacks = np.isnan(out)
    if lacks.any() or replaced.any():
        correlation = scenes.noise_correlation
        noise = noise_images(
            rng,
            shape,
            float(scenes.noise_sigma[scene, band]),
            None if correlation is None else correlation[band],
        )
        out[lacks | replaced] = noise[lacks | replaced]
    return out, lacks


def rebinning(side: int, size: int, ratio: float, start: float) -> np.ndarray:
    """Matrix that rebins a row of pixels.

    The sum of all pixels up to an edge is interpolated with a cubic spline, of which a new pixel is
    the difference between both its edges.

    Parameters
    ----------
    side, size : int
        Numbers of pixels before and after.
    ratio : float
        Width of a new pixel, in old ones.
    start : float
        Outer edge of the first new pixel, in old ones from that of the first.

    Returns
    -------
    ndarray, shape (size, side)
    """
    sums = np.vstack([np.zeros(side), np.tril(np.ones((side, side)))])
    edges = (start + ratio * np.arange(size + 1)).clip(0, side)
    return np.diff(CubicSpline(np.arange(side + 1), sums)(edges), axis=0)


def noise_after(sigma: np.ndarray, size: int, ratio: float) -> np.ndarray:
    """Noise of a pixel after `cut_stamps`, of white noise of a standard deviation before."""
    if ratio == 1:
        return sigma
    side = int(np.ceil(size * ratio)) + 2 * MARGIN_PX + 1
    squares = (rebinning(side, size, ratio, MARGIN_PX + 0.5) ** 2).sum(axis=1)[1:-1].mean()
    return sigma * squares
