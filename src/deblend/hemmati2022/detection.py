"""Detection of blends in each resolution, and the images that figures show.

Hemmati et al. 2022, Sect. 4. Each resolution has its own threshold, at which one in a hundred
unblended stamps has a false peak: fractions of detected blends can be compared only at equal rates
of false positives.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.hemmati2022.blends import (
    FRAME_PX,
    HemmatiBlendConfig,
    all_sources,
    main_pair,
    neighbour_positions,
    pair_quantities,
    true_positions,
)
from deblend.hemmati2022.classical import deconvolve, sep_peaks
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.degrade import FACTOR, high_position, low_position, psf_image
from deblend.hemmati2022.ladder import (
    Sample,
    Scores,
    interval_of_share,
    ladder_curves,
    ladder_table,
)
from deblend.hemmati2022.pairs import Scale, draw_singles, single_galaxies
from deblend.hemmati2022.peaks import (
    FILTERS,
    GAN_BETA,
    RATE_TOLERANCE,
    SINGLES_PER_BLEND,
    calibration_halves,
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
from deblend.hemmati2022.predict import Network, all_images, generate_images, latent_vectors
from deblend.hemmati2022.quality import N_IMAGES, image_quality

log = logging.getLogger(__name__)


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
        softening, limit = self.scale.softening[0], self.scale.limit[0]
        scaled = np.arcsinh(images / softening) / np.arcsinh(limit / softening)
        return scaled.astype(np.float32)

    def set_noise(self, single: np.ndarray) -> None:
        """Measure the noise on prepared single stamps, unless it is known or that of each stamp.

        A deconvolution has changed it, and the images of a network have little of it.
        """
        known = self.filter.image_scale == "flux" and self.prepare is None
        self.noise = self.flux_noise if known else typical_noise(self.search_scale(single))

    def find(self, prepared: np.ndarray) -> pd.DataFrame:
        """All peaks of prepared images: see `deblend.hemmati2022.peaks.find_peaks`."""
        used = self.filter
        images = self.search_scale(prepared)
        if used.kind == "sep":
            noise = float(self.noise or 0)
            return sep_peaks(images, used.psf, used.contrast, noise, self.measure)
        return find_peaks(images, used.psf, kind=used.kind, noise=self.noise, measure=self.measure)

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
        peaks = self.find(prepared)
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
        single, check, blends = (self.prepared(images) for images in (single, check, blends))
        results = []
        for candidate in self.filters:
            self.filter = candidate
            self.set_noise(single)
            heights = self._false_heights(single, sources, detection)
            peaks = self.find(blends)
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
        radius = self.radius_px(detection)
        step = FACTOR if self.name.startswith("low") else 1
        return chance_rate(to_image_pixels(self.name, sources), radius, FRAME_PX // step)

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


@dataclass(frozen=True)
class Found:
    """What `detect` finds.

    Attributes
    ----------
    detections : DataFrame
        One row per blend: `deblend.hemmati2022.blends.pair_quantities`, galaxy_0 and galaxy_1 (rows
        of the galaxies, the brighter first), and for each resolution detected_... and n_peaks_...,
        the number of peaks that are not those of neighbours.
    false_positives : DataFrame
        `resolution`; `sample` (of `deblend.hemmati2022.metrics.SAMPLES`); `n`; `n_false`; `low` and
        `high`, the 68 % interval of the share by a bootstrap of the galaxies; `chance`, the share
        of random places in the blends' frames that match a source; `threshold`, in units
        of the `noise` (NaN: the noise of each stamp); and `fwhm_arcsec` (NaN: the images' own PSF),
        `filter`, `image_scale` and `contrast` of the chosen filter (see `Filter`).
    peaks : DataFrame
        `resolution`, `blend`, `x_px`, `y_px` (66 px frame), `significance`; `galaxy`: 0 for the
        brighter galaxy of the pair, 1 for the fainter one, -1 for peaks that match neither;
        `neighbour`, whether it matches neither and is near a neighbour; and `false`, whether it
        matches no catalogued galaxy at all.
    ladder, curves : DataFrame
        See `deblend.hemmati2022.ladder`.
    """

    detections: pd.DataFrame
    false_positives: pd.DataFrame
    peaks: pd.DataFrame
    ladder: pd.DataFrame
    curves: pd.DataFrame


def to_image_pixels(name: str, high: np.ndarray) -> np.ndarray:
    """Convert positions in the 66 px frame to the pixels of a resolution's images."""
    if name.startswith("low"):
        return low_position(high)
    return high - CROP_PX if name.startswith("gan") else high


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
            f for f in resolution.filters if _filter_values(f).equals(row[list(FILTER_COLUMNS)])
        ]
        if not matching:
            raise DeblendError(
                f"the filter {row['filter']} {row['fwhm_arcsec']:g} of {name} is none of "
                "hemmati2022 > detection: detect peaks again"
            )
        resolution.filter, resolution.threshold = matching[0], float(row["threshold"])
        resolution.noise = None if pd.isna(row["noise"]) else float(row["noise"])
    return resolutions


