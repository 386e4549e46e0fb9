"""Detection of blends in each resolution, and the images that figures show.

Hemmati et al. 2022, Sect. 4. Each resolution has its own threshold, at which one in a hundred
unblended validation stamps has a second peak: fractions of detected blends can be compared only at
equal rates of false positives.
"""

import logging
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.hemmati2022.blends import (
    HemmatiBlendConfig,
    main_pair,
    pair_quantities,
    true_positions,
)
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.degrade import FACTOR, high_position, low_position, psf_image
from deblend.hemmati2022.pairs import Scale, single_galaxies
from deblend.hemmati2022.peaks import (
    FILTERS,
    GAN_BETA,
    RATE_TOLERANCE,
    SINGLES_PER_BLEND,
    count_peaks,
    detect_blends,
    find_peaks,
    gan_psf,
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
FILTER_COLUMNS = ("fwhm_arcsec", "filter", "image_scale")


@dataclass(frozen=True)
class Filter:
    """Filter with which peaks are searched for, and the scale of the images in that search.

    Attributes
    ----------
    psf : ndarray
    fwhm_arcsec : float
        FWHM of the PSF; NaN for the PSF of the images themselves.
    kind : {"psf", "lowered"}
        See `deblend.hemmati2022.peaks.detection_filter`.
    image_scale : {"flux", "asinh"}
        For the images of a network it is the asinh scale, in which the network makes them: there
        their errors depend little on the brightness of the galaxy. In flux the errors grow with the
        brightness, so that a few bright galaxies would set the threshold for all. In real images
        the clumps of bright galaxies have the same effect.
    """

    psf: np.ndarray
    fwhm_arcsec: float = np.nan
    kind: str = "psf"
    image_scale: str = "flux"


class Resolution:
    """How peaks are found in the images of one resolution, in the detection band.

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
    """

    def __init__(
        self,
        name: str,
        filters: list[Filter],
        noise: float | None = None,
        scale: Scale | None = None,
    ) -> None:
        self.name, self.filters, self.scale = name, filters, scale
        self.filter, self.threshold = filters[0], np.nan
        self.noise = self.flux_noise = noise

    def search_scale(self, images: np.ndarray) -> np.ndarray:
        """Images in the scale in which peaks are searched for."""
        if self.scale is None or self.filter.image_scale == "flux":
            return images
        return self.scale.scaled(images[:, None])[:, 0]

    def calibrate(self, single: np.ndarray, rate: float) -> None:
        """Set the threshold, and the noise, on unblended validation stamps."""
        single = self.search_scale(single)
        in_flux = self.filter.image_scale == "flux"
        self.noise = self.flux_noise if in_flux else typical_noise(single)
        self.threshold = set_threshold(
            single,
            self.filter.psf,
            false_positive_rate=rate,
            kind=self.filter.kind,
            noise=self.noise,
        )

    def choose_filter(
        self,
        single: np.ndarray,
        half: np.ndarray,
        blends: np.ndarray,
        pair: np.ndarray,
        detection: Detection,
    ) -> None:
        """Choose the filter that detects most validation blends, and set its threshold.

        The threshold of each filter is set on one half of the single galaxies. Filters whose rate
        of false positives is low enough on the other half too are preferred, since with few
        galaxies a single clump can determine the threshold.

        Parameters
        ----------
        single, blends : ndarray, shape (n, y, x)
            Validation stamps of single galaxies and of blends.
        half : ndarray of bool, shape (n,)
            True for single stamps of one half of the galaxies; the other stamps show other
            galaxies.
        pair : ndarray, shape (n, 2, 2)
            Positions of the galaxies of each blend in the 66 px frame.
        detection : Detection
        """
        rate = detection.false_positive_rate
        results = []
        for candidate in self.filters if len(self.filters) > 1 else []:
            self.filter = candidate
            self.calibrate(single[half], rate)
            false_positive = count_peaks(self.peaks(single[~half]), int((~half).sum()), 0) > 1
            share = self.detect(self.peaks(blends), pair, detection)["detected"].mean()
            results.append((false_positive.mean() <= RATE_TOLERANCE * rate, share))
        best = max(range(len(results)), key=results.__getitem__, default=0)
        self.filter = self.filters[best]
        self.calibrate(single, rate)

    def peaks(self, images: np.ndarray) -> pd.DataFrame:
        """Peaks above the threshold: see `deblend.hemmati2022.peaks.find_peaks`."""
        peaks = find_peaks(
            self.search_scale(images), self.filter.psf, kind=self.filter.kind, noise=self.noise
        )
        return peaks[peaks["significance"] > self.threshold].reset_index(drop=True)

    def detect(self, peaks: pd.DataFrame, pair: np.ndarray, detection: Detection) -> pd.DataFrame:
        """Blends detected by these peaks: see `deblend.hemmati2022.peaks.detect_blends`."""
        radius = detection.radius_px / (FACTOR if self.name.startswith("low") else 1)
        positions = to_image_pixels(self.name, pair)
        return detect_blends(peaks, positions, threshold=self.threshold, radius_px=radius)


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
    For "high_best" and "low_best", as for the networks, the filter that detects most blends is
    chosen: otherwise a better filter could be mistaken for an advantage of the GAN.
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

    resolutions = [
        Resolution("high", [own]),
        Resolution("high_best", all_filters({np.nan: own.psf, **gan_psfs}), scale=scale),
        Resolution("low", [own_low], noise),
        Resolution("low_best", all_filters({np.nan: own_low.psf, **low_psfs}), noise, scale_low),
        *(Resolution(name, all_filters(gan_psfs, ("asinh",))) for name in networks),
    ]
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
    values = (chosen.fwhm_arcsec, chosen.kind, chosen.image_scale)
    return pd.Series(values, index=list(FILTER_COLUMNS), dtype=object)


def detect(
    networks: dict[str, Network],
    rows: dict[str, np.ndarray],
    n_blends: dict[str, int],
    blending: HemmatiBlendConfig,
    detection: Detection,
    device: torch.device,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Detections of test blends in every resolution, and false positives.

    Parameters
    ----------
    networks : dict
        Networks by resolution: "gan" and, if trained, "gan_content" and "gan_multi".
    rows : dict
        Rows of the galaxies of each split.
    n_blends : dict
        Number of blends for "validation" and "test"; there are as many single galaxies for testing,
        and twice as many for validation.
    blending : HemmatiBlendConfig
    detection : Detection
    device : torch.device

    Returns
    -------
    detections : DataFrame
        One row per blend: `deblend.hemmati2022.blends.pair_quantities`, and for each resolution
        detected_... and n_peaks_....
    false_positives : DataFrame
        `resolution`; `sample` (unblended, one_peak); `n`; `n_false`; `threshold`, in units of the
        `noise` (NaN: the noise of each stamp); and `fwhm_arcsec` (NaN: the images' own PSF),
        `filter` and `image_scale` of the chosen filter (see `Filter`).
    peaks : DataFrame
        `resolution`, `blend`, `x_px`, `y_px` (66 px frame), `significance`, and `galaxy`: 0 for the
        brighter galaxy of the pair, 1 for the fainter one, -1 for peaks that match neither.
    """
    maker = networks["gan"].maker
    n = n_blends["validation"]
    drawn = maker.draw(rows["validation"], n, (1 + SINGLES_PER_BLEND) * n, "validation", blending)
    single_validation = single_galaxies(drawn)
    _, rank = np.unique(single_validation["galaxy_0"], return_inverse=True)
    images = all_images(networks, single_validation, "validation", device)
    validation_blends = maker.draw(rows["validation"], 0, n, "validation", blending)
    pair = true_positions(validation_blends)[np.arange(n)[:, None], main_pair(validation_blends)]
    images_blends = all_images(networks, validation_blends, "validation", device)
    resolutions = make_resolutions(networks, detection)
    for name, resolution in resolutions.items():
        resolution.choose_filter(images[name], rank % 2 == 0, images_blends[name], pair, detection)
    n = n_blends["test"]
    blends = maker.draw(rows["test"], 0, n, "test", blending)
    single_test = single_galaxies(maker.draw(rows["test"], n, 2 * n, "test", blending))
    pair = true_positions(blends)[np.arange(n)[:, None], main_pair(blends)]
    table = pair_quantities(blends, maker.pixel_scale_arcsec)
    images, images_single = (all_images(networks, x, "test", device) for x in (blends, single_test))
    false_rows, peak_tables = [], []
    for name, resolution in resolutions.items():
        peaks = resolution.peaks(images[name])
        matched_blends = resolution.detect(peaks, pair, detection)
        table[f"detected_{name}"] = matched_blends["detected"]
        table[f"n_peaks_{name}"] = matched_blends["n_peaks"]
        galaxy = np.full(len(peaks), -1)
        for k in (0, 1):
            matched = matched_blends[f"peak_{k}"].to_numpy()
            galaxy[matched[matched >= 0]] = k
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
                }
            )
        )
        false_positive = count_peaks(resolution.peaks(images_single[name]), n, 0) > 1
        false_rows.append((name, "unblended", n, int(false_positive.sum())))
    one_peak = (table["n_peaks_high"] == 1) & (table["n_peaks_low"] == 1)
    for name in networks:
        n_more = int((one_peak & (table[f"n_peaks_{name}"] > 1)).sum())
        false_rows.append((name, "one_peak", int(one_peak.sum()), n_more))
    false_positives = pd.DataFrame(false_rows, columns=["resolution", "sample", "n", "n_false"])
    row_resolutions = [resolutions[name] for name in false_positives["resolution"]]
    for column in ("threshold", "noise"):
        false_positives[column] = [getattr(resolution, column) for resolution in row_resolutions]
    false_positives[list(FILTER_COLUMNS)] = [
        list(_filter_values(resolution.filter)) for resolution in row_resolutions
    ]
    return table, false_positives, pd.concat(peak_tables, ignore_index=True)


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
        `detections`, `false_positives` and `peaks`: see `detect`; `quality`: see
        `deblend.hemmati2022.quality.image_quality`.
    """
    others = {name: network for name, network in networks.items() if name != "vanilla"}
    table, false_positives, peaks = detect(others, rows, n_blends, blending, detection, device)
    fractions = table.filter(like="detected_").mean()
    log.info(
        "detected:\n%s\nfalse positives:\n%s", fractions.to_string(), false_positives.to_string()
    )
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
        "false_positives": false_positives,
        "peaks": peaks,
        "quality": quality,
    }
