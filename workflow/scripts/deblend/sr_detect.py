"""Which blends each resolution gives away, and the images that figures show.

Hemmati et al. 2022, Sect. 4. Every resolution has its own threshold, at which one in a hundred
unblended validation stamps shows a second peak: detection fractions mean nothing without it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm.auto import tqdm

from .degrade import fwhm_from_area, high_position, low_position
from .files import atomic
from .hemmati_blends import (
    HemmatiBlendConfig,
    main_pair,
    pair_quantities,
    render_blends,
    true_positions,
)
from .peaks import count_peaks, detect_blends, find_peaks, set_threshold
from .sr_data import PairMaker, isolated
from .sr_training import Detection, gan_psf, generated, typical_noise

#: Blends in memory at a time.
BATCH = 500
#: Pixel 33 of the 66 is pixel 32 of the 64 that the GAN makes.
CROP = 1


@dataclass(frozen=True)
class Network:
    """A trained generator and what it was trained on.

    Attributes
    ----------
    generator : Module
    maker : PairMaker
        Of its bands.
    band : int
        Where peaks are looked for.
    psf : ndarray
        Of its images.
    fwhm_arcsec : float
        That PSF's.
    """

    generator: nn.Module
    maker: PairMaker
    band: int
    psf: np.ndarray
    fwhm_arcsec: float = np.nan


class Resolution:
    """Images of one resolution in the detection band, and how peaks are found in them.

    High and low resolution are in fluxes; a network's images in the asinh scale in which it makes
    them, where its errors are much the same whatever is there. In flux they grow with the galaxy,
    and a few bright ones would set the threshold of all.

    Parameters
    ----------
    name : str
        high, low, low_lowered, gan, gan_content or gan_multi.
    psf : ndarray
    kind : {"psf", "lowered"}
        Filter: see `deblend.peaks.detection_filter`.
    noise : float, optional
        Of a pixel, where it is known; a small stamp full of galaxy has no sky to measure it on.
    fwhm_arcsec : float
        The PSF's width, if it was chosen; NaN for the images' own.
    """

    def __init__(
        self,
        name: str,
        psf: np.ndarray,
        kind: str = "psf",
        noise: float | None = None,
        fwhm_arcsec: float = np.nan,
    ) -> None:
        self.name, self.psf, self.kind, self.noise = name, psf, kind, noise
        self.fwhm_arcsec, self.threshold = fwhm_arcsec, np.nan

    def calibrate(self, single: np.ndarray, rate: float) -> None:
        """Set the threshold on unblended validation stamps."""
        if self.name.startswith("gan"):
            self.noise = typical_noise(single)
        self.threshold = set_threshold(
            single, self.psf, false_positive_rate=rate, kind=self.kind, noise=self.noise
        )

    def choose(
        self,
        psfs: dict[float, np.ndarray],
        single: np.ndarray,
        blends: np.ndarray,
        pair: np.ndarray,
        detection: Detection,
    ) -> None:
        """Take the PSF that finds most validation blends, its own or another, and its threshold.

        Parameters
        ----------
        psfs : dict
            Others, by their width (arcsec).
        single, blends : ndarray, shape (n, y, x)
            Validation stamps of single galaxies and of blends.
        pair : ndarray, shape (n, 2, 2)
            Where the blends' galaxies are, 66 px frame.
        detection : Detection
        """
        most = -1.0
        kept = self.fwhm_arcsec, self.psf, np.nan
        for fwhm, psf in {self.fwhm_arcsec: self.psf, **psfs}.items():
            self.psf = psf
            self.calibrate(single, detection.false_positive_rate)
            found = detect_blends(
                self.peaks(blends),
                self.positions(pair),
                threshold=self.threshold,
                radius_px=detection.radius_px,
            )
            if found["detected"].mean() > most:
                most, kept = found["detected"].mean(), (fwhm, psf, self.threshold)
        self.fwhm_arcsec, self.psf, self.threshold = kept

    def peaks(self, images: np.ndarray) -> pd.DataFrame:
        """Peaks above the threshold: see `deblend.peaks.find_peaks`."""
        found = find_peaks(images, self.psf, kind=self.kind, noise=self.noise)
        return found[found["significance"] > self.threshold].reset_index(drop=True)

    def positions(self, high: np.ndarray) -> np.ndarray:
        """Positions in the 66 px frame, in this resolution's pixels."""
        if self.name.startswith("low"):
            return low_position(high)
        return high - CROP if self.name.startswith("gan") else high

    def to_high(self, positions: np.ndarray) -> np.ndarray:
        """The inverse of `positions`."""
        if self.name.startswith("low"):
            return high_position(positions)
        return positions + CROP if self.name.startswith("gan") else positions


