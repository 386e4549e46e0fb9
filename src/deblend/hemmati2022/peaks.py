"""Peaks of galaxies in images of any resolution, and the blends that are detected with them.

An image is correlated with its PSF, the optimal filter for a point source in white noise. Peaks are
the local maxima of the filtered image. The significance of a peak is its prominence in sigmas of
the noise: its height above the saddle towards a higher peak, so that a bump of the noise on the
flank of a bright galaxy is no more significant than one on the sky (`prominences`). The threshold
is set for each resolution (high, low, GAN) on stamps of single galaxies, so that a given share of
them (1 %) has a false peak: fractions of detected blends can be compared only at equal shares.

A peak is false if it belongs to no catalogued galaxy (`false_peaks`).

Positions are in pixels of the given image; `deblend.hemmati2022.degrade.low_position` converts
positions in the high-resolution frame to those in the degraded one.

Source: Hemmati et al. 2022, Sect. 4 ("a peak finder algorithm which takes the PSFs into account").
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import inside_frame
from deblend.hemmati2022.degrade import convolve, fwhm_from_area, psf_image
from deblend.hemmati2022.pairs import PairMaker
from deblend.seeds import uniform
from photutils.detection import find_peaks as photutils_peaks  # type: ignore[import-untyped]
from scipy.ndimage import label, maximum_filter
from scipy.optimize import linear_sum_assignment
from scipy.signal import fftconvolve
from skimage.segmentation import watershed

PEAK_COLUMNS = ("stamp", "x_px", "y_px", "significance")


#: Lowest threshold, in sigmas: peaks below it are noise. Our choice.
MIN_THRESHOLD = 3.0


FILTERS = ("psf", "lowered")


#: Radius of the lowered filter in FWHM of the PSF (0.64 in DAOFIND), and its minimum in pixels.
LOWERED_RADIUS = (0.75, 1.5)


#: Clipping for the background and the noise, which removes the pixels of galaxies.
CLIP_SIGMA, CLIP_ITERATIONS = 3.0, 5


#: Stamps filtered and clipped at once.
BATCH = 256


#: Heights (sigmas) that count as sky: saddles below it do not make a peak less prominent.
SKY_SIGMA = 1.0


#: Neighbours of a pixel in its own image of a stack.
_CONNECTED = np.zeros((3, 3, 3), bool)
_CONNECTED[1] = True


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
    measure: str = "prominence",
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
    measure : {"prominence", "height"}
        What the significance of a peak is: see `prominences`, or its height above the sky.

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
        images, psf, threshold, kind, noise, np.float32, convolve, _local_maxima, measure
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

    The significance is the height. It has double precision. See `find_peaks` for parameters, result
    and errors.
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

    return _find_in_batches(
        images, psf, threshold, kind, noise, np.float64, smooth, maxima, "height"
    )


def _find_in_batches(
    images: np.ndarray,
    psf: np.ndarray,
    threshold: float,
    kind: str,
    noise: float | None,
    dtype: type,
    smooth: Callable[[np.ndarray, np.ndarray], np.ndarray],
    maxima: Callable[[np.ndarray, float], tuple[np.ndarray, ...]],
    measure: str,
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
        x_px, y_px, height = _refine_positions(significance, stamp, y, x)
        if measure == "prominence":
            height = prominences(significance, stamp, y, x)
        above = height > threshold
        found.append(np.stack([stamp + start, x_px, y_px, height], axis=1)[above])
    table = pd.DataFrame(np.concatenate(found), columns=list(PEAK_COLUMNS))
    table["stamp"] = table["stamp"].astype(int)
    order = np.lexsort((-table["significance"], table["stamp"]))
    return table.iloc[order].reset_index(drop=True)


def _clipped_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation of each image after clipping its galaxies, shapes (n, 1, 1).

    As `astropy.stats.SigmaClip` clips. In sorted pixels those that are kept are a range, whose sums
    are differences of cumulative sums.
    """
    pixels = np.sort(images.reshape(len(images), -1).astype(float), axis=1)
    n = pixels.shape[1]
    row = np.arange(len(pixels))
    centre = pixels[:, [n // 2]]
    pixels -= centre
    sums, squares = (np.pad(np.cumsum(pixels**power, axis=1), ((0, 0), (1, 0))) for power in (1, 2))
    first, last = np.zeros(len(pixels), int), np.full(len(pixels), n)

    def moments() -> tuple[np.ndarray, np.ndarray]:
        middle = (first + last - 1) // 2, (first + last) // 2
        median = (pixels[row, middle[0]] + pixels[row, middle[1]]) / 2
        size = last - first
        mean = (sums[row, last] - sums[row, first]) / size
        variance = (squares[row, last] - squares[row, first]) / size - mean**2
        return median, np.sqrt(np.maximum(variance, 0))

    for _ in range(CLIP_ITERATIONS):
        median, sigma = moments()
        below = (pixels < (median - CLIP_SIGMA * sigma)[:, None]).sum(axis=1)
        above = (pixels <= (median + CLIP_SIGMA * sigma)[:, None]).sum(axis=1)
        kept = np.maximum(first, below), np.minimum(last, above)
        if (kept[0] == first).all() and (kept[1] == last).all():
            break
        first, last = kept
    median, sigma = moments()
    found = (median + centre[:, 0], sigma)
    return tuple(x[:, None, None].astype(images.dtype) for x in found)  # type: ignore[return-value]


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


def prominences(
    significance: np.ndarray, stamp: np.ndarray, y: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Prominence of maxima: how far one has to descend from each on the way to a higher one.

    A saddle below `SKY_SIGMA` counts as sky: the prominence of a maximum beyond it is its height.
    Otherwise the height of the saddle above `SKY_SIGMA` is subtracted. The highest maximum is thus
    as prominent as it is high.

    Parameters
    ----------
    significance : ndarray, shape (n, ny, nx)
        Filtered images in sigmas of their noise.
    stamp, y, x : ndarray of int, shape (m,)
        Places of the maxima.

    Returns
    -------
    ndarray, shape (m,)
        In sigmas.
    """
    height = significance[stamp, y, x].astype(float)
    prominence = height.copy()
    # Only light with several maxima has saddles.
    components, _ = label(significance > SKY_SIGMA, _CONNECTED)
    component = components[stamp, y, x]
    of_several = (np.bincount(component, minlength=1) > 1)[component] & (component > 0)
    chosen = np.flatnonzero(of_several)
    if not len(chosen):
        return prominence
    shared = np.zeros(int(components.max()) + 1, bool)
    shared[component[chosen]] = True
    rows = np.unique(stamp[chosen])
    part = significance[rows]
    markers = np.zeros(part.shape, np.int32)
    # The maxima flood their surroundings from the top: two basins meet first at their saddle.
    own_row = np.searchsorted(rows, stamp[chosen])
    markers[own_row, y[chosen], x[chosen]] = np.arange(1, len(chosen) + 1)
    basins = watershed(-part, markers, connectivity=_CONNECTED, mask=shared[components[rows]])
    one, other, saddle = _saddles(part, basins)
    top = np.arange(len(chosen))

    def root(k: int) -> int:
        while top[k] != k:
            k = top[k]
        return k

    heights = height[chosen]
    for k in np.argsort(-saddle, kind="stable"):
        a, b = root(one[k]), root(other[k])
        if a == b:
            continue
        lower, higher = (a, b) if (heights[a], -a) < (heights[b], -b) else (b, a)
        prominence[chosen[lower]] = heights[lower] - saddle[k] + SKY_SIGMA
        top[lower] = higher
    return prominence


def _saddles(values: np.ndarray, basins: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pairs of basins (numbered from 0) that touch, and the highest pass between them."""
    found = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ny, nx = values.shape[1:]
        here = (slice(None), slice(0, ny - dy), slice(max(0, -dx), nx - max(0, dx)))
        there = (slice(None), slice(dy, ny), slice(max(0, dx), nx - max(0, -dx)))
        a, b = basins[here], basins[there]
        border = (a != b) & (a > 0) & (b > 0)
        a, b = a[border], b[border]
        found.append(
            (np.minimum(a, b), np.maximum(a, b), np.minimum(values[here], values[there])[border])
        )
    low, high, level = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((-level, high, low))
    low, high, level = low[order], high[order], level[order]
    first = np.ones(len(low), bool)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    return low[first] - 1, high[first] - 1, level[first].astype(float)


def false_peaks(peaks: pd.DataFrame, sources: np.ndarray, radius_px: float) -> np.ndarray:
    """Which peaks belong to no catalogued galaxy.

    Parameters
    ----------
    peaks : DataFrame
        From `find_peaks`, the most significant of each stamp first.
    sources : ndarray, shape (n, k, 2)
        x, y of all catalogued galaxies of each stamp, neighbours too, in pixels of the images; NaN
        for none.
    radius_px : float
        See `match_peaks`.

    Returns
    -------
    ndarray of bool, one for each peak
        Peaks get their galaxies in the order of their significance, each galaxy one: a peak is
        false if there is no galaxy for it besides those of the more significant peaks. A threshold
        therefore does not change which peaks above it are false.
    """
    xy, stamp = peaks[["x_px", "y_px"]].to_numpy(), peaks["stamp"].to_numpy()
    squared = ((xy[:, None] - sources[stamp]) ** 2).sum(-1)
    near = squared <= radius_px**2  # false for NaN
    is_false = ~near.any(axis=1)
    owner: dict[int, int] = {}
    last = -1
    for peak in np.flatnonzero(~is_false):
        if stamp[peak] != last:
            owner, last = {}, stamp[peak]
        is_false[peak] = not _find_owner(int(peak), near, owner, set())
    return is_false


def _find_owner(peak: int, near: np.ndarray, owner: dict[int, int], tried: set[int]) -> bool:
    """Give a peak a galaxy, moving other peaks to their other galaxies if there is no free one."""
    for galaxy in np.flatnonzero(near[peak]).tolist():
        if galaxy in tried:
            continue
        tried.add(galaxy)
        if galaxy not in owner or _find_owner(owner[galaxy], near, owner, tried):
            owner[galaxy] = peak
            return True
    return False


def near_sources(peaks: pd.DataFrame, sources: np.ndarray, radius_px: float) -> np.ndarray:
    """Which peaks are at most `radius_px` from one of the sources of their stamp.

    Parameters
    ----------
    peaks, sources, radius_px
        See `false_peaks`.

    Returns
    -------
    ndarray of bool, one for each peak
    """
    squared = ((peaks[["x_px", "y_px"]].to_numpy()[:, None] - sources[peaks["stamp"]]) ** 2).sum(-1)
    return (squared <= radius_px**2).any(axis=1)  # false for NaN


def chance_rate(
    sources: np.ndarray, radius_px: float, side_px: int, edge_px: float = -0.5
) -> float:
    """Share of the places in stamps at which a peak would not be false: those near a source.

    Catalogued sources that an image does not show excuse false peaks too. A share of false peaks is
    low only if it is below that of peaks at random places, one minus this number.

    Parameters
    ----------
    sources, radius_px
        See `false_peaks`.
    side_px : int
        Side of the stamps.
    edge_px : float
        Places that are not further than this from an edge do not count, since peaks there do not;
        with the default all count.
    """
    used = np.flatnonzero(inside_frame(np.arange(side_px)[:, None], side_px, edge_px))
    y, x = np.meshgrid(used, used, indexing="ij")
    n_near = 0
    for own in sources:
        own = own[np.isfinite(own).all(-1), :, None, None]
        n_near += ((x - own[:, 0]) ** 2 + (y - own[:, 1]) ** 2 <= radius_px**2).any(0).sum()
    return float(n_near / (len(sources) * x.size))


def highest(peaks: pd.DataFrame, chosen: np.ndarray, n_stamps: int) -> np.ndarray:
    """Significance of the most significant chosen peak of each stamp; 0 for none.

    Parameters
    ----------
    peaks : DataFrame
    chosen : ndarray of bool
        Such as the false ones, from `false_peaks`.
    n_stamps : int
    """
    out = np.zeros(n_stamps)
    rows = peaks[chosen]
    np.maximum.at(out, rows["stamp"].to_numpy(), rows["significance"].to_numpy())
    return out


def detection_limits(peaks: pd.DataFrame, pair: np.ndarray, radius_px: float) -> np.ndarray:
    """Highest threshold at which both galaxies of each blend have a peak of their own.

    Parameters
    ----------
    peaks : DataFrame
    pair : ndarray, shape (n, 2, 2)
        x, y of both galaxies in pixels of the images.
    radius_px : float

    Returns
    -------
    ndarray, shape (n,)
        0 if they never have. A blend is detected (`detect_blends`) at each threshold below.
    """
    xy, stamp = peaks[["x_px", "y_px"]].to_numpy(), peaks["stamp"].to_numpy()
    near = ((xy[:, None] - pair[stamp]) ** 2).sum(-1) <= radius_px**2
    kept = near.any(axis=1)
    near, stamp = near[kept], stamp[kept]
    significance = peaks["significance"].to_numpy()[kept]
    # All pairs of peaks of a stamp, one for each galaxy.
    out = np.zeros(len(pair))
    edges = np.searchsorted(stamp, np.arange(len(pair) + 1))
    for i in np.flatnonzero(np.diff(edges) > 1):
        own = slice(edges[i], edges[i + 1])
        s, n = significance[own], near[own]
        both = np.minimum.outer(np.where(n[:, 0], s, 0), np.where(n[:, 1], s, 0))
        np.fill_diagonal(both, 0)
        out[i] = both.max()
    return out


def set_threshold(false_heights: np.ndarray, false_positive_rate: float) -> float:
    """Lowest threshold at which at most a given share of single galaxies has a false peak.

    Parameters
    ----------
    false_heights : ndarray, shape (n,)
        Significance of the highest false peak of each unblended stamp (`highest`), 0 for none.
    false_positive_rate : float
        That share.

    Returns
    -------
    float
        In sigmas, at least `MIN_THRESHOLD`: the height of the false peak of one of the stamps.

    Raises
    ------
    DeblendError
        There are too few stamps to measure the rate.
    """
    n = len(false_heights)
    if n * false_positive_rate < 1:
        raise DeblendError(
            f"{n} unblended stamps cannot show a false positive rate of "
            f"{false_positive_rate:g}: give at least {int(np.ceil(1 / false_positive_rate))}"
        )
    # If all may have a false peak, the lowest threshold will do.
    descending = np.append(np.sort(false_heights)[::-1], 0.0)
    return float(max(descending[int(n * false_positive_rate)], MIN_THRESHOLD))


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
#: in the training only half of them set the threshold.
SINGLES_PER_BLEND = 2


def typical_noise(parts: Iterable[np.ndarray]) -> float:
    """Noise of the pixels without galaxies in stacks of asinh-scaled images.

    It is one number for all of them, since a single image can have almost no noise.

    Parameters
    ----------
    parts : iterable of ndarray, shape (k, y, x)
        The images, part by part.
    """
    widths, ends = [], []
    for images in parts:
        rows = np.sort(images.reshape(len(images), -1), axis=1)
        n = rows.shape[1]
        # From the 16th percentile to the median: galaxies are above the median.
        widths.append(rows[:, n // 2] - rows[:, int(0.16 * n)])
        ends += [rows.min(), rows.max()]
    return float(max(np.median(np.concatenate(widths)), 1e-6 * np.ptp(ends), 1e-12))


def calibration_halves(maker: PairMaker, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halves of the calibration galaxies, for the choice of epochs and for the thresholds.

    The best of many epochs has few false peaks on the stamps by which it is chosen: a threshold
    that they set would be too low.

    Parameters
    ----------
    maker : PairMaker
    rows : ndarray of int
        Galaxies of the split "calibration".

    Returns
    -------
    epochs, thresholds : ndarray of int
        By the ids, so that all networks and `deblend.hemmati2022.detection.detect` have the same.
    """
    ids = maker.galaxies["id"].to_numpy()[rows]
    # The seed is no run's: trainings with other seeds have the same halves.
    order = np.argsort([uniform(0, "hemmati2022 calibration", name) for name in ids], kind="stable")
    middle = len(rows) // 2
    return np.sort(rows[order[:middle]]), np.sort(rows[order[middle:]])


def gan_psf(fwhm_arcsec: float, maker: PairMaker) -> np.ndarray:
    """PSF of a GAN's images with a given FWHM."""
    return psf_image(fwhm_arcsec, GAN_BETA, maker.pixel_scale_arcsec, GAN_PSF_PX)
