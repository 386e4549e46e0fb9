"""Peaks of galaxies, in images of any resolution, and how many blends they give away.

An image is correlated with its PSF, which is the best detection of a point source in white noise;
peaks are the local maxima that stand out by a number of sigmas of that filtered image's noise. The
number is set for each resolution (high, low, GAN) on stamps of single galaxies, so that as many of
them as asked for, 1 %, show a second peak: detection fractions at another rate cannot be compared.

Positions are in pixels of the image given; `deblend.hemmati2022.degrade.low_position` turns those
of galaxies in the high-resolution frame into those of the degraded one.

Source: Hemmati et al. 2022, Sect. 4 ("a peak finder algorithm which takes the PSFs into account").
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from astropy.stats import SigmaClip
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import convolve, fwhm_from_area, psf_image
from deblend.hemmati2022.pairs import PairMaker
from deblend.seeds import generator
from photutils.detection import find_peaks as photutils_peaks  # type: ignore[import-untyped]
from scipy.ndimage import maximum_filter
from scipy.optimize import linear_sum_assignment
from scipy.signal import fftconvolve

RESOLUTIONS = ("high", "low", "gan")


PEAK_COLUMNS = ("stamp", "x_px", "y_px", "significance")


#: Sect. 4: "a false positive rate of ~1%".
FALSE_POSITIVE_RATE = 0.01


#: Peaks below this many sigmas are noise, whatever single galaxies show. Ours.
FLOOR = 3.0


FILTERS = ("psf", "lowered")


#: Radius of the lowered filter, in FWHM of the PSF, and at least so many pixels; DAOFIND's is 0.64.
LOWERED_RADIUS = (0.75, 1.5)


#: For the background and the noise: pixels further out are galaxies.
CLIP = SigmaClip(sigma=3.0, maxiters=5)


#: Stamps filtered and clipped at once.
BATCH = 256


def detection_filter(psf: np.ndarray, kind: str = "psf") -> np.ndarray:
    """What images are convolved with before peaks are looked for.

    Parameters
    ----------
    psf : ndarray, shape (k, k)
        k odd, at the images' pixel scale.
    kind : {"psf", "lowered"}
        The PSF; or its core less its mean there, as DAOFIND does with a Gaussian (Stetson 1987):
        smooth light around drops out, so that peaks on a galaxy's flank stand out.

    Returns
    -------
    ndarray, shape (k, k), float64
        Mirrored, as correlating needs; its squares sum to 1, so that white noise keeps its sigma.

    Raises
    ------
    DeblendError
        The PSF has an even side, or the kind is unknown.
    """
    if psf.ndim != 2 or not (psf.shape[0] % 2 and psf.shape[1] % 2):
        raise DeblendError(f"the PSF is an image of {psf.shape}: give one with odd sides")
    kernel = np.asarray(psf, float)[::-1, ::-1].copy()
    if kind == "lowered":
        share, least = LOWERED_RADIUS
        radius = max(share * fwhm_from_area(psf[None])[0], least)
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
    threshold: float = FLOOR,
    *,
    kind: str = "psf",
    noise: float | None = None,
) -> pd.DataFrame:
    """Peaks of a stack of images, all at once.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        One band of one resolution.
    psf : ndarray, shape (k, k)
        That resolution's, k odd.
    threshold : float
        In sigmas of the filtered image's noise; peaks are above it.
    kind : {"psf", "lowered"}
        See `detection_filter`.
    noise : float, optional
        Sigma of the filtered images' noise. Each image's own, clipped, by default; a network's
        images may have too little of it to measure.

    Returns
    -------
    DataFrame
        `PEAK_COLUMNS`, by stamp and then the most significant first; positions are refined by
        parabolas through the maximum and its neighbours. The same peaks as `find_peaks_photutils`.

    Raises
    ------
    DeblendError
        An image has pixels that are not finite, or a peak but no noise to measure it by.
    """
    return _find(images, psf, threshold, kind, noise, np.float32, convolve, _local_maxima)


def find_peaks_photutils(
    images: np.ndarray,
    psf: np.ndarray,
    threshold: float = FLOOR,
    *,
    kind: str = "psf",
    noise: float | None = None,
) -> pd.DataFrame:
    """The same by `scipy.signal.fftconvolve` and photutils' `find_peaks`, image after image.

    The reference, in double precision; see `find_peaks` for parameters, result and errors.
    """

    def smooth(stack: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.stack([fftconvolve(image, kernel, mode="same") for image in stack])

    def maxima(significance: np.ndarray, threshold: float) -> tuple[np.ndarray, ...]:
        found = []
        for stamp, image in enumerate(significance):
            if (image > threshold).any():  # else photutils warns that there is nothing
                peaks = photutils_peaks(image, threshold, box_size=3)
                y, x = np.asarray(peaks["y_peak"]), np.asarray(peaks["x_peak"])
                found.append(np.stack([np.full(len(x), stamp), y, x]))
        return tuple(np.concatenate(found, axis=1)) if found else tuple(np.empty((3, 0), int))

    return _find(images, psf, threshold, kind, noise, np.float64, smooth, maxima)


def _find(
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
                f"image {bad} has pixels that are not finite: leave it out, or train the network "
                "that made it again"
            )
        background, _ = _clipped(part)
        filtered = smooth(part - background, kernel)
        centre, sigma = _clipped(filtered)
        if noise is not None:
            sigma = np.full_like(sigma, noise)
        # Transforms leave rounding errors where an image has no noise.
        flat = sigma[:, 0, 0] < 1e-6 * (filtered - centre).max(axis=(1, 2))
        if flat.any():
            raise DeblendError(
                f"image {start + int(np.argmax(flat))} has no noise to measure its peaks by: give "
                "`noise`, such as the median of other images of its resolution"
            )
        significance = (filtered - centre) / np.where(sigma > 0, sigma, 1)
        stamp, y, x = maxima(significance, threshold)
        found.append(np.stack([stamp + start, *_refined(significance, stamp, y, x)], axis=1))
    table = pd.DataFrame(np.concatenate(found), columns=list(PEAK_COLUMNS))
    table["stamp"] = table["stamp"].astype(int)
    order = np.lexsort((-table["significance"], table["stamp"]))
    return table.iloc[order].reset_index(drop=True)


def _clipped(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation of each image without its galaxies, shapes (n, 1, 1)."""
    flat = images.reshape(len(images), -1)
    kept = CLIP(flat, axis=1, masked=False, copy=True)
    median, sigma = np.nanmedian(kept, axis=1), np.nanstd(kept, axis=1)
    return median[:, None, None].astype(images.dtype), sigma[:, None, None].astype(images.dtype)