def views(
    networks: dict[str, Network], blends: pd.DataFrame, split: str, device: torch.device
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Images of blends in every resolution, batch by batch, in the detection band.

    Parameters
    ----------
    networks : dict
        Name of a resolution ("gan" first) to network.
    blends : DataFrame
    split : str
    device : torch.device

    Yields
    ------
    rows : slice
    images : dict
        Resolution to (n, y, x): see `Resolution`.
    """
    first = networks["gan"]
    for start in tqdm(range(0, len(blends), BATCH), desc=split, disable=None):
        part = blends.iloc[start : start + BATCH]
        high, low = first.maker.pairs(part, split)
        images = {"high": high[:, first.band], "low": low[:, first.band]}
        images["low_lowered"] = images["low"]
        for name, network in networks.items():
            mine = low if network.maker is first.maker else network.maker.pairs(part, split)[1]
            made = generated(network.generator, network.maker.scale_low.scaled(mine), device)
            images[name] = made[:, network.band]
        yield slice(start, start + len(part)), images


def whole(
    networks: dict[str, Network], blends: pd.DataFrame, split: str, device: torch.device
) -> dict[str, np.ndarray]:
    """The same of all blends at once: one band of thousands of stamps is small."""
    parts = [images for _, images in views(networks, blends, split, device)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def resolutions_of(networks: dict[str, Network]) -> dict[str, Resolution]:
    """Every resolution, not yet calibrated."""
    first = networks["gan"]
    high, low = first.maker.psf_high[first.band], first.maker.psf_low
    noise = float(first.maker.noise_low[first.band])
    found = [Resolution("high", high), Resolution("low", low, noise=noise)]
    found.append(Resolution("low_lowered", low, "lowered", noise))
    found += [
        Resolution(name, network.psf, fwhm_arcsec=network.fwhm_arcsec)
        for name, network in networks.items()
    ]
    return {resolution.name: resolution for resolution in found}


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
        "gan", and where there are, "gan_content" and "gan_multi".
    rows : dict
        Split to galaxies.
    n_blends : dict
        "validation" and "test": blends, and as many single galaxies, of each split.
    blending : HemmatiBlendConfig
    detection : Detection
    device : torch.device

    Returns
    -------
    detections : DataFrame
        A row a blend: `deblend.hemmati_blends.pair_quantities`, and for each resolution
        detected_... and n_peaks_....
    false_positives : DataFrame
        `resolution`, `sample` (unblended, one_peak), `n`, `n_false`, `threshold`, the `noise` in
        units of which it is (NaN: each stamp's own), and the `fwhm_arcsec` of the PSF that was
        taken (NaN: the images' own).
    peaks : DataFrame
        `resolution`, `blend`, `x_px`, `y_px` (66 px frame), `significance`, `galaxy` (0: the
        brighter of the pair, 1, or -1).
    """
    maker = networks["gan"].maker
    n = n_blends["validation"]
    single = isolated(maker.draw(rows["validation"], n, 2 * n, "validation", blending))
    images = whole(networks, single, "validation", device)
    resolutions = resolutions_of(networks)
    for name, resolution in resolutions.items():
        resolution.calibrate(images[name], detection.false_positive_rate)
    # As the networks' PSFs were chosen; clumps of real galaxies are sharp.
    band = networks["gan"].band
    learned = maker.draw(rows["validation"], 0, n, "validation", blending)
    where = true_positions(learned)[np.arange(n)[:, None], main_pair(learned)]
    own = fwhm_from_area(maker.psf_high[band][None])[0] * maker.pixel_scale_arcsec
    wider = {x: gan_psf(x, maker) for x in detection.fwhm_arcsec if x > 1.1 * own}
    seen = render_blends(maker.images[:, [band]], learned)[:, 0]
    resolutions["high"].choose(wider, images["high"], seen, where, detection)
    n = n_blends["test"]
    blends = maker.draw(rows["test"], 0, n, "test", blending)
    alone = isolated(maker.draw(rows["test"], n, 2 * n, "test", blending))
    pair = true_positions(blends)[np.arange(n)[:, None], main_pair(blends)]
    table = pair_quantities(blends, maker.pixel_scale_arcsec)
    images, images_alone = (whole(networks, x, "test", device) for x in (blends, alone))
    false, parts = [], []
    for name, resolution in resolutions.items():
        peaks = resolution.peaks(images[name])
        radius = detection.radius_px / (3 if name.startswith("low") else 1)
        found = detect_blends(
            peaks, resolution.positions(pair), threshold=resolution.threshold, radius_px=radius
        )
        table[f"detected_{name}"] = found["detected"]
        table[f"n_peaks_{name}"] = found["n_peaks"]
        galaxy = np.full(len(peaks), -1)
        for k in (0, 1):
            matched = found[f"peak_{k}"].to_numpy()
            galaxy[matched[matched >= 0]] = k
        xy = resolution.to_high(peaks[["x_px", "y_px"]].to_numpy())
        parts.append(
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
        several = count_peaks(resolution.peaks(images_alone[name]), n, 0) > 1
        false.append((name, "unblended", n, int(several.sum())))
    one = (table["n_peaks_high"] == 1) & (table["n_peaks_low"] == 1)
    for name in networks:
        more = int((one & (table[f"n_peaks_{name}"] > 1)).sum())
        false.append((name, "one_peak", int(one.sum()), more))
    wrong = pd.DataFrame(false, columns=["resolution", "sample", "n", "n_false"])
    for column in ("threshold", "noise", "fwhm_arcsec"):
        wrong[column] = [getattr(resolutions[name], column) for name in wrong["resolution"]]
    return table, wrong, pd.concat(parts, ignore_index=True)


def write_examples(
    path: str | Path,
    networks: dict[str, Network],
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    device: torch.device,
) -> None:
    """Write the blends of Figure 4: chosen by rule, the first of each kind.

    As the paper's: both galaxies found in high resolution and by the GAN and one in low ("gained"),
    found in all ("easy"), found in high resolution only ("missed").
    """
    high, low, gan = (detections[f"detected_{x}"].astype(bool) for x in ("high", "low", "gan"))
    kinds = {"easy": high & low & gan, "gained": high & ~low & gan, "missed": high & ~low & ~gan}
    chosen = [(kind, int(np.argmax(mask))) for kind, mask in kinds.items() if mask.any()]
    numbers = [number for _, number in chosen] or [0]
    chosen = chosen or [("first", 0)]
    shown = blends.iloc[numbers]
    maker, band = networks["gan"].maker, networks["gan"].band
    images = whole(networks, shown, "test", device)
    others = shown.copy()
    for column in others:
        if str(column).startswith("galaxy_") and column != "galaxy_1":
            others[column] = -1
    alone = [maker.pairs(x, "test")[0][:, band, 1:-1, 1:-1] for x in (isolated(shown), others)]
    scale = maker.scale_high
    softening, limit = float(scale.softening[band, 0, 0]), float(scale.limit[band, 0, 0])

    def display(x: np.ndarray) -> np.ndarray:
        return (np.arcsinh(x / softening) / np.arcsinh(limit / softening)).astype(np.float32)

    resolutions = resolutions_of(networks)
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file["galaxy1"], file["galaxy2"] = display(alone[0]), display(alone[1])
        file["high"] = display(images["high"][:, 1:-1, 1:-1])
        file["gan"] = display(scale.unscaled(images["gan"][:, None])[:, band])
        file["low"] = display(images["low"] / 3)
        file["positions"] = true_positions(shown)[:, :2] - CROP
        file["kind"] = np.array([kind for kind, _ in chosen], "S")
        for name in ("high", "low", "gan"):
            mine = peaks[(peaks["resolution"] == name) & peaks["blend"].isin(numbers)]
            xy = mine[["x_px", "y_px"]].to_numpy()
            xy = resolutions[name].positions(xy) if name == "low" else xy - CROP
            which = [numbers.index(b) for b in mine["blend"]]
            file[f"peaks_{name}"] = np.column_stack([np.asarray(which, float), xy])


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
    """Write what Figures 2, 3 and 8 show.

    Parameters
    ----------
    made, real : ndarray, shapes (2 k, 64, 64) and (k, 64, 64)
        A vanilla GAN's images, and real ones, in [-1, 1].
    blends, detections, peaks
        See `detect`. Figure 8 shows the first blend that the multi-band network gains, or the first
        of all.
    """
    first = networks["gan"]
    single = isolated(blends.iloc[:n_shown], centred=True)
    high, low = first.maker.scaled(single, "test")
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file["real"], file["generated"] = real, made
        file["high"], file["low"] = high[:, first.band], low[:, first.band]
        file["gan"] = generated(first.generator, low, device)[:, first.band]
        file["band"] = first.maker.bands[first.band]
        multi = networks.get("gan_multi")
        if multi is None:
            return
        gained = detections["detected_high"] & detections["detected_gan_multi"]
        gained &= ~detections["detected_low"].astype(bool)
        number = int(np.argmax(gained)) if gained.any() else 0
        high, low = multi.maker.scaled(blends.iloc[[number]], "test")
        file["multi_high"], file["multi_low"] = high[0], low[0]
        file["multi_gan"] = generated(multi.generator, low, device)[0]
        file["bands"] = np.array(multi.maker.bands, "S")
        resolutions = resolutions_of(networks)
        for name, resolution in (("high", "high"), ("low", "low"), ("gan", "gan_multi")):
            mine = peaks[(peaks["resolution"] == resolution) & (peaks["blend"] == number)]
            xy = mine[["x_px", "y_px"]].to_numpy()
            xy = resolutions["low"].positions(xy) if name == "low" else xy - CROP
            file[f"multi_peaks_{name}"] = xy
