"""Peaks of galaxies in images of any resolution, and the blends that are detected with them.

An image is correlated with its PSF, the optimal filter for a point source in white noise. Peaks are
the local maxima of the filtered image above a threshold, in sigmas of its noise. The threshold is
set for each resolution (high, low, GAN) on stamps of single galaxies, so that a given share of them
(1 %) has a second peak: fractions of detected blends can be compared only at equal shares.

Positions are in pixels of the given image; `deblend.hemmati2022.degrade.low_position` converts
positions in the high-resolution frame to those in the degraded one.

Source: Hemmati et al. 2022, Sect. 4 ("a peak finder algorithm which takes the PSFs into account").
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from astropy.stats import SigmaClip
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import convolve, fwhm_from_area, psf_image
from deblend.hemmati2022.pairs import PairMaker
from photutils.detection import find_peaks as photutils_peaks  # type: ignore[import-untyped]
from scipy.ndimage import maximum_filter
from scipy.optimize import linear_sum_assignment
from scipy.signal import fftconvolve

RESOLUTIONS = ("high", "low", "gan")


PEAK_COLUMNS = ("stamp", "x_px", "y_px", "significance")


#: Sect. 4: "a false positive rate of ~1%".
FALSE_POSITIVE_RATE = 0.01


#: Lowest threshold, in sigmas: peaks below it are noise. Our choice.
MIN_THRESHOLD = 3.0


FILTERS = ("psf", "lowered")


#: Radius of the lowered filter in FWHM of the PSF (0.64 in DAOFIND), and its minimum in pixels.
LOWERED_RADIUS = (0.75, 1.5)


#: Clipping for the background and the noise, which removes the pixels of galaxies.
CLIP = SigmaClip(sigma=3.0, maxiters=5)


#: Stamps filtered and clipped at once.
BATCH = 256


def detection_filter(psf: np.ndarray, kind: str = "psf") -> np.ndarray:
    """Kernel with which images are convolved before peaks are searched for.

    Parameters
    ----------
    psf : ndarray, shape (k, k)
        At the pixel scale of the images; k is odd.
    kind : {"psf", "lowered"}
        "psf" is the PSF. "lowered" is the core of the PSF minus its mean, as DAOFIND does with a
        Gaussian (Stetson 1987): it removes smooth light, so that peaks on the flank of a galaxy
        stand out.

    Returns
    -------
    ndarray, shape (k, k), float64
        Mirrored, so that a convolution with it is a correlation with the filter. Its squares sum to
        1, so that the sigma of white noise does not change.

    Raises
    ------
    DeblendError
        The PSF has an even side, or the kind is unknown.
    """
    if psf.ndim != 2 or not (psf.shape[0] % 2 and psf.shape[1] % 2):
        raise DeblendError(f"the PSF is an image of {psf.shape}: give one with odd sides")
    kernel = np.asarray(psf, float)[::-1, ::-1].copy()
    if kind == "lowered":
        fwhm_share, min_radius = LOWERED_RADIUS
        radius = max(fwhm_share * fwhm_from_area(psf[None])[0], min_radius)
        y, x = np.indices(psf.shape)
        core = np.hypot(y - psf.shape[0] // 2, x - psf.shape[1] // 2) <= radius
        kernel[~core] = 0
        kernel[core] -= kernel[core].mean()
    elif kind != "psf":
        raise DeblendError(f"the filter is {kind!r}; it can be {' or '.join(FILTERS)}")
    return kernel / np.sqrt((kernel**2).sum())


def find_peaks(
    images: np.ndarray,
    psf: np.ndarray,
    threshold: float = MIN_THRESHOLD,
    *,
    kind: str = "psf",
    noise: float | None = None,
) -> pd.DataFrame:
    """Find the peaks of a stack of images, all at once.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        One band of one resolution.
    psf : ndarray, shape (k, k)
        PSF of that resolution; k is odd.
    threshold : float
        In sigmas of the noise of the filtered image.
    kind : {"psf", "lowered"}
        See `detection_filter`.
    noise : float, optional
        Sigma of the noise of the filtered images. By default it is measured in each image after
        clipping; images of a network can have too little noise for that.

    Returns
    -------
    DataFrame
        `PEAK_COLUMNS`, sorted by stamp and by decreasing significance. Positions are refined by
        parabolas through the maximum and its neighbours. The peaks are the same as those of
        `find_peaks_photutils`.

    Raises
    ------
    DeblendError
        An image has pixels that are not finite, or has a peak but no measurable noise.
    """
    return _find_in_batches(
        images, psf, threshold, kind, noise, np.float32, convolve, _local_maxima
    )


def find_peaks_photutils(
    images: np.ndarray,
    psf: np.ndarray,
    threshold: float = MIN_THRESHOLD,
    *,
    kind: str = "psf",
    noise: float | None = None,
) -> pd.DataFrame:
    """Reference for `find_peaks`: `scipy.signal.fftconvolve` and photutils, image after image.

    It has double precision. See `find_peaks` for parameters, result and errors.
    """

    def smooth(stack: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.stack([fftconvolve(image, kernel, mode="same") for image in stack])

    def maxima(significance: np.ndarray, threshold: float) -> tuple[np.ndarray, ...]:
        found = []
        for stamp, image in enumerate(significance):
            if (image > threshold).any():  # without a pixel above it photutils warns
                peaks = photutils_peaks(image, threshold, box_size=3)
                y, x = np.asarray(peaks["y_peak"]), np.asarray(peaks["x_peak"])
                found.append(np.stack([np.full(len(x), stamp), y, x]))
        return tuple(np.concatenate(found, axis=1)) if found else tuple(np.empty((3, 0), int))

    return _find_in_batches(images, psf, threshold, kind, noise, np.float64, smooth, maxima)


def _find_in_batches(
    images: np.ndarray,
    psf: np.ndarray,
    threshold: float,
    kind: str,
    noise: float | None,
    dtype: type,
    smooth: Callable[[np.ndarray, np.ndarray], np.ndarray],
    maxima: Callable[[np.ndarray, float], tuple[np.ndarray, ...]],
) -> pd.DataFrame:
    kernel = detection_filter(psf, kind)
    found: list[np.ndarray] = [np.empty((0, 4))]
    for start in range(0, len(images), BATCH):
        part: np.ndarray = np.asarray(images[start : start + BATCH], dtype)
        if not np.isfinite(part).all():
            bad = start + int(np.argmin(np.isfinite(part).all(axis=(1, 2))))
            raise DeblendError(
                f"image {bad} has pixels that are not finite: leave it out, or train again the "
                "network that made it"
            )
        background, _ = _clipped_statistics(part)
        filtered = smooth(part - background, kernel)
        centre, sigma = _clipped_statistics(filtered)
        if noise is not None:
            sigma = np.full_like(sigma, noise)
        # In an image without noise, Fourier transforms leave rounding errors.
        flat = sigma[:, 0, 0] < 1e-6 * (filtered - centre).max(axis=(1, 2))
        if flat.any():
            raise DeblendError(
                f"image {start + int(np.argmax(flat))} has no noise to measure its peaks by: give "
                "`noise`, such as the median of other images of its resolution"
            )
        significance = (filtered - centre) / np.where(sigma > 0, sigma, 1)
        stamp, y, x = maxima(significance, threshold)
        found.append(
            np.stack([stamp + start, *_refine_positions(significance, stamp, y, x)], axis=1)
        )
    table = pd.DataFrame(np.concatenate(found), columns=list(PEAK_COLUMNS))
    table["stamp"] = table["stamp"].astype(int)
    order = np.lexsort((-table["significance"], table["stamp"]))
    return table.iloc[order].reset_index(drop=True)


def _clipped_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation of each image after clipping its galaxies, shapes (n, 1, 1)."""
    flat = images.reshape(len(images), -1)
    kept = CLIP(flat, axis=1, masked=False, copy=True)
    median, sigma = np.nanmedian(kept, axis=1), np.nanstd(kept, axis=1)
    return median[:, None, None].astype(images.dtype), sigma[:, None, None].astype(images.dtype)


