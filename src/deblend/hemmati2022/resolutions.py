"""How peaks are found in the images of each resolution (Hemmati et al. 2022, Sect. 4).

Each resolution has its own filter and threshold, at which one in a hundred unblended stamps has a
false peak: fractions of detected blends can be compared only at equal rates of false positives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from deblend.data.rows import row_batches
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import EDGE_PX, FRAME_PX, inside_frame
from deblend.hemmati2022.classical import deconvolve, sep_peaks
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.degrade import FACTOR, high_position, low_position, psf_image
from deblend.hemmati2022.pairs import BATCH, Scale
from deblend.hemmati2022.peaks import (
    FILTERS,
    GAN_BETA,
    RATE_TOLERANCE,
    chance_rate,
    detect_blends,
    detection_limits,
    false_peaks,
    find_peaks,
    gan_psf,
    highest,
    near_sources,
    set_threshold,
    typical_noise,
)
from deblend.hemmati2022.predict import Network
from deblend.scratch import new_array

#: Pixels that the GAN's images of 64 px lack at each edge of the frame of 66 px.
CROP_PX = 1


#: Side of a filter for the low resolution, which is 2.7 arcsec.
LOW_PSF_PX = 15


IMAGE_SCALES = ("flux", "asinh")


#: Columns that describe the filter that was used.
FILTER_COLUMNS = ("fwhm_arcsec", "filter", "image_scale", "contrast")


@dataclass(frozen=True)
class Filter:
    """How peaks are searched for: the filter, and the scale of the images in that search.

    Attributes
    ----------
    psf : ndarray
    fwhm_arcsec : float
        FWHM of the PSF; NaN for the PSF of the images themselves.
    kind : {"psf", "lowered", "sep"}
        See `deblend.hemmati2022.peaks.detection_filter`; "sep" is SExtractor, which convolves the
        images with the PSF.
    image_scale : {"flux", "asinh"}
        For the images of a network it is the asinh scale, in which the network makes them: there
        their errors depend little on the brightness of the galaxy. In flux the errors grow with the
        brightness, so that a few bright galaxies would set the threshold for all. In real images
        the clumps of bright galaxies have the same effect.
    contrast : float
        Of SExtractor, see `deblend.hemmati2022.classical.sep_peaks`.
    """

    psf: np.ndarray
    fwhm_arcsec: float = np.nan
    kind: str = "psf"
    image_scale: str = "flux"
    contrast: float = np.nan


class Resolution:
    """How peaks are found in the images of one resolution.

    Parameters
    ----------
    name : str
        One of `deblend.hemmati2022.metrics.RESOLUTIONS`.
    filters : list of Filter
        Filters from which one is chosen.
    noise : float, optional
        Noise of a pixel in flux, if it is known. It cannot be measured on a small stamp that has no
        pixels without galaxies.
    scale : Scale, optional
        Converts flux to the asinh scale; none for images that already are in that scale.
    source : str, optional
        Images in which peaks are searched for (see `deblend.hemmati2022.predict.image_batches`);
        by default those of the name.
    prepare : callable, optional
        Applied to the images before the search, such as a deconvolution.
    measure : {"prominence", "height"}
        See `deblend.hemmati2022.peaks.find_peaks`.
    """

    def __init__(
        self,
        name: str,
        filters: list[Filter],
        noise: float | None = None,
        scale: Scale | None = None,
        *,
        source: str | None = None,
        prepare: Callable[[np.ndarray], np.ndarray] | None = None,
        measure: str = "prominence",
    ) -> None:
        self.name, self.filters, self.scale = name, filters, scale
        self.source, self.prepare, self.measure = source or name, prepare, measure
        self.filter, self.threshold, self.validated = filters[0], np.nan, np.nan
        self.noise = self.flux_noise = noise

    def prepared(self, images: np.ndarray) -> np.ndarray:
        """Images before the search for peaks."""
        return images if self.prepare is None else self.prepare(images)

    def search_scale(self, images: np.ndarray) -> np.ndarray:
        """Images in the scale in which peaks are searched for.

        It is not clipped, as it is for networks: what is brighter than the limit, which is that of
        one band even for a sum, would be flat and without peaks.
        """
        if self.scale is None or self.filter.image_scale == "flux":
            return images
        return self.scale.unclipped(images[:, None])[:, 0]

    def set_noise(self, single: np.ndarray) -> None:
        """Measure the noise on prepared single stamps, unless it is known or that of each stamp.

        A deconvolution has changed it, and the images of a network have little of it.
        """
        if self.filter.image_scale == "flux" and self.prepare is None:
            self.noise = self.flux_noise
            return
        self.noise = typical_noise(
            self.search_scale(single[rows]) for rows in row_batches(len(single), BATCH)
        )

    def find(self, prepared: np.ndarray) -> pd.DataFrame:
        """All peaks of prepared images that are not at an edge.

        See `deblend.hemmati2022.peaks.find_peaks` and `deblend.hemmati2022.blends.EDGE_PX`.
        """
        used = self.filter
        images = self.search_scale(prepared)
        if used.kind == "sep":
            noise = float(self.noise or 0)
            peaks = sep_peaks(images, used.psf, used.contrast, noise, self.measure)
        else:
            peaks = find_peaks(
                images, used.psf, kind=used.kind, noise=self.noise, measure=self.measure
            )
        kept = inside_frame(
            peaks[["x_px", "y_px"]].to_numpy(), images.shape[-1], edge_px(self.name)
        )
        return peaks[kept].reset_index(drop=True)

    def find_in_parts(self, prepared: np.ndarray) -> pd.DataFrame:
        """As `find`, with a batch of images in memory."""
        parts = []
        for rows in row_batches(max(len(prepared), 1), BATCH):
            peaks = self.find(prepared[rows])
            parts.append(peaks.assign(stamp=peaks["stamp"] + rows.start))
        return pd.concat(parts, ignore_index=True)

    def _all_prepared(self, images: np.ndarray) -> np.ndarray:
        """As `prepared`, of many images, with a batch of them in memory."""
        if self.prepare is None:
            return images
        first = self.prepare(images[:BATCH])
        out = new_array((len(images), *first.shape[1:]), first.dtype)
        out[:BATCH] = first
        for rows in row_batches(len(images), BATCH):
            if rows.start:
                out[rows] = self.prepare(images[rows])
        return out

    def peaks(self, images: np.ndarray) -> pd.DataFrame:
        """Peaks above the threshold."""
        peaks = self.find(self.prepared(images))
        return peaks[peaks["significance"] > self.threshold].reset_index(drop=True)

    def false_peaks(
        self, peaks: pd.DataFrame, sources: np.ndarray, detection: Detection
    ) -> np.ndarray:
        """Which peaks belong to no galaxy; sources are positions (n, k, 2) in the 66 px frame."""
        return false_peaks(peaks, to_image_pixels(self.name, sources), self.radius_px(detection))

    def near(self, peaks: pd.DataFrame, sources: np.ndarray, detection: Detection) -> np.ndarray:
        """Which peaks are near sources, positions (n, k, 2) in the 66 px frame."""
        return near_sources(peaks, to_image_pixels(self.name, sources), self.radius_px(detection))

    def _false_heights(
        self, prepared: np.ndarray, sources: np.ndarray, detection: Detection
    ) -> np.ndarray:
        peaks = self.find_in_parts(prepared)
        return highest(peaks, self.false_peaks(peaks, sources, detection), len(prepared))

    def choose_filter(
        self,
        single: np.ndarray,
        sources: np.ndarray,
        check: np.ndarray,
        check_sources: np.ndarray,
        blends: np.ndarray,
        pair: np.ndarray,
        blend_sources: np.ndarray,
        detection: Detection,
    ) -> tuple[np.ndarray, float]:
        """Choose the filter that detects most validation blends, and set its threshold.

        The calibration galaxies set it. Some filters make false peaks around bright galaxies, of
        which there are few among those. Validation galaxies are as bright as those of the test, but
        fewer: a threshold is raised until at most `RATE_TOLERANCE` times the rate of validation
        galaxies, and of validation blends, has a false peak.

        Parameters
        ----------
        single : ndarray, shape (n, y, x)
            Unblended stamps of the many galaxies that set the threshold.
        sources : ndarray, shape (n, k, 2)
            Positions of their galaxies in the 66 px frame.
        check, check_sources : ndarray, shapes (m, y, x) and (m, k, 2)
            The same of validation galaxies.
        blends : ndarray, shape (l, y, x)
            Validation blends.
        pair : ndarray, shape (l, 2, 2)
            Positions of the main two galaxies of each blend in the 66 px frame.
        blend_sources : ndarray, shape (l, k, 2)
            Those of all its galaxies and their neighbours.
        detection : Detection

        Returns
        -------
        heights : ndarray, shape (n,)
            Significance of the highest false peak of each single stamp with the chosen filter, 0
            for none.
        lowest : float
            Lowest threshold that validation galaxies and blends allow.
        """
        rate = detection.false_positive_rate
        single, check, blends = (self._all_prepared(images) for images in (single, check, blends))
        results = []
        for candidate in self.filters:
            self.filter = candidate
            self.set_noise(single)
            heights = self._false_heights(single, sources, detection)
            peaks = self.find_in_parts(blends)
            false = self.false_peaks(peaks, blend_sources, detection)
            lowest = max(
                set_threshold(few, min(1.0, RATE_TOLERANCE * rate))
                for few in (
                    self._false_heights(check, check_sources, detection),
                    highest(peaks, false, len(blends)),
                )
            )
            threshold = max(set_threshold(heights, rate), lowest)
            share = float((self.limits(peaks, pair, detection) > threshold).mean())
            results.append((share, threshold, heights, lowest))
        best = max(range(len(results)), key=lambda k: results[k][0])
        self.filter = self.filters[best]
        self.set_noise(single)
        self.validated, self.threshold, heights, lowest = results[best]
        return heights, lowest

    def chance(self, sources: np.ndarray, detection: Detection) -> float:
        """Share of the places in the frame that are near sources: see `chance_rate`."""
        side = FRAME_PX
        if self.name.startswith("low"):
            side //= FACTOR
        elif self.name.startswith("gan"):
            side -= 2 * CROP_PX
        places = to_image_pixels(self.name, sources)
        return chance_rate(places, self.radius_px(detection), side, edge_px(self.name))

    def limits(self, peaks: pd.DataFrame, pair: np.ndarray, detection: Detection) -> np.ndarray:
        """Highest thresholds at which blends are detected, with pair in the 66 px frame.

        See `deblend.hemmati2022.peaks.detection_limits`.
        """
        positions = to_image_pixels(self.name, pair)
        return detection_limits(peaks, positions, self.radius_px(detection))

    def detect(self, peaks: pd.DataFrame, pair: np.ndarray, detection: Detection) -> pd.DataFrame:
        """Blends detected by these peaks: see `deblend.hemmati2022.peaks.detect_blends`."""
        positions = to_image_pixels(self.name, pair)
        return detect_blends(
            peaks, positions, threshold=self.threshold, radius_px=self.radius_px(detection)
        )

    def radius_px(self, detection: Detection) -> float:
        """Largest distance between a peak and its galaxy in pixels of the images."""
        if self.name.startswith("low"):
            return detection.low_radius_px / FACTOR
        return detection.radius_px


def to_image_pixels(name: str, high: np.ndarray) -> np.ndarray:
    """Convert positions in the 66 px frame to the pixels of a resolution's images."""
    if name.startswith("low"):
        return low_position(high)
    return high - CROP_PX if name.startswith("gan") else high


