"""Validate the GANs of Hemmati et al. 2022 after each epoch of their training."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import torch
from deblend.data.rows import row_batches
from deblend.hemmati2022.blends import (
    FRAME_PX,
    HemmatiBlendConfig,
    all_sources,
    inside_frame,
    main_pair,
    true_positions,
)
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.pairs import PairMaker, draw_singles, of_band
from deblend.hemmati2022.peaks import (
    RATE_TOLERANCE,
    SINGLES_PER_BLEND,
    calibration_halves,
    detection_limits,
    false_peaks,
    find_peaks,
    gan_psf,
    highest,
    set_threshold,
    typical_noise,
)
from deblend.hemmati2022.predict import generate_images
from deblend.space import need_memory
from deblend.training.torch_gan import diversity
from torch import nn

#: Validation blends whose images are in memory at a time, and single galaxies for as many: a
#: multiple of `deblend.hemmati2022.pairs.BATCH`.
PART = 1024

#: Noise of a network's images at least, which are in [-1, 1]: its sky can be exactly flat at first.
MIN_NOISE = 1e-5


def validation_bytes(n: int, n_bands: int, factor: int) -> int:
    """Bytes of the images that the validation of n blends has in memory at the same time.

    In high resolution the blends, what a generator makes of them, and of the single galaxies; in
    low resolution both.
    """
    high, low = (FRAME_PX - 2) ** 2, (FRAME_PX // factor) ** 2
    return 4 * n * n_bands * ((2 + SINGLES_PER_BLEND) * high + (1 + SINGLES_PER_BLEND) * low)


class _Images:
    """Images of blends for networks, part by part; if there is one part, it stays in memory.

    Parameters
    ----------
    maker : PairMaker
    blends : DataFrame
    split : str
    part : int
        Blends of a part.
    """

    def __init__(self, maker: PairMaker, blends: pd.DataFrame, split: str, part: int) -> None:
        self._maker, self._blends, self._split = maker, blends, split
        self.slices = list(row_batches(len(blends), part))
        self._kept: dict[str, np.ndarray] = {}

    @property
    def is_whole(self) -> bool:
        """Whether there is one part."""
        return len(self.slices) == 1

    def low(self, part: slice) -> np.ndarray:
        """A part in low resolution, shape (k, band, 22, 22)."""
        if "low" in self._kept:
            return self._kept["low"]
        low = self._maker.scaled_low(self._blends.iloc[part], self._split)
        if self.is_whole:
            self._kept["low"] = low
        return low

    def both(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """A part in high resolution, shape (k, band, 64, 64), and in low resolution."""
        if "high" in self._kept:
            return self._kept["high"], self._kept["low"]
        high, low = self._maker.scaled(self._blends.iloc[part], self._split)
        if self.is_whole:
            self._kept |= {"high": high, "low": low}
        return high, low


class Validation:
    """Validation blends and single galaxies, with which generators are validated.

    Parameters
    ----------
    maker : PairMaker
    rows : dict of ndarray of int
        Galaxies of the splits "validation", for the blends, and "calibration", of which one half
        are the single galaxies (see `deblend.hemmati2022.peaks.calibration_halves`).
    n : int
        Number of blends; there are `SINGLES_PER_BLEND` times as many single galaxies.
    blending : HemmatiBlendConfig
    detection : Detection
    band : int
        Number of the band in which peaks are searched for.
    part : int
        Blends whose images are in memory at a time. If there are more, images are rendered again
        for each validation.

    Attributes
    ----------
    last_single : DataFrame
        Single galaxies of `final_threshold`.
    """

    def __init__(
        self,
        maker: PairMaker,
        rows: dict[str, np.ndarray],
        n: int,
        blending: HemmatiBlendConfig,
        detection: Detection,
        band: int,
        part: int = PART,
    ) -> None:
        self.maker, self.detection, self.band = maker, detection, band
        need_memory(
            f"validation on {n} blends in {len(maker.bands)} bands",
            validation_bytes(min(n, part), len(maker.bands), maker.factor),
            "fewer blends (hemmati2022 > n_blends > validation)",
        )
        blends = maker.draw(rows["validation"], 0, n, "validation", blending)
        # Not those of `detect`, nor with their noise.
        single_rows, last_rows = calibration_halves(maker, rows["calibration"])
        n_single, part_single = SINGLES_PER_BLEND * n, SINGLES_PER_BLEND * part
        single = draw_singles(maker, single_rows, 0, n_single, "epochs", blending)
        self.last_single = draw_singles(maker, last_rows, 0, n_single, "calibration", blending)
        self._blends = _Images(maker, blends, "validation", part)
        self._single = _Images(maker, single, "epochs", part_single)
        self._last = _Images(maker, self.last_single, "calibration", part_single)
        # Positions are those in the crop of 64 px.
        self._sources, self._sources_single, self._sources_last = (
            all_sources(table, maker.galaxies) - 1 for table in (blends, single, self.last_single)
        )
        self._positions = true_positions(blends)[np.arange(n)[:, None], main_pair(blends)] - 1
        _, rank = np.unique(single["galaxy_0"], return_inverse=True)
        self._sets_threshold = rank % 2 == 0

    def some_high(self, n: int) -> np.ndarray:
        """The first n blends in high resolution, shape (n, band, 64, 64), or all if these are few.

        n is no more than a part.
        """
        part = slice(0, n) if len(self._blends.slices) > 1 else self._blends.slices[0]
        return self._blends.both(part)[0][:n]

    def check(self, generator: nn.Module, device: torch.device) -> dict[str, float]:
        """Validate a generator: the share of blends that it detects, and its diversity.

        Returns
        -------
        dict
            `val_detected`, the share of blends whose two galaxies are found; `val_threshold`, set
            on one half of the single galaxies and raised until at most `largest_rate` of the blends
            have a false peak, in units of `val_noise`; `val_false`, the share of the other half
            with a false peak; `val_fwhm_arcsec`, the FWHM of the PSF with which these were
            measured; `val_content` (mean absolute difference); `diversity_ratio`, of the first
            part.
        """
        # The noise comes first, then the peaks: images of several parts are made for each.
        single = list(self._generated(generator, device)) if self._single.is_whole else None
        noise = max(typical_noise(single or self._generated(generator, device)), MIN_NOISE)
        widths, n = self.detection.fwhm_arcsec, len(self._positions)
        psfs = [gan_psf(width, self.maker) for width in widths]
        of_single: list[list[np.ndarray]] = []  # by part, then by PSF
        of_blends: list[list[tuple[np.ndarray, np.ndarray]]] = []
        content = 0.0
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            generated = single or self._generated(generator, device)
            for part, images in zip(self._single.slices, generated, strict=True):
                of_one = partial(self._false_heights, images, self._sources_single[part], noise)
                of_single.append(list(pool.map(of_one, psfs)))
            for part in self._blends.slices:
                high, low = self._blends.both(part)
                images = generate_images(generator, low, device)
                content += float(np.abs(images - high).mean()) * (len(images) / n)
                if not of_blends:
                    ratio = diversity(images, high)
                of_two = partial(self._both_heights, of_band(images, self.band), part, noise)
                of_blends.append(list(pool.map(of_two, psfs)))
        results = []
        for k, width in enumerate(widths):
            heights = np.concatenate([part[k] for part in of_single])
            false, limits = (np.concatenate([part[k][i] for part in of_blends]) for i in (0, 1))
            results.append(self._result(heights, false, limits, noise, width))
        # A reliable threshold comes first, then the share of detected blends.
        best = max(
            results, key=lambda width: (self.has_reliable_threshold(width), width["val_detected"])
        )
        return {**best, "val_content": content, "diversity_ratio": ratio}

    def final_threshold(
        self, generator: nn.Module, device: torch.device, fwhm_arcsec: float, noise: float
    ) -> float:
        """Threshold of a trained generator, on single galaxies by which no epoch was chosen."""
        psf = gan_psf(fwhm_arcsec, self.maker)
        heights = [
            self._false_heights(
                of_band(generate_images(generator, self._last.low(part), device), self.band),
                self._sources_last[part],
                noise,
                psf,
            )
            for part in self._last.slices
        ]
        return set_threshold(np.concatenate(heights), self.detection.false_positive_rate)

    def _generated(self, generator: nn.Module, device: torch.device) -> Iterator[np.ndarray]:
        """Images of the single galaxies in the detection band, part by part."""
        for part in self._single.slices:
            images = generate_images(generator, self._single.low(part), device)
            yield of_band(images, self.band)

    def _find(self, images: np.ndarray, psf: np.ndarray, noise: float) -> pd.DataFrame:
        """Peaks of a network's images that are not at an edge of the frame."""
        peaks = find_peaks(images, psf, noise=noise, measure=self.detection.peaks)
        frame = peaks[["x_px", "y_px"]].to_numpy() + 1
        return peaks[inside_frame(frame)].reset_index(drop=True)

    def _false_heights(
        self, images: np.ndarray, sources: np.ndarray, noise: float, psf: np.ndarray
    ) -> np.ndarray:
        """The highest false peak of each image."""
        peaks = self._find(images, psf, noise)
        return highest(peaks, false_peaks(peaks, sources, self.detection.radius_px), len(images))

    def _both_heights(
        self, images: np.ndarray, part: slice, noise: float, psf: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The highest false peak of each blend, and the threshold up to which it is detected."""
        radius, peaks = self.detection.radius_px, self._find(images, psf, noise)
        false = highest(peaks, false_peaks(peaks, self._sources[part], radius), len(images))
        return false, detection_limits(peaks, self._positions[part], radius)

    @property
    def largest_rate(self) -> float:
        """Largest share of single galaxies, or of blends, with a false peak."""
        return min(1.0, RATE_TOLERANCE * self.detection.false_positive_rate)

    def has_reliable_threshold(self, result: dict[str, float]) -> bool:
        """Whether the singles that did not set the threshold have few false positives."""
        return result["val_false"] <= self.largest_rate

    def _result(
        self,
        heights: np.ndarray,
        false: np.ndarray,
        limits: np.ndarray,
        noise: float,
        fwhm_arcsec: float,
    ) -> dict[str, float]:
        """The part of the result of `check` that depends on the PSF, for one PSF.

        Parameters
        ----------
        heights, false : ndarray
            Highest false peak of each single galaxy, and of each blend.
        limits : ndarray
            Threshold up to which each blend is detected.
        noise, fwhm_arcsec : float
        """
        half = self._sets_threshold
        # A generator that makes peaks everywhere, as one does at first, has one near each galaxy.
        threshold = max(
            set_threshold(heights[half], self.detection.false_positive_rate),
            set_threshold(false, self.largest_rate),
        )
        return {
            "val_detected": float((limits > threshold).mean()),
            "val_threshold": threshold,
            "val_noise": noise,
            "val_false": float((heights[~half] > threshold).mean()),
            "val_fwhm_arcsec": fwhm_arcsec,
        }
