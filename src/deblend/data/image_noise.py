"""Noise of images as it is measured, and whether it is that of the configuration.

The noise of a pixel is the standard deviation of the background: of pixels outside the given
segmentation maps, or else of those in which no source is found (`deblend.data.noise`).
"""

import logging
from dataclasses import dataclass

import numpy as np
from deblend.data.image_files import unobserved
from deblend.data.image_units import FEW_SCATTER_MAG, MEDIAN_ERROR, ROBUST_MIN
from deblend.data.noise import GROWTH_PX, background_pixels, robust_sigma
from deblend.errors import DeblendError
from scipy.ndimage import binary_dilation

log = logging.getLogger(__name__)


#: Ratio of measured and configured noise, in either direction, from which a warning is logged, if
#: they also differ by this many errors of the measurement.
WARN_FACTOR, WARN_ERRORS = 1.3, 3.0


#: Number of images that are measured, at equal steps through all of them, and the least number of
#: pixels of background of each.
MAX_MEASURED, MIN_BACKGROUND = 200, 100


#: Noise below this share of the brightest pixel is that of the numbers' precision, and none. Single
#: precision has 1e-7; the noise beside a bright star can be 1e-5 of it, and less.
PRECISION = 1e-6


#: Smallest relative scatter that is assumed for a few images.
FEW_SCATTER = FEW_SCATTER_MAG / 2


@dataclass(frozen=True)
class Noise:
    """Noise of a pixel that was measured.

    Attributes
    ----------
    sigma, error : float
        Median over images, and its standard error; in the unit of the images.
    n : int
        Number of images with enough background; without any, sigma is NaN.
    """

    sigma: float
    error: float
    n: int


def measured_noise(images: np.ndarray, segmaps: np.ndarray | None = None) -> Noise:
    """Measure the noise of a pixel in images.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        NaN where there are no data; blocks of zeros beside noise have none either, see
        `deblend.data.image_files.unobserved`.
    segmaps : ndarray, shape (n, y, x), optional
        Above 0 on objects. Where a map is 0 everywhere, the background is searched for.

    Returns
    -------
    Noise
    """
    sigmas = []
    for row in range(0, len(images), -(-len(images) // MAX_MEASURED) or 1):
        segmap = None if segmaps is None else segmaps[row]
        sigma = _noise_of(np.asarray(images[row], float), segmap)
        if np.isfinite(sigma):
            sigmas.append(sigma)
    n = len(sigmas)
    if not n:
        return Noise(np.nan, np.nan, 0)
    # A few images say little about the scatter; percentiles would make it too small.
    middle = float(np.median(sigmas))
    low, high = np.percentile(sigmas, (16, 84))
    scatter = float(high - low) / 2
    if n < ROBUST_MIN:
        scatter = max(float(np.std(sigmas)), FEW_SCATTER * middle)
    return Noise(middle, scatter * MEDIAN_ERROR / np.sqrt(n), n)


def _noise_of(image: np.ndarray, segmap: np.ndarray | None) -> float:
    """Noise of a pixel in one image (y, x); NaN if there is too little background."""
    empty = unobserved(image)
    data = np.isfinite(image) & (~empty | empty.all())
    if data.sum() < MIN_BACKGROUND:
        return np.nan
    values = np.unique(image[data])
    # Of images in coarse steps, as those of integers, the median deviation is a multiple of the
    # step: uniform noise of a step's width fills them, whose variance is subtracted again.
    step = float(np.diff(values).min()) if 1 < len(values) < data.sum() / 2 else 0.0
    rng = np.random.default_rng(0)
    filled = image + step * rng.uniform(-0.5, 0.5, image.shape)
    if segmap is not None and (segmap != 0).any():
        background = data & ~binary_dilation(segmap != 0, iterations=GROWTH_PX)
    else:
        background = background_pixels(filled, data)
    if background.sum() < MIN_BACKGROUND:
        return np.nan
    sigma = float(np.sqrt(max(robust_sigma(filled[background]) ** 2 - step**2 / 12, 0)))
    return sigma if sigma > PRECISION * np.abs(values).max() else 0.0


def checked_noise(
    images: np.ndarray,
    configured: float | None,
    *,
    subject: str,
    remedy: str = "correct noise_sigma or the unit of the images, or leave noise_sigma out to have "
    "it measured",
    segmaps: np.ndarray | None = None,
    is_added: bool = False,
) -> float:
    """The noise of a data set: that of the configuration, compared with that of its images.

    Parameters
    ----------
    images, segmaps
        See `measured_noise`.
    configured : float, optional
        Standard deviation of the background in a pixel; None: that of the images is taken.
    subject : str
        The images, for messages.
    remedy : str
        What to do if the two differ, for the warning.
    is_added : bool
        Noise of this standard deviation is going to be added to the images, which should have none.

    Returns
    -------
    float
        A warning is logged if the two differ by more than `WARN_FACTOR` and `WARN_ERRORS`.

    Raises
    ------
    DeblendError
        There is no configured noise and none in the images, or noise is to be added, but how much
        is not configured.
    """
    if configured is None and is_added:
        raise DeblendError(
            f"{subject}: add_noise is true, and noise_sigma is not given: give the standard "
            "deviation of the noise that is to be added"
        )
    found = measured_noise(images, segmaps)
    of_images = f"{subject}: the noise of a pixel, measured in {found.n} images beside objects, is"
    value = f"{found.sigma:.3g} +- {found.error:.1g}"
    if configured is None:
        if not found.sigma > 0:
            problem = "0" if found.n else "not known: there are too few pixels of background"
            raise DeblendError(
                f"{of_images} {problem}, and noise_sigma is not given: give it, or images with "
                "noise"
            )
        log.warning("%s %s: it is taken, since noise_sigma is not given", of_images, value)
        return found.sigma
    if not found.n:
        log.info("%s not known: noise_sigma %g is taken", of_images, configured)
        return configured
    total = float(np.hypot(found.sigma, configured)) if is_added else found.sigma
    differs = not configured / WARN_FACTOR <= total <= configured * WARN_FACTOR
    if is_added and not configured:
        differs = False
    if not differs or abs(total - configured) <= WARN_ERRORS * found.error:
        log.info("%s %s; noise_sigma is %g", of_images, value, configured)
    elif is_added:
        log.warning(
            "%s %s, and noise with a noise_sigma of %g is added: together they are %.3g; %s",
            *(of_images, value, configured, total, remedy),
        )
    else:
        log.warning("%s %s, and noise_sigma is %g: %s", of_images, value, configured, remedy)
    return configured
