"""Background noise of images: white, or correlated between pixels as in drizzled mosaics.

Drizzling spreads the light of a detector pixel over several pixels of the mosaic (Fruchter & Hook
2002, PASP 114, 144, Sect. 7). Neighbouring pixels therefore have common noise, and a sum over many
pixels is noisier than white noise of the same standard deviation per pixel would make it.

`tools/fit_noise.py` measures the correlation and writes the numbers to `config/noise.yaml`.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from deblend.errors import DeblendError
from numpy.typing import DTypeLike
from scipy import fft, ndimage

#: Largest lag of a measurement, in pixels. At 0.06" a pixel two pixels of the mosaic that are
#: further apart have no detector pixel of WFC3 in common.
MAX_LAG = 2


#: Cut-outs with fewer pixels of background are left out.
MIN_PIXELS = 400


#: Standard deviation of the Gaussian filter that sources are searched with, in pixels.
SMOOTHING_PX = 1.5


#: Sources are brighter than this in the smoothed image, in units of its own noise.
SOURCE_SIGMA = 3.0


#: Pixels that deviate by more than this are defects or sources, in units of the noise.
DEFECT_SIGMA = 5.0


#: Sources and defects are masked together with what is that close to them, in pixels.
GROWTH_PX = 4


#: Pixels that are that close to a pixel without data are masked: exposures end there.
EDGE_PX = 5


#: The spectrum of a table of correlations has no values below zero but for errors of measurement.
#: They are set to zero if they are above minus this value, in units of white noise.
SPECTRUM_TOLERANCE = 0.05


def robust_sigma(values: np.ndarray) -> float:
    """Standard deviation of normal values, from the median of their absolute deviations."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def background_pixels(image: np.ndarray, data: np.ndarray | None = None) -> np.ndarray:
    """Find the pixels without sources, defects and edges of exposures.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    data : ndarray of bool, shape (y, x), optional
        Pixels with data; by default those that are finite and not 0.

    Returns
    -------
    ndarray of bool, shape (y, x)
        Pixels of the background.
    """
    if data is None:
        data = np.isfinite(image) & (image != 0)
    usable = ndimage.binary_erosion(data, iterations=EDGE_PX, border_value=1)
    background = usable
    for _ in range(10):
        if background.sum() < MIN_PIXELS:
            break
        residual = np.where(data, image - np.median(image[background]), 0)
        smooth = ndimage.gaussian_filter(residual, SMOOTHING_PX)
        masked = smooth > SOURCE_SIGMA * robust_sigma(smooth[background])
        masked |= np.abs(residual) > DEFECT_SIGMA * robust_sigma(residual[background])
        before = background
        background = usable & ~ndimage.binary_dilation(masked, iterations=GROWTH_PX)
        if np.array_equal(background, before):
            break
    return background


def _autocovariance(image: np.ndarray, background: np.ndarray, max_lag: int) -> np.ndarray:
    """Mean product of pixels of the background at each lag: see `measure_correlation`."""
    height, width = image.shape
    deviation = np.where(background, image - image[background].mean(), 0)
    out = np.empty((max_lag + 1, 2 * max_lag + 1))
    for dy in range(max_lag + 1):
        for dx in range(-max_lag, max_lag + 1):
            one = np.s_[: height - dy, max(-dx, 0) : width - max(dx, 0)]
            other = np.s_[dy:, max(dx, 0) : width + min(dx, 0)]
            n_pairs = np.count_nonzero(background[one] & background[other])
            out[dy, dx + max_lag] = np.sum(deviation[one] * deviation[other]) / n_pairs
    return out


def measure_correlation(cutouts: Sequence[np.ndarray], max_lag: int = MAX_LAG) -> dict[str, Any]:
    """Measure the autocorrelation of the background of images.

    Sources, defects and edges are masked, and the mean of the remaining pixels is subtracted. The
    autocorrelation of each cut-out is normalised by its own variance. The result is the mean over
    cut-outs, weighted by their pixels, with the standard error from the scatter between cut-outs.

    Masking removes peaks of the noise too, which lowers the correlations by 0.01, and leaves faint
    sources in, which raises them: with thresholds of 2.5 and 4 instead of `SOURCE_SIGMA`, those in
    CANDELS are 0.02 lower and higher.

    Parameters
    ----------
    cutouts : sequence of ndarray, shape (y, x)
        Pixels without data are 0 or not finite.
    max_lag : int
        In pixels.

    Returns
    -------
    dict
        `n_cutouts` and `n_pixels` that were used, `sigma`: median standard deviation in a pixel,
        `correlation` and `error`: lists of rows with dy = 0 to `max_lag`, each with dx =
        -`max_lag` to `max_lag`; the other half follows from symmetry.

    Raises
    ------
    DeblendError
        Fewer than two cut-outs have enough background.
    """
    correlations, sigmas, pixels = [], [], []
    for cutout in cutouts:
        image = np.asarray(cutout, float)
        background = background_pixels(image)
        if background.sum() < MIN_PIXELS:
            continue
        covariance = _autocovariance(image, background, max_lag)
        variance = covariance[0, max_lag]
        correlations.append(covariance / variance)
        sigmas.append(np.sqrt(variance))
        pixels.append(int(background.sum()))
    n = len(correlations)
    if n < 2:
        raise DeblendError(
            f"{n} of {len(cutouts)} cut-outs have {MIN_PIXELS} pixels of background: give 2 at "
            "least"
        )
    weights = np.array(pixels) / sum(pixels)
    mean = np.einsum("i,iyx->yx", weights, correlations)
    squares = np.einsum("i,iyx->yx", weights**2, (np.array(correlations) - mean) ** 2)
    return {
        "n_cutouts": n,
        "n_pixels": sum(pixels),
        "sigma": float(np.median(sigmas)),
        "correlation": mean.tolist(),
        "error": np.sqrt(squares * n / (n - 1)).tolist(),
    }


