"""Sky and noise of the user's images, and its correlation, from pixels without sources."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deblend.data.noise import (
    MIN_PIXELS,
    background_pixels,
    measure_correlation,
    tapered_correlation,
)
from deblend.errors import DeblendError
from deblend.photometry.sep import background_rms

log = logging.getLogger(__name__)

#: Correlations that differ from white noise by less than this many errors are none.
CORRELATION_ERRORS = 3.0

#: Larger images are cut into tiles of about this side, px: the errors of the correlation come from
#: the scatter between tiles. A single image that is smaller is cut into four.
TILE_PX = 96


@dataclass(frozen=True)
class Background:
    """Sky level and noise of images, shape (n, band), counts/s.

    Attributes
    ----------
    sky : ndarray
        0 where it could not be measured.
    noise : ndarray
    measured : ndarray of bool
        Whether there are enough pixels without sources.
    """

    sky: np.ndarray
    noise: np.ndarray
    measured: np.ndarray


def measure_background(images: np.ndarray) -> Background:
    """Sky level and noise of each image and band.

    From pixels without sources where there are enough of them. Elsewhere the noise is the median of
    that of the other images, or else from SEP's background. In bands in which an image has no data
    it is that of the others too, and of no image 1.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x)
        NaN where there are no data.

    Raises
    ------
    DeblendError
        An image has no noise.
    """
    n, n_bands = images.shape[:2]
    sky, noise = np.zeros((n, n_bands)), np.full((n, n_bands), np.nan)
    for i in range(n):
        for b in range(n_bands):
            image = images[i, b].astype(float)
            pixels = image[background_pixels(image)]
            if len(pixels) >= MIN_PIXELS:
                sky[i, b] = np.median(pixels)
                noise[i, b] = 1.4826 * np.median(np.abs(pixels - sky[i, b]))
    measured = noise > 0
    has_data = ~np.isnan(images).all(axis=(2, 3))
    for b in range(n_bands):
        typical = np.median(noise[measured[:, b], b]) if measured[:, b].any() else np.nan
        crowded = np.flatnonzero(~measured[:, b] & has_data[:, b])
        for i in crowded.tolist():
            noise[i, b] = typical if typical > 0 else _rms(images[i, b])
        if len(crowded):
            log.warning(
                "%d of %d images have fewer than %d pixels without sources (the first: %d): their "
                "sky is not subtracted, and their noise is %s",
                *(len(crowded), n, MIN_PIXELS, crowded[0]),
                "that of the others" if typical > 0 else "from SEP's background",
            )
        known = noise[has_data[:, b], b]
        noise[~has_data[:, b], b] = np.median(known) if len(known) else 1.0
    wrong = np.argwhere(~(noise > 0))
    if len(wrong):
        raise DeblendError(
            f"image {wrong[0][0]} has no noise: give noise_sigma, or images with noise"
        )
    return Background(sky, noise, measured)


def _rms(image: np.ndarray) -> float:
    filled = np.where(np.isfinite(image), image, np.nanmedian(image))
    # SEP takes a constant image to have a noise of 1.
    return background_rms(filled.astype(np.float32)) if np.ptp(filled) > 0 else 0.0


def measure_correlations(
    images: np.ndarray, bands: Sequence[str]
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Correlation of the noise of each band.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x)
    bands : sequence of str
        Their names, for messages.

    Returns
    -------
    correlation : ndarray, shape (band, 2 L + 1, 2 L + 1), or None
        None if the noise of all bands is white. Noise whose correlation cannot be measured is
        assumed to be white, and a warning is logged.
    notes : tuple of str
        `white`, `correlated` or `white (assumed)`, by band.
    """
    found: list[np.ndarray | None] = []
    notes = []
    for number, band in enumerate(bands):
        try:
            measured = measure_correlation(_tiles(images[:, number]))
        except DeblendError as error:
            log.warning(
                "%s: the correlation of the noise is not known (%s): it is taken for white; in "
                "drizzled images the errors of fluxes are then too small by a factor of about 2",
                *(band, error),
            )
            found.append(None)
            notes.append("white (assumed)")
            continue
        half, errors = np.array(measured["correlation"]), np.array(measured["error"])
        # What is not significant is not kept, so that white noise stays white.
        neighbour = half[0, half.shape[1] // 2 + 1], errors[0, half.shape[1] // 2 + 1]
        if abs(neighbour[0]) < CORRELATION_ERRORS * max(neighbour[1], 0.01):
            found.append(None)
            notes.append("white")
            continue
        table = np.concatenate([half[:0:-1, ::-1], half])
        # The row of dy = 0 has both directions, which measurements make equal up to rounding.
        table = (table + table[::-1, ::-1]) / 2
        middle = len(table) // 2
        table[middle, middle] = 1.0
        tapered = tapered_correlation(table)
        if tapered is not table:
            log.warning(
                "%s: the noise is correlated over more than %d px, of which the noise that stands "
                "in for missing data, and errors of fluxes, know a part",
                *(band, middle),
            )
        found.append(tapered)
        notes.append("correlated")
    tables = [table for table in found if table is not None]
    if not tables:
        return None, tuple(notes)
    white = np.zeros_like(tables[0])
    white[len(white) // 2, len(white) // 2] = 1.0
    return np.stack([white if table is None else table for table in found]), tuple(notes)


def _tiles(images: np.ndarray) -> list[np.ndarray]:
    """Images (n, y, x), larger ones in tiles, of which there are at least four."""
    parts = [max(1, round(side / TILE_PX)) for side in images.shape[1:]]
    if len(images) == 1 and parts == [1, 1]:
        parts = [2, 2]
    return [
        tile
        for image in images
        for row in np.array_split(image, parts[0], axis=0)
        for tile in np.array_split(row, parts[1], axis=1)
    ]