def edge_px(name: str) -> float:
    """`EDGE_PX` of the frame in the pixels of a resolution's images."""
    return float(to_image_pixels(name, np.array(float(EDGE_PX))))


def to_frame_pixels(name: str, positions: np.ndarray) -> np.ndarray:
    """Inverse of `to_image_pixels`."""
    if name.startswith("low"):
        return high_position(positions)
    return positions + CROP_PX if name.startswith("gan") else positions


def make_resolutions(networks: dict[str, Network], detection: Detection) -> dict[str, Resolution]:
    """All resolutions, not yet calibrated.

    In high and low resolution, peaks are searched for as in the paper, in flux with their own PSF.
    For the others the filter that detects most blends is chosen: "high_best" and "low_best", since
    a better filter could otherwise be mistaken for an advantage of the GAN; deconvolved images
    ("low_rl") and SExtractor ("low_sep"); the sum of all bands, if there are networks with several
    ("low_stack", "low_stack_rl"); and the images of networks.
    """
    first = next(iter(networks.values()))
    maker, band = first.maker, first.band
    low_pixel_arcsec = FACTOR * maker.pixel_scale_arcsec
    gan_psfs = {fwhm: gan_psf(fwhm, maker) for fwhm in detection.fwhm_arcsec}
    low_psfs = {
        fwhm: psf_image(fwhm, GAN_BETA, low_pixel_arcsec, LOW_PSF_PX)
        for fwhm in detection.low_fwhm_arcsec
    }
    own, own_low = Filter(maker.psf_high[band]), Filter(maker.psf_low)
    noise = float(maker.noise_low[band])
    scale, scale_low = (
        Scale(full.softening[[band]], full.limit[[band]])
        for full in (maker.scale_high, maker.scale_low)
    )

    def all_filters(
        psfs: dict[float, np.ndarray], scales: tuple[str, ...] = IMAGE_SCALES
    ) -> list[Filter]:
        return [
            Filter(psfs[fwhm], fwhm, *kind_and_scale)
            for fwhm, *kind_and_scale in product(psfs, FILTERS, scales)
        ]

    make = partial(Resolution, measure=detection.peaks)
    low_filters = {np.nan: own_low.psf, **low_psfs}
    resolutions = [
        make("high", [own]),
        make("high_best", all_filters({np.nan: own.psf, **gan_psfs}), scale=scale, source="high"),
        make("low", [own_low], noise),
        make("low_best", all_filters(low_filters), noise, scale_low, source="low"),
    ]
    sums = [("low", noise)]
    several = [name for name, network in networks.items() if len(network.maker.bands) > 1]
    if several:
        sigma = maker.scale_low.softening[band, 0, 0] / maker.noise_low[band]
        peak = maker.scale_low.limit[band, 0, 0] / maker.noise_low[band]
        scale_sum = Scale(np.full((1, 1, 1), sigma), np.full((1, 1, 1), peak))
        resolutions.append(make("low_stack", all_filters(low_filters), 1.0, scale_sum))
        sums.append(("low_stack", 1.0))
    iterations = detection.richardson_lucy_iterations
    if iterations:
        for source, sigma in sums:
            sharpen = partial(deconvolve, psf=maker.psf_low, noise=sigma, iterations=iterations)
            filters = all_filters(low_filters, ("flux",))
            resolutions.append(make(f"{source}_rl", filters, source=source, prepare=sharpen))
    if detection.sep_contrasts:
        contrasts = [
            Filter(own_low.psf, np.nan, "sep", "flux", contrast)
            for contrast in detection.sep_contrasts
        ]
        resolutions.append(make("low_sep", contrasts, noise, source="low"))
    for name in networks:
        resolutions.append(make(name, all_filters(gan_psfs, ("asinh",))))
        if name in several:
            resolutions.append(make(f"{name}_stack", all_filters(gan_psfs, ("asinh",))))
    return {resolution.name: resolution for resolution in resolutions}