def read_correlation(path: str | Path) -> np.ndarray:
    """Read the autocorrelation of noise from YAML.

    Returns
    -------
    ndarray, shape (2 L + 1, 2 L + 1)
        Correlation of two pixels by their distance in y and x, from -L to L; 1 in the middle.
    """
    with open(path) as file:
        half = np.array(yaml.safe_load(file)["correlation"], float)
    return np.concatenate([half[:0:-1, ::-1], half])


def noise_images(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    sigma: float | np.ndarray,
    correlation: np.ndarray | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Draw images of Gaussian noise.

    Parameters
    ----------
    rng : Generator
    shape : tuple of int
        (..., y, x): any number of independent images.
    sigma : float or ndarray
        Standard deviation in each pixel. An array has the shape of the result, or can be broadcast
        to it.
    correlation : ndarray, shape (2 L + 1, 2 L + 1), optional
        Correlation of two pixels by their distance, see `read_correlation`; without it noise is
        white. Pixels further apart than L in y or x are independent.
    dtype : data type
        Of the result. White noise is drawn in double precision, correlated noise in single.

    Returns
    -------
    ndarray

    Raises
    ------
    DeblendError
        `correlation` is not that of any noise.

    References
    ----------
    Dietrich & Newsam 1997, SIAM J. Sci. Comput. 18, 1088: noise with any correlation is drawn
    exactly on a periodic grid, of which an image without opposite edges is a part.
    """
    if correlation is None:
        return rng.normal(0, sigma, shape).astype(dtype, copy=False)
    correlation = np.asarray(correlation, float)
    lag = len(correlation) // 2
    # With a border as wide as the largest lag, opposite edges of the image are independent.
    grid = tuple(fft.next_fast_len(side + lag, real=True) for side in shape[-2:])
    amplitude = _amplitude(correlation.tobytes(), correlation.shape, grid)
    white = rng.standard_normal((*shape[:-2], *grid), dtype=np.float32)
    noise = fft.irfft2(fft.rfft2(white) * amplitude, s=grid)[..., : shape[-2], : shape[-1]]
    return (noise * np.asarray(sigma, np.float32)).astype(dtype, copy=False)


@functools.lru_cache(maxsize=16)
def _amplitude(table: bytes, shape: tuple[int, ...], grid: tuple[int, int]) -> np.ndarray:
    """Root of the power spectrum of noise of unit variance on a periodic grid.

    The correlation is given by its bytes, so that the result of the last ones can be kept.
    """
    correlation = np.frombuffer(table).reshape(shape)
    n_lags = shape[0]
    if shape != (n_lags, n_lags) or n_lags % 2 == 0:
        raise DeblendError(
            f"the correlation has shape {shape}: give lags from -L to L in both directions"
        )
    middle = n_lags // 2
    if correlation[middle, middle] != 1 or not np.allclose(correlation, correlation[::-1, ::-1]):
        raise DeblendError("the correlation is not 1 in the middle and symmetric about it")
    power = _power(correlation, grid)
    if power.min() < -SPECTRUM_TOLERANCE:
        raise DeblendError(
            f"no noise has this correlation: its power spectrum falls to {power.min():.2g} of that "
            "of white noise"
        )
    power = np.maximum(power, 0)
    variance = fft.irfft2(power, s=grid)[0, 0]
    amplitude = np.sqrt(power / variance).astype(np.float32)
    amplitude.flags.writeable = False
    return amplitude


def _power(correlation: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Power spectrum of noise with a correlation (2 L + 1, 2 L + 1) on a periodic grid."""
    periodic = np.zeros(grid)
    middle = len(correlation) // 2
    lags = np.arange(-middle, middle + 1)
    # Lags add up where they are the same on the periodic grid.
    np.add.at(periodic, np.ix_(lags % grid[0], lags % grid[1]), correlation)
    return fft.rfft2(periodic).real


def tapered_correlation(correlation: np.ndarray) -> np.ndarray:
    """A correlation that noise can have, from one that was measured up to some lag.

    Where the correlation goes on beyond that lag, as in compressed pictures, no noise has the part
    of it that was measured. Then it is tapered to zero there, linearly along each axis: its power
    spectrum is smoothed with a positive kernel.

    Parameters
    ----------
    correlation : ndarray, shape (2 L + 1, 2 L + 1)

    Returns
    -------
    ndarray, shape (2 L + 1, 2 L + 1)
        The same, if there is noise that has it.

    References
    ----------
    Bartlett 1950, Biometrika 37, 1.
    """
    side = fft.next_fast_len(16 * len(correlation), real=True)
    if _power(correlation, (side, side)).min() >= -SPECTRUM_TOLERANCE:
        return correlation
    middle = len(correlation) // 2
    weights = 1 - np.abs(np.arange(-middle, middle + 1)) / (middle + 1)
    return correlation * np.outer(weights, weights)