def _local_maxima(significance: np.ndarray, threshold: float) -> tuple[np.ndarray, ...]:
    # As photutils does: beyond the edge lie zeros.
    highest = maximum_filter(significance, size=(1, 3, 3), mode="constant")
    return np.nonzero((significance == highest) & (significance > threshold))


def _refined(
    significance: np.ndarray, stamp: np.ndarray, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and height of maxima; positions to a fraction of a pixel, but for those at the edge."""
    wide = np.pad(significance, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(float)
    height = wide[stamp, y + 1, x + 1]

    def offset(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        curvature = 2 * height - before - after
        slope = (after - before) / 2
        return np.where(curvature > 0, slope / np.where(curvature > 0, curvature, 1), 0)

    dx = offset(wide[stamp, y + 1, x], wide[stamp, y + 1, x + 2])
    dy = offset(wide[stamp, y, x + 1], wide[stamp, y + 2, x + 1])
    return x + dx, y + dy, height


def count_peaks(peaks: pd.DataFrame, n_stamps: int, threshold: float) -> np.ndarray:
    """Peaks of each stamp above a threshold (sigmas), shape (n_stamps,)."""
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
    """The lowest threshold at which at most so many single galaxies show more than one peak.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Unblended validation stamps of one resolution, made as that resolution's blends are: each
        resolution has its own threshold.
    psf, kind, noise
        See `find_peaks`.
    false_positive_rate : float

    Returns
    -------
    float
        In sigmas; at least `FLOOR`. Exact: the height of the second peak of one of the stamps.

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
    peaks = find_peaks(images, psf, FLOOR, kind=kind, noise=noise)
    second = peaks[peaks.groupby("stamp").cumcount() == 1]["significance"].to_numpy()
    allowed = int(len(images) * false_positive_rate)
    return float(np.sort(second)[::-1][allowed]) if len(second) > allowed else FLOOR


def match_peaks(found: np.ndarray, true: np.ndarray, radius_px: float) -> np.ndarray:
    """Match peaks with galaxies, each with one at most.

    Parameters
    ----------
    found : ndarray, shape (n, 2)
        x, y of peaks.
    true : ndarray, shape (k, 2)
        x, y of galaxies; NaN for none.
    radius_px : float
        Largest distance. Ours: the paper "position match[es]" without saying how near.

    Returns
    -------
    ndarray of int, shape (k,)
        The peak of each galaxy, -1 for none: as many as can be matched, and of such matchings the
        one of the smallest sum of squared distances.
    """
    match = np.full(len(true), -1)
    if not len(found) or not len(true):
        return match
    squared = ((found[None] - true[:, None]) ** 2).sum(-1)
    near = squared <= radius_px**2  # false for NaN
    # One match more is worth more than any gain in distance.
    cost = np.where(near, squared - (len(true) + 1) * (radius_px**2 + 1), 0)
    galaxy, peak = linear_sum_assignment(cost)
    good = near[galaxy, peak]
    match[galaxy[good]] = peak[good]
    return match


def detect_blends(
    peaks: pd.DataFrame, positions: np.ndarray, *, threshold: float, radius_px: float
) -> pd.DataFrame:
    """Which blends a resolution gives away.

    Parameters
    ----------
    peaks : DataFrame
        From `find_peaks`, at a threshold that is not higher.
    positions : ndarray, shape (n, k, 2)
        x, y of the galaxies in pixels of that resolution; NaN for none. Give the main two of each
        blend to follow Sect. 4 where there are more.
    threshold : float
        That resolution's, from `set_threshold`.
    radius_px : float
        See `match_peaks`.

    Returns
    -------
    DataFrame, n rows
        n_peaks; n_matched; detected: all galaxies of the blend are matched with a peak each;
        peak_0, peak_1, ...: the row of `peaks` matched with each galaxy, -1 for none.
    """
    strong = peaks[peaks["significance"] > threshold]
    xy, index = strong[["x_px", "y_px"]].to_numpy(), strong.index.to_numpy()
    edges = np.searchsorted(strong["stamp"].to_numpy(), np.arange(len(positions) + 1))
    matched = np.full(positions.shape[:2], -1)
    for blend, true in enumerate(positions):
        here = slice(edges[blend], edges[blend + 1])
        match = match_peaks(xy[here], true, radius_px)
        hit = match >= 0
        matched[blend, hit] = index[here][match[hit]]
    n_galaxies = np.isfinite(positions).all(-1).sum(1)
    n_matched = (matched >= 0).sum(1)
    table = pd.DataFrame({"n_peaks": np.diff(edges), "n_matched": n_matched})
    table["detected"] = n_matched == n_galaxies
    for k in range(positions.shape[1]):
        table[f"peak_{k}"] = matched[:, k]
    return table


def random_peaks(peaks: pd.DataFrame, size_px: int, seed: int) -> pd.DataFrame:
    """The same number of peaks in each stamp, anywhere: what a claim must not survive."""
    rng = generator(seed, "random peaks", len(peaks))
    xy = rng.uniform(-0.5, size_px - 0.5, (len(peaks), 2))
    return peaks.assign(x_px=xy[:, 0], y_px=xy[:, 1])


#: An epoch counts when the singles that did not set its threshold show at most so many times the
#: rate of false peaks.
TOLERANCE = 3.0


#: Of the PSF of a GAN's images: a Moffat's, and the side of its image.
GAN_BETA, GAN_PSF_PX = 3.0, 31


#: Validation singles a blend: few of them are false positives, and half of them set the threshold.
SINGLES = 2


def typical_noise(images: np.ndarray) -> float:
    """Spread of the pixels that hold no galaxy, in asinh-scaled images, of the stack as a whole.

    A single image may have next to none.
    """
    rows = np.sort(images.reshape(len(images), -1), axis=1)
    n = rows.shape[1]
    # Half the width from the 16th percentile to the median: galaxies are above it.
    width = np.median(rows[:, n // 2] - rows[:, int(0.16 * n)])
    return float(max(width, 1e-6 * np.ptp(images), 1e-12))


def gan_psf(fwhm_arcsec: float, maker: PairMaker) -> np.ndarray:
    """The PSF of a GAN's images, as wide as said."""
    return psf_image(fwhm_arcsec, GAN_BETA, maker.pixel_scale_arcsec, GAN_PSF_PX)
