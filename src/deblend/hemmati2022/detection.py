"""Which blends each resolution gives away, and the images that figures show.

Hemmati et al. 2022, Sect. 4. Every resolution has its own threshold, at which one in a hundred
unblended validation stamps shows a second peak: detection fractions mean nothing without it.
"""

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
from deblend.hemmati2022.pairs import Scale, isolated
from deblend.hemmati2022.peaks import (
    FILTERS,
    GAN_BETA,
    SINGLES,
    TOLERANCE,
    count_peaks,
    detect_blends,
    find_peaks,
    gan_psf,
    set_threshold,
    typical_noise,
)
from deblend.hemmati2022.predict import Network, generated, whole

#: Blends in memory at a time.
BATCH = 500


#: Pixel 33 of the 66 is pixel 32 of the 64 that the GAN makes.
CROP = 1


#: Side of a filter for the low resolution: 2.7 arcsec.
LOW_PSF_PX = 15


IMAGE_SCALES = ("flux", "asinh")


#: Columns that say which filter was taken.
FILTER = ("fwhm_arcsec", "filter", "image_scale")


@dataclass(frozen=True)
class Filter:
    """With what, and in which scale of the images, peaks are looked for.

    Attributes
    ----------
    psf : ndarray
    fwhm_arcsec : float
        The PSF's width; NaN for the images' own.
    kind : {"psf", "lowered"}
        See `deblend.hemmati2022.peaks.detection_filter`.
    image_scale : {"flux", "asinh"}
        A network's images are looked at in the asinh scale in which it makes them: their errors are
        much the same there whatever is shown. In flux they grow with the galaxy, and a few bright
        ones would set the threshold of all. Bright galaxies' clumps do that in real images.
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
        Of `deblend.hemmati2022.metrics.RESOLUTIONS`.
    filters : list of Filter
        One of them is taken.
    noise : float, optional
        Of a pixel in flux, where it is known; a small stamp full of galaxy has no sky to measure it
        on.
    scale : Scale, optional
        From flux to asinh; none for images that are in it already.
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

    def seen(self, images: np.ndarray) -> np.ndarray:
        """Images in the scale in which they are looked at."""
        if self.scale is None or self.filter.image_scale == "flux":
            return images
        return self.scale.scaled(images[:, None])[:, 0]

    def calibrate(self, single: np.ndarray, rate: float) -> None:
        """Set the threshold on unblended validation stamps."""
        single = self.seen(single)
        in_flux = self.filter.image_scale == "flux"
        self.noise = self.flux_noise if in_flux else typical_noise(single)
        self.threshold = set_threshold(
            single,
            self.filter.psf,
            false_positive_rate=rate,
            kind=self.filter.kind,
            noise=self.noise,
        )

    def choose(
        self,
        single: np.ndarray,
        half: np.ndarray,
        blends: np.ndarray,
        pair: np.ndarray,
        detection: Detection,
    ) -> None:
        """Take the filter that finds most validation blends, and set its threshold.

        Filters whose threshold, set on half of the galaxies, the other half bears out come before
        others: with few galaxies one clump decides.

        Parameters
        ----------
        single, blends : ndarray, shape (n, y, x)
            Validation stamps of single galaxies and of blends.
        half : ndarray of bool, shape (n,)
            Single stamps of one half of the galaxies: the others show none of them.
        pair : ndarray, shape (n, 2, 2)
            Where the blends' galaxies are, 66 px frame.
        detection : Detection
        """
        rate = detection.false_positive_rate
        found = []
        for option in self.filters if len(self.filters) > 1 else []:
            self.filter = option
            self.calibrate(single[half], rate)
            several = count_peaks(self.peaks(single[~half]), int((~half).sum()), 0) > 1
            share = self.detected(self.peaks(blends), pair, detection)["detected"].mean()
            found.append((several.mean() <= TOLERANCE * rate, share))
        best = max(range(len(found)), key=found.__getitem__, default=0)
        self.filter = self.filters[best]
        self.calibrate(single, rate)

    def peaks(self, images: np.ndarray) -> pd.DataFrame:
        """Peaks above the threshold: see `deblend.hemmati2022.peaks.find_peaks`."""
        found = find_peaks(
            self.seen(images), self.filter.psf, kind=self.filter.kind, noise=self.noise
        )
        return found[found["significance"] > self.threshold].reset_index(drop=True)

    def detected(self, peaks: pd.DataFrame, pair: np.ndarray, detection: Detection) -> pd.DataFrame:
        """Which blends these peaks give away: see `deblend.hemmati2022.peaks.detect_blends`."""
        radius = detection.radius_px / (FACTOR if self.name.startswith("low") else 1)
        at = positions_in(self.name, pair)
        return detect_blends(peaks, at, threshold=self.threshold, radius_px=radius)


def positions_in(name: str, high: np.ndarray) -> np.ndarray:
    """Positions in the 66 px frame, in the pixels of a resolution's images."""
    if name.startswith("low"):
        return low_position(high)
    return high - CROP if name.startswith("gan") else high


def positions_from(name: str, positions: np.ndarray) -> np.ndarray:
    """The inverse of `positions_in`."""
    if name.startswith("low"):
        return high_position(positions)
    return positions + CROP if name.startswith("gan") else positions