def _filter_values(chosen: Filter) -> pd.Series:
    values = (chosen.fwhm_arcsec, chosen.kind, chosen.image_scale, chosen.contrast)
    return pd.Series(values, index=list(FILTER_COLUMNS), dtype=object)


def detect(
    networks: dict[str, Network],
    rows: dict[str, np.ndarray],
    n_blends: dict[str, int],
    blending: HemmatiBlendConfig,
    detection: Detection,
    device: torch.device,
) -> Found:
    """Detections of test blends in every resolution, and false positives.

    Parameters
    ----------
    networks : dict
        Networks by resolution: "gan" and, if trained, "gan_content", "gan_multi", ...
    rows : dict
        Rows of the galaxies of each split, "calibration" too (see
        `deblend.hemmati2022.pairs.read_cutouts`): of these the half by which no epoch was chosen
        sets the thresholds.
    n_blends : dict
        Number of blends for "validation" and "test"; there are as many single galaxies of both, and
        twice as many as for validation for the thresholds.
    blending : HemmatiBlendConfig
    detection : Detection
    device : torch.device
    """
    maker = networks["gan"].maker
    n = n_blends["validation"]
    _, single_rows = calibration_halves(maker, rows["calibration"])
    calibration = draw_singles(
        maker, single_rows, 0, SINGLES_PER_BLEND * n, "calibration", blending
    )
    images = all_images(networks, calibration, "calibration", device)
    validation = maker.draw(rows["validation"], 0, n, "validation", blending)
    images_blends = all_images(networks, validation, "validation", device)
    check = draw_singles(maker, rows["validation"], n, n, "validation", blending)
    images_check = all_images(networks, check, "validation", device)
    resolutions = make_resolutions(networks, detection)
    calibrated = {
        name: resolution.choose_filter(
            images[resolution.source],
            true_positions(calibration),
            images_check[resolution.source],
            true_positions(check),
            images_blends[resolution.source],
            _pair_positions(validation),
            all_sources(validation, maker.galaxies),
            detection,
        )
        for name, resolution in resolutions.items()
    }
    n = n_blends["test"]
    blends = maker.draw(rows["test"], 0, n, "test", blending)
    single = draw_singles(maker, rows["test"], n, n, "test", blending)
    pair, sources = _pair_positions(blends), all_sources(blends, maker.galaxies)
    neighbours = neighbour_positions(blends, maker.galaxies)
    table = pair_quantities(blends, maker.pixel_scale_arcsec)
    main = main_pair(blends)
    numbers = blends[[c for c in blends if str(c).startswith("galaxy_")]].to_numpy()
    for k in (0, 1):
        table[f"galaxy_{k}"] = numbers[np.arange(n), main[:, k]]
    images, images_single = (all_images(networks, x, "test", device) for x in (blends, single))
    scores, false, peak_tables = {}, {}, []
    for name, resolution in resolutions.items():
        all_peaks = resolution.find(resolution.prepared(images[resolution.source]))
        is_false = resolution.false_peaks(all_peaks, sources, detection)
        single_peaks = resolution.find(resolution.prepared(images_single[resolution.source]))
        single_false = resolution.false_peaks(single_peaks, true_positions(single), detection)
        scores[name] = Scores(
            limits=resolution.limits(all_peaks, pair, detection),
            false_blends=highest(all_peaks, is_false, n),
            false_single=highest(single_peaks, single_false, n),
            false_calibration=calibrated[name][0],
            lowest_threshold=calibrated[name][1],
            validated=resolution.validated,
            peaks=all_peaks.assign(false=is_false),
        )
        strong = (all_peaks["significance"] > resolution.threshold).to_numpy()
        peaks = all_peaks[strong].reset_index(drop=True)
        matched_blends = resolution.detect(peaks, pair, detection)
        table[f"detected_{name}"] = matched_blends["detected"]
        false[name] = scores[name].false_blends > resolution.threshold
        galaxy = np.full(len(peaks), -1)
        for k in (0, 1):
            matched = matched_blends[f"peak_{k}"].to_numpy()
            galaxy[matched[matched >= 0]] = k
        is_neighbour = (galaxy < 0) & resolution.near(peaks, neighbours, detection)
        table[f"n_peaks_{name}"] = np.bincount(peaks["stamp"][~is_neighbour], minlength=n)
        xy = to_frame_pixels(name, peaks[["x_px", "y_px"]].to_numpy())
        peak_tables.append(
            pd.DataFrame(
                {
                    "resolution": name,
                    "blend": peaks["stamp"],
                    "x_px": xy[:, 0],
                    "y_px": xy[:, 1],
                    "significance": peaks["significance"],
                    "galaxy": galaxy,
                    "neighbour": is_neighbour,
                    "false": is_false[strong],
                }
            )
        )
    sample = Sample(
        table[["galaxy_0", "galaxy_1"]].to_numpy(),
        single["galaxy_0"].to_numpy(),
        calibration["galaxy_0"].to_numpy(),
        detection.bootstrap_resamples,
        maker.seed,
    )
    one_peak = (table["n_peaks_high"] == 1) & (table["n_peaks_low"] == 1)
    false_rows = []
    for name, resolution in resolutions.items():
        single_is_false = scores[name].false_single > resolution.threshold
        samples = [("unblended", single_is_false, None), ("blends", false[name], None)]
        if name.startswith("gan"):
            revealed = false[name] & one_peak.to_numpy()
            samples += [
                ("one_peak", revealed, one_peak.to_numpy()),
                ("one_peak_of_all", revealed, None),
            ]
        for kind, values, among in samples:
            counts = sample.single_counts if kind == "unblended" else sample.blend_counts
            interval = interval_of_share(values, counts, among)
            n_among = len(values) if among is None else int(among.sum())
            false_rows.append((name, kind, n_among, int(values.sum()), *interval))
    columns = ["resolution", "sample", "n", "n_false", "low", "high"]
    false_positives = pd.DataFrame(false_rows, columns=columns)
    chance = {name: own.chance(sources, detection) for name, own in resolutions.items()}
    false_positives["chance"] = false_positives["resolution"].map(chance)
    row_resolutions = [resolutions[name] for name in false_positives["resolution"]]
    for column in ("threshold", "noise"):
        false_positives[column] = [getattr(resolution, column) for resolution in row_resolutions]
    false_positives[list(FILTER_COLUMNS)] = [
        list(_filter_values(resolution.filter)) for resolution in row_resolutions
    ]
    return Found(
        table,
        false_positives,
        pd.concat(peak_tables, ignore_index=True),
        ladder_table(scores, sample, false_positives, detection.false_positive_rate),
        ladder_curves(scores),
    )