def _local_maxima(significance: np.ndarray, threshold: float) -> tuple[np.ndarray, ...]:
    # As in photutils, pixels outside the image are zeros.
    highest = maximum_filter(significance, size=(1, 3, 3), mode="constant")
    return np.nonzero((significance == highest) & (significance > threshold))


def _refine_positions(
    significance: np.ndarray, stamp: np.ndarray, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and height of maxima, with positions to a fraction of a pixel except at the edge."""
    padded = np.pad(significance, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(float)
    height = padded[stamp, y + 1, x + 1]

    def offset(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        curvature = 2 * height - before - after
        slope = (after - before) / 2
        return np.where(curvature > 0, slope / np.where(curvature > 0, curvature, 1), 0)

    dx = offset(padded[stamp, y + 1, x], padded[stamp, y + 1, x + 2])
    dy = offset(padded[stamp, y, x + 1], padded[stamp, y + 2, x + 1])
    return x + dx, y + dy, height


def count_peaks(peaks: pd.DataFrame, n_stamps: int, threshold: float) -> np.ndarray:
    """Number of peaks of each stamp above a threshold (sigmas), shape (n_stamps,)."""
    above = peaks["significance"].to_numpy() > threshold
    return np.bincount(peaks["stamp"].to_numpy()[above], minlength=n_stamps)


def set_threshold(
    images: np.ndarray,
    psf: np.ndarray,
    *,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
    kind: str = "psf",
    noise: float | None = None,
) -> float:
    """Lowest threshold at which at most a given share of single galaxies has more than one peak.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Unblended validation stamps of one resolution, rendered as the blends of that resolution.
    psf, kind, noise
        See `find_peaks`.
    false_positive_rate : float
        That share.

    Returns
    -------
    float
        In sigmas, at least `MIN_THRESHOLD`: the height of the second peak of one of the stamps.

    Raises
    ------
    DeblendError
        There are too few stamps to measure the rate.
    """
    if len(images) * false_positive_rate < 1:
        raise DeblendError(
            f"{len(images)} unblended stamps cannot show a false positive rate of "
            f"{false_positive_rate:g}: give at least {int(np.ceil(1 / false_positive_rate))}"
        )
    peaks = find_peaks(images, psf, MIN_THRESHOLD, kind=kind, noise=noise)
    second = peaks[peaks.groupby("stamp").cumcount() == 1]["significance"].to_numpy()
    allowed = int(len(images) * false_positive_rate)
    return float(np.sort(second)[::-1][allowed]) if len(second) > allowed else MIN_THRESHOLD


def match_peaks(found: np.ndarray, true: np.ndarray, radius_px: float) -> np.ndarray:
    """Match peaks with galaxies: each peak with at most one galaxy, and each galaxy with one peak.

    Parameters
    ----------
    found : ndarray, shape (n, 2)
        x, y of the peaks.
    true : ndarray, shape (k, 2)
        x, y of the galaxies; NaN if there is none.
    radius_px : float
        Largest distance. Our choice: the paper matches positions, but gives no distance.

    Returns
    -------
    ndarray of int, shape (k,)
        The peak of each galaxy, -1 for none. As many galaxies as possible are matched; among such
        matchings, the sum of squared distances is smallest.
    """
    match = np.full(len(true), -1)
    if not len(found) or not len(true):
        return match
    squared = ((found[None] - true[:, None]) ** 2).sum(-1)
    near = squared <= radius_px**2  # false for NaN
    # An additional match outweighs any gain in distance.
    cost = np.where(near, squared - (len(true) + 1) * (radius_px**2 + 1), 0)
    galaxy, peak = linear_sum_assignment(cost)
    is_match = near[galaxy, peak]
    match[galaxy[is_match]] = peak[is_match]
    return match


def detect_blends(
    peaks: pd.DataFrame, positions: np.ndarray, *, threshold: float, radius_px: float
) -> pd.DataFrame:
    """Find the blends that a resolution detects.

    Parameters
    ----------
    peaks : DataFrame
        From `find_peaks`, with the same threshold or a lower one.
    positions : ndarray, shape (n, k, 2)
        x, y of the galaxies in pixels of that resolution; NaN for none. In blends of more than two
        galaxies, Sect. 4 counts the main two.
    threshold : float
        Threshold of that resolution, from `set_threshold`.
    radius_px : float
        See `match_peaks`.

    Returns
    -------
    DataFrame, n rows
        n_peaks; n_matched; detected, whether each galaxy of the blend is matched with a peak;
        peak_0, peak_1, ..., the row of `peaks` that is matched with each galaxy, -1 for none.
    """
    strong = peaks[peaks["significance"] > threshold]
    xy, index = strong[["x_px", "y_px"]].to_numpy(), strong.index.to_numpy()
    edges = np.searchsorted(strong["stamp"].to_numpy(), np.arange(len(positions) + 1))
    matched = np.full(positions.shape[:2], -1)
    for blend, true in enumerate(positions):
        own_rows = slice(edges[blend], edges[blend + 1])
        match = match_peaks(xy[own_rows], true, radius_px)
        found = match >= 0
        matched[blend, found] = index[own_rows][match[found]]
    n_galaxies = np.isfinite(positions).all(-1).sum(1)
    n_matched = (matched >= 0).sum(1)
    table = pd.DataFrame({"n_peaks": np.diff(edges), "n_matched": n_matched})
    table["detected"] = n_matched == n_galaxies
    for k in range(positions.shape[1]):
        table[f"peak_{k}"] = matched[:, k]
    return table


#: A threshold is reliable if the single galaxies that did not set it have at most this many times
#: the intended rate of false positives.
RATE_TOLERANCE = 3.0


#: PSF of a GAN's images: beta of the Moffat profile, and side of the image in pixels.
GAN_BETA, GAN_PSF_PX = 3.0, 31


#: Single galaxies per validation blend: more than one, since few of them are false positives, and
#: only half of them set the threshold.
SINGLES_PER_BLEND = 2


def typical_noise(images: np.ndarray) -> float:
    """Noise of the pixels without galaxies in a stack of asinh-scaled images.

    It is one number for the whole stack, since a single image can have almost no noise.
    """
    rows = np.sort(images.reshape(len(images), -1), axis=1)
    n = rows.shape[1]
    # From the 16th percentile to the median: galaxies are above the median.
    width = np.median(rows[:, n // 2] - rows[:, int(0.16 * n)])
    return float(max(width, 1e-6 * np.ptp(images), 1e-12))


def gan_psf(fwhm_arcsec: float, maker: PairMaker) -> np.ndarray:
    """PSF of a GAN's images with a given FWHM."""
    return psf_image(fwhm_arcsec, GAN_BETA, maker.pixel_scale_arcsec, GAN_PSF_PX)