def resolutions_of(networks: dict[str, Network], detection: Detection) -> dict[str, Resolution]:
    """Every resolution, not yet calibrated.

    High and low resolution are looked at as the paper did, in flux with their own PSF; and once
    more, like the networks' images, with whichever filter finds most: a GAN that is compared with
    less than the best that its input allows would be given credit for the filter.
    """
    first = next(iter(networks.values()))
    maker, band = first.maker, first.band
    pixel = FACTOR * maker.pixel_scale_arcsec
    wide = {x: gan_psf(x, maker) for x in detection.fwhm_arcsec}
    wide_low = {x: psf_image(x, GAN_BETA, pixel, LOW_PSF_PX) for x in detection.low_fwhm_arcsec}
    own, own_low = Filter(maker.psf_high[band]), Filter(maker.psf_low)
    noise = float(maker.noise_low[band])
    scale, scale_low = (
        Scale(s.softening[[band]], s.limit[[band]]) for s in (maker.scale_high, maker.scale_low)
    )

    def every(
        psfs: dict[float, np.ndarray], scales: tuple[str, ...] = IMAGE_SCALES
    ) -> list[Filter]:
        return [Filter(psfs[x], x, *y) for x, *y in product(psfs, FILTERS, scales)]

    found = [
        Resolution("high", [own]),
        Resolution("high_best", every({np.nan: own.psf, **wide}), scale=scale),
        Resolution("low", [own_low], noise),
        Resolution("low_best", every({np.nan: own_low.psf, **wide_low}), noise, scale_low),
        *(Resolution(name, every(wide, ("asinh",))) for name in networks),
    ]
    return {resolution.name: resolution for resolution in found}


def recorded(
    table: pd.DataFrame, networks: dict[str, Network], detection: Detection
) -> dict[str, Resolution]:
    """Every resolution as `detect` left it.

    Parameters
    ----------
    table : DataFrame
        Its false positives.
    networks : dict
    detection : Detection

    Raises
    ------
    DeblendError
        A filter is not among those that can be chosen.
    """
    rows = table.drop_duplicates("resolution").set_index("resolution")
    found = resolutions_of(networks, detection)
    for name, resolution in found.items():
        row = rows.loc[name]
        chosen = [f for f in resolution.filters if _description(f).equals(row[list(FILTER)])]
        if not chosen:
            raise DeblendError(
                f"the filter {row['filter']} {row['fwhm_arcsec']:g} of {name} is none of "
                "hemmati2022 > detection: detect peaks again"
            )
        resolution.filter, resolution.threshold = chosen[0], float(row["threshold"])
        resolution.noise = None if pd.isna(row["noise"]) else float(row["noise"])
    return found


def _description(chosen: Filter) -> pd.Series:
    values = (chosen.fwhm_arcsec, chosen.kind, chosen.image_scale)
    return pd.Series(values, index=list(FILTER), dtype=object)


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
        "validation" and "test": blends of each split, and single galaxies: as many for testing,
        and twice as many for validation.
    blending : HemmatiBlendConfig
    detection : Detection
    device : torch.device

    Returns
    -------
    detections : DataFrame
        A row a blend: `deblend.hemmati2022.blends.pair_quantities`, and for each resolution
        detected_... and n_peaks_....
    false_positives : DataFrame
        `resolution`, `sample` (unblended, one_peak), `n`, `n_false`, `threshold`, the `noise` in
        units of which it is (NaN: each stamp's own), and of the filter that was taken the
        `fwhm_arcsec` (NaN: the images' own PSF), `filter` and `image_scale` (see `Filter`).
    peaks : DataFrame
        `resolution`, `blend`, `x_px`, `y_px` (66 px frame), `significance`, `galaxy` (0: the
        brighter of the pair, 1, or -1).
    """
    maker = networks["gan"].maker
    n = n_blends["validation"]
    drawn = maker.draw(rows["validation"], n, (1 + SINGLES) * n, "validation", blending)
    single = isolated(drawn)
    _, rank = np.unique(single["galaxy_0"], return_inverse=True)
    images = whole(networks, single, "validation", device)
    learned = maker.draw(rows["validation"], 0, n, "validation", blending)
    pair = true_positions(learned)[np.arange(n)[:, None], main_pair(learned)]
    images_learned = whole(networks, learned, "validation", device)
    resolutions = resolutions_of(networks, detection)
    for name, resolution in resolutions.items():
        resolution.choose(images[name], rank % 2 == 0, images_learned[name], pair, detection)
    n = n_blends["test"]
    blends = maker.draw(rows["test"], 0, n, "test", blending)
    alone = isolated(maker.draw(rows["test"], n, 2 * n, "test", blending))
    pair = true_positions(blends)[np.arange(n)[:, None], main_pair(blends)]
    table = pair_quantities(blends, maker.pixel_scale_arcsec)
    images, images_alone = (whole(networks, x, "test", device) for x in (blends, alone))
    false, parts = [], []
    for name, resolution in resolutions.items():
        peaks = resolution.peaks(images[name])
        found = resolution.detected(peaks, pair, detection)
        table[f"detected_{name}"] = found["detected"]
        table[f"n_peaks_{name}"] = found["n_peaks"]
        galaxy = np.full(len(peaks), -1)
        for k in (0, 1):
            matched = found[f"peak_{k}"].to_numpy()
            galaxy[matched[matched >= 0]] = k
        xy = positions_from(name, peaks[["x_px", "y_px"]].to_numpy())
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
    of = [resolutions[name] for name in wrong["resolution"]]
    for column in ("threshold", "noise"):
        wrong[column] = [getattr(resolution, column) for resolution in of]
    wrong[list(FILTER)] = [list(_description(resolution.filter)) for resolution in of]
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
            xy = positions_in(name, xy) if name == "low" else xy - CROP
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
        for name, resolution in (("high", "high"), ("low", "low"), ("gan", "gan_multi")):
            mine = peaks[(peaks["resolution"] == resolution) & (peaks["blend"] == number)]
            xy = mine[["x_px", "y_px"]].to_numpy()
            xy = positions_in(name, xy) if name == "low" else xy - CROP
            file[f"multi_peaks_{name}"] = xy