def _pair_positions(blends: pd.DataFrame) -> np.ndarray:
    """Positions of the main two galaxies of each blend in the 66 px frame, (n, 2, 2)."""
    return true_positions(blends)[np.arange(len(blends))[:, None], main_pair(blends)]


def write_examples(
    path: str | Path,
    networks: dict[str, Network],
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    device: torch.device,
) -> None:
    """Write the blends of Figure 4: the first of each kind.

    The kinds are those of the paper: detected in all resolutions ("easy"), only in high resolution
    and by the GAN ("gained"), or only in high resolution ("missed").

    Parameters
    ----------
    path : path
        HDF5 file.
    networks : dict
        See `detect`.
    blends : DataFrame
        The test blends.
    detections, peaks : DataFrame
        From `detect`.
    device : torch.device
    """
    high, low, gan = (detections[f"detected_{x}"].astype(bool) for x in ("high", "low", "gan"))
    kinds = {"easy": high & low & gan, "gained": high & ~low & gan, "missed": high & ~low & ~gan}
    chosen = [(kind, int(np.argmax(mask))) for kind, mask in kinds.items() if mask.any()]
    numbers = [number for _, number in chosen] or [0]
    chosen = chosen or [("first", 0)]
    shown = blends.iloc[numbers]
    maker, band = networks["gan"].maker, networks["gan"].band
    images = all_images(networks, shown, "test", device)
    second_only = shown.copy()
    for column in second_only:
        if str(column).startswith("galaxy_") and column != "galaxy_1":
            second_only[column] = -1
    single_images = [
        maker.pairs(x, "test")[0][:, band, 1:-1, 1:-1]
        for x in (single_galaxies(shown), second_only)
    ]
    scale = maker.scale_high
    softening, limit = float(scale.softening[band, 0, 0]), float(scale.limit[band, 0, 0])

    def display(x: np.ndarray) -> np.ndarray:
        return (np.arcsinh(x / softening) / np.arcsinh(limit / softening)).astype(np.float32)

    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file["galaxy1"], file["galaxy2"] = display(single_images[0]), display(single_images[1])
        file["high"] = display(images["high"][:, 1:-1, 1:-1])
        file["gan"] = display(scale.unscaled(images["gan"][:, None])[:, band])
        file["low"] = display(images["low"] / 3)
        file["positions"] = true_positions(shown)[:, :2] - CROP_PX
        file["kind"] = np.array([kind for kind, _ in chosen], "S")
        for name in ("high", "low", "gan"):
            own_peaks = peaks[(peaks["resolution"] == name) & peaks["blend"].isin(numbers)]
            xy = own_peaks[["x_px", "y_px"]].to_numpy()
            xy = to_image_pixels(name, xy) if name == "low" else xy - CROP_PX
            example_numbers = [numbers.index(b) for b in own_peaks["blend"]]
            file[f"peaks_{name}"] = np.column_stack([np.asarray(example_numbers, float), xy])