def restore_resolutions(
    table: pd.DataFrame, networks: dict[str, Network], detection: Detection
) -> dict[str, Resolution]:
    """All resolutions with the filters, thresholds and noise that `detect` chose.

    Parameters
    ----------
    table : DataFrame
        Table of false positives from `detect`.
    networks : dict
    detection : Detection

    Raises
    ------
    DeblendError
        A filter of the table is not among those of the configuration.
    """
    rows = table.drop_duplicates("resolution").set_index("resolution")
    resolutions = make_resolutions(networks, detection)
    for name, resolution in resolutions.items():
        row = rows.loc[name]
        matching = [
            f for f in resolution.filters if filter_values(f).equals(row[list(FILTER_COLUMNS)])
        ]
        if not matching:
            raise DeblendError(
                f"the filter {row['filter']} {row['fwhm_arcsec']:g} of {name} is none of "
                "hemmati2022 > detection: detect peaks again"
            )
        resolution.filter, resolution.threshold = matching[0], float(row["threshold"])
        resolution.noise = None if pd.isna(row["noise"]) else float(row["noise"])
    return resolutions


def filter_values(chosen: Filter) -> pd.Series:
    """What describes a filter in the tables, with the index `FILTER_COLUMNS`."""
    values = (chosen.fwhm_arcsec, chosen.kind, chosen.image_scale, chosen.contrast)
    return pd.Series(values, index=list(FILTER_COLUMNS), dtype=object)