def write_galleries(
    path: str | Path,
    networks: dict[str, Network],
    made: np.ndarray,
    real: np.ndarray,
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    device: torch.device,
    n_shown: int = 5,
) -> None:
    """Write the images of Figures 2, 3 and 8.

    Parameters
    ----------
    path : path
        HDF5 file.
    networks : dict
        See `detect`.
    made, real : ndarray, shapes (2 k, 64, 64) and (k, 64, 64)
        Images of a vanilla GAN, and real ones, in [-1, 1].
    blends, detections, peaks : DataFrame
        See `detect`. Figure 8 shows the first blend that is detected in high resolution and by the
        multi-band network, but not in low resolution; else the first blend.
    device : torch.device
    n_shown : int
        Number of galaxies in Figure 3.
    """
    first = networks["gan"]
    single = single_galaxies(blends.iloc[:n_shown], centred=True)
    high, low = first.maker.scaled(single, "test")
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file["real"], file["generated"] = real, made
        file["high"], file["low"] = high[:, first.band], low[:, first.band]
        file["gan"] = generate_images(first.generator, low, device)[:, first.band]
        file["band"] = first.maker.bands[first.band]
        multi = networks.get("gan_multi")
        if multi is None:
            return
        gained = detections["detected_high"] & detections["detected_gan_multi"]
        gained &= ~detections["detected_low"].astype(bool)
        number = int(np.argmax(gained)) if gained.any() else 0
        high, low = multi.maker.scaled(blends.iloc[[number]], "test")
        file["multi_high"], file["multi_low"] = high[0], low[0]
        file["multi_gan"] = generate_images(multi.generator, low, device)[0]
        file["bands"] = np.array(multi.maker.bands, "S")
        for name, resolution in (("high", "high"), ("low", "low"), ("gan", "gan_multi")):
            own_peaks = peaks[(peaks["resolution"] == resolution) & (peaks["blend"] == number)]
            xy = own_peaks[["x_px", "y_px"]].to_numpy()
            xy = to_image_pixels(name, xy) if name == "low" else xy - CROP_PX
            file[f"multi_peaks_{name}"] = xy


def real_and_generated(
    vanilla: Network,
    network: Network,
    blends: pd.DataFrame,
    train_rows: np.ndarray,
    n_shown: int,
    seed: int,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Images of the vanilla GAN, and real ones of training galaxies, for Figure 2.

    Parameters
    ----------
    vanilla, network : Network
        The vanilla GAN, and a network that renders the real images.
    blends : DataFrame
        Test blends, at least `n_shown`, whose rows the real galaxies are put into.
    train_rows : ndarray of int
        Training galaxies, of which the first `n_shown` are shown.
    n_shown, seed : int
    device : torch.device

    Returns
    -------
    made, real : ndarray, shapes (2 n_shown, 64, 64) and (n_shown, 64, 64)
        In [-1, 1], in the detection band.
    """
    noise = latent_vectors(seed, 2 * n_shown, vanilla.n_latent, "gallery")
    made = generate_images(vanilla.generator, noise, device)[:, vanilla.band]
    numbers = np.arange(min(n_shown, len(train_rows)))
    galaxies = blends.iloc[numbers].assign(
        galaxy_0=train_rows[numbers], galaxy_1=-1, dx_0=0, dy_0=0
    )
    return made, network.maker.scaled(galaxies, "train")[0][:, network.band]


def run_detection(
    networks: dict[str, Network],
    rows: dict[str, np.ndarray],
    *,
    blending: HemmatiBlendConfig,
    detection: Detection,
    n_blends: dict[str, int],
    n_shown: int,
    seed: int,
    device: torch.device,
    examples: str | Path,
    galleries: str | Path,
) -> dict[str, pd.DataFrame]:
    """Detect peaks in every resolution, and write the images that figures show.

    Parameters
    ----------
    networks : dict
        Networks of `detect`, and "vanilla".
    rows, blending, detection, n_blends, device
        See `detect`.
    n_shown : int
        Number of real galaxies in Figure 2.
    seed : int
        Seed of the vanilla GAN's noise.
    examples, galleries : path
        See `write_examples` and `write_galleries`.

    Returns
    -------
    dict of DataFrame
        `detections`, `false_positives`, `peaks`, `ladder` and `curves`: see `Found`; `quality`: see
        `deblend.hemmati2022.quality.image_quality`.
    """
    others = {name: network for name, network in networks.items() if name != "vanilla"}
    found = detect(others, rows, n_blends, blending, detection, device)
    table, peaks = found.detections, found.peaks
    log.info("ladder:\n%s", found.ladder.to_string(index=False))
    log.info("false positives:\n%s", found.false_positives.to_string())
    gan = networks["gan"]
    blends = gan.maker.draw(rows["test"], 0, n_blends["test"], "test", blending)
    write_examples(examples, others, blends, table, peaks, device)
    made, real = real_and_generated(
        networks["vanilla"], gan, blends, rows["train"], n_shown, seed, device
    )
    write_galleries(galleries, others, made, real, blends, table, peaks, device)
    training_blends = gan.maker.draw(rows["train"], 0, N_IMAGES, "train", blending)
    quality = image_quality(networks, blends, single_galaxies(training_blends), seed, device)
    log.info("images:\n%s", quality.to_string(index=False))
    return {
        "detections": table,
        "false_positives": found.false_positives,
        "peaks": peaks,
        "quality": quality,
        "ladder": found.ladder,
        "curves": found.curves,
    }
