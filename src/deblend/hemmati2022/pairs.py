"""Pairs of high- and low-resolution images of blends and of single galaxies, rendered on demand.

Hemmati et al. 2022, Sect. 2.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.rows import Rows, row_batches
from deblend.data.stamps import Stamps, open_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import (
    FRAME_PX,
    draw_blends,
    neighbour_positions,
    render_blends,
)
from deblend.hemmati2022.config import HemmatiBlendConfig, LowConfig
from deblend.hemmati2022.degrade import (
    add_noise,
    asinh_scale,
    asinh_unclipped,
    asinh_unscale,
    degrade,
    fwhm_from_area,
    low_psf,
    matching_kernel,
    psf_image,
    resample,
)
from deblend.seeds import uniform
from deblend.units import flux_from_mag

log = logging.getLogger(__name__)


#: Side (pixels) of PSF images at the high resolution, large enough for the PSF of the low one.
PSF_PX = 65


#: Share of the training galaxies whose brightest pixel is above the limit of the asinh scale.
CLIPPED_SHARE = 0.001


#: Splits that blends need.
SPLITS = ("train", "validation", "test")


#: Share of the training galaxies on which thresholds are set if the limits leave few others, and
#: their smallest number: two for the choice of epochs, two for the thresholds.
CALIBRATION_SHARE, MIN_CALIBRATION = 1 / 3, 4


#: Memory for the images that were used last, bytes. Those of a training, 3,100 galaxies in seven
#: bands, fit: 2.0e9.
KEPT_BYTES = 2**31


#: Blends that are rendered at a time where their images are kept, or measured, one by one: a
#: multiple of what is transformed, filtered or given to a network at a time, so that results do
#: not depend on how many blends there are.
BATCH = 512


#: Stamps that are drawn for each unblended one: neighbours can be in the frames of others.
MAX_DRAWN = 50


#: Pixels of the grid on which the width of a PSF is measured, per pixel of its image.
FINER = 5


@dataclass(frozen=True)
class Scale:
    """Softening and limit of the asinh scale of a resolution, each of shape (band, 1, 1)."""

    softening: np.ndarray
    limit: np.ndarray

    def scaled(self, images: np.ndarray) -> np.ndarray:
        """Convert fluxes to the scale: images in [-1, 1], float32."""
        return asinh_scale(images, self.softening, self.limit)[0].astype(np.float32)

    def unclipped(self, images: np.ndarray) -> np.ndarray:
        """The same without limits: what is brighter than the limit is above 1."""
        return asinh_unclipped(images, self.softening, self.limit).astype(np.float32)

    def unscaled(self, images: np.ndarray) -> np.ndarray:
        """Convert scaled images back to fluxes."""
        return asinh_unscale(images, self.softening, self.limit)


def point_source_sigma(psf: np.ndarray, depth_mag: float, zero_point: float) -> float:
    """Noise per pixel for which a point source of magnitude `depth_mag` is measured at 5 sigma.

    The optimal measurement of its flux, weighted by the PSF, has a variance of
    sigma^2 / sum(psf^2).
    """
    return float(flux_from_mag(depth_mag, zero_point)) / 5 * float(np.sqrt(np.sum(psf**2)))


def psf_fwhm_arcsec(psf: np.ndarray, pixel_scale_arcsec: float) -> float:
    """Full width at half maximum of a PSF image, arcsec, on a grid of `FINER` times finer pixels.

    The width is that of the image, thus with its pixels.

    Parameters
    ----------
    psf : ndarray, shape (k, k)
        With its peak at the central pixel; k is odd.
    pixel_scale_arcsec : float
    """
    fine_arcsec = pixel_scale_arcsec / FINER
    fine = resample(psf, pixel_scale_arcsec, fine_arcsec, FINER * (psf.shape[0] - 1) + 1)
    return float(fwhm_from_area(fine[None], search_px=2 * FINER)[0]) * fine_arcsec


class PairMaker:
    """Renders blends in both resolutions.

    Parameters
    ----------
    stamps : Stamps
        Parent stamps at the high resolution.
    bands : sequence of str
        Bands of the images, in this order.
    low : LowConfig
    seed : int
    train_rows : ndarray of int
        Galaxies from which the limits of the asinh scales are measured.
    name : str
        Name of the set of cut-outs: part of the seed of the noise.
    detection_band : str, optional
        Band in which the sizes of galaxies are measured; the first of the bands by default.
    factor : int
        Side of a low-resolution pixel in high-resolution pixels.

    Raises
    ------
    DeblendError
        A band is missing, or its PSF is wider than the low resolution's.
    """

    def __init__(
        self,
        stamps: Stamps,
        bands: list[str],
        low: LowConfig,
        *,
        seed: int,
        train_rows: np.ndarray,
        name: str,
        detection_band: str | None = None,
        factor: int = 3,
    ) -> None:
        known = list(stamps.bands["name"])
        detection_band = detection_band or bands[0]
        missing = [band for band in [*bands, detection_band] if band not in known]
        if missing:
            raise DeblendError(
                f"the cut-outs {name} have no band {', '.join(missing)}; they have "
                f"{', '.join(known)}"
            )
        if stamps.psf is None:
            raise DeblendError(f"the cut-outs {name} have no PSF images: give one for each band")
        band_numbers = [known.index(band) for band in bands]
        table = stamps.bands.iloc[band_numbers].reset_index(drop=True)
        # Seven bands of thousands of galaxies are gigabytes: no copy if all bands are used.
        self.images = stamps.images
        if band_numbers != list(range(len(known))):
            self.images = (
                stamps.images.with_bands(band_numbers)
                if isinstance(stamps.images, Rows)
                else np.ascontiguousarray(stamps.images[:, band_numbers])
            )
        self.bands, self.seed, self.name, self.factor = bands, seed, name, factor
        self.detection_band = detection_band
        self.galaxies = stamps.galaxies.copy()
        if "fwhm_px" not in self.galaxies:
            number = known.index(detection_band)
            self.galaxies["fwhm_px"] = np.concatenate(
                [fwhm_from_area(stamps.images[b, number]) for b in row_batches(len(stamps), BATCH)]
            )
        scale = float(table["pixel_scale_arcsec"].iloc[0])
        self.pixel_scale_arcsec = scale
        target = psf_image(low.psf_fwhm_arcsec, low.psf_beta, scale, PSF_PX)
        self.psf_high = [_fit_size(stamps.psf[i]) for i in band_numbers]
        self.kernel = np.stack([matching_kernel(psf, target) for psf in self.psf_high])
        self.psf_low = low_psf(target, factor)
        self.noise_high = table["noise_sigma"].to_numpy(float)
        self.noise_low = np.array(
            [point_source_sigma(self.psf_low, low.depth_mag, z) for z in table["zero_point"]]
        )
        self.zero_point = table["zero_point"].to_numpy(float)
        # Light of the sky in a pixel; if it is unknown, it outshines all galaxies.
        area = (factor * scale) ** 2
        sky = low.sky_mag_arcsec2
        self.sky_low = np.array(
            [np.inf if sky is None else area * flux_from_mag(sky, z) for z in self.zero_point]
        )
        half = self.images.shape[-1] // 2
        middle = slice(half - 8, half + 9)
        brightest = np.concatenate(
            [
                self.images[train_rows[b], :, middle, middle].max(axis=(-1, -2))
                for b in row_batches(len(train_rows), BATCH)
            ]
        )
        limit = np.quantile(brightest, 1 - CLIPPED_SHARE, axis=0)
        # A pixel of the low resolution has the light of nine pixels, but spread by the seeing.
        peak_low = degrade(
            self.images[train_rows[:200], :, half - 33 : half + 33, half - 33 : half + 33],
            self.kernel,
        )
        limit_low = peak_low.max(axis=(0, 2, 3)) * np.maximum(
            1, limit / np.maximum(brightest[:200].max(axis=0), 1e-30)
        )
        self.scale_high, self.scale_low = (
            Scale(
                *(
                    values[:, None, None]
                    for values in (low.softening_sigma * sigma, np.maximum(peak, 20 * sigma))
                )
            )
            for sigma, peak in ((self.noise_high, limit), (self.noise_low, limit_low))
        )

    def record(self) -> dict[str, Any]:
        """What low- and high-resolution images are like, for the record of a network.

        With it a network can be applied to other images, without the galaxies that it was trained
        on: see `deblend.hemmati2022.own_images`.

        Returns
        -------
        dict
            `detection_band`; `pixel_scale_arcsec` of the high resolution, and the side `factor` of
            a low-resolution pixel in its pixels; `low_psf_fwhm_arcsec` (with the pixel, see
            `psf_fwhm_arcsec`); and for each band `zero_point`, `noise_low`, the noise of a
            low-resolution pixel, and `softening` and `limit` of the asinh scales (`_low`, `_high`).
        """
        found: dict[str, Any] = {
            "detection_band": self.detection_band,
            "pixel_scale_arcsec": self.pixel_scale_arcsec,
            "factor": self.factor,
            "low_psf_fwhm_arcsec": psf_fwhm_arcsec(
                self.psf_low, self.factor * self.pixel_scale_arcsec
            ),
            "zero_point": self.zero_point.tolist(),
            "noise_low": self.noise_low.tolist(),
        }
        for name, scale in (("low", self.scale_low), ("high", self.scale_high)):
            found[f"softening_{name}"] = scale.softening.ravel().tolist()
            found[f"limit_{name}"] = scale.limit.ravel().tolist()
        return found

    def draw(
        self, rows: np.ndarray, start: int, stop: int, split: str, config: HemmatiBlendConfig
    ) -> pd.DataFrame:
        """Draw the blends start to stop - 1: see `deblend.hemmati2022.blends.draw_blends`."""
        return draw_blends(
            self.galaxies, rows, start, stop, seed=self.seed, split=split, config=config
        )

    def pairs(self, blends: pd.DataFrame, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Images of blends in both resolutions, in fluxes.

        Returns
        -------
        high : ndarray, shape (n, band, 66, 66)
        low : ndarray, shape (n, band, 22, 22)
            With noise, which depends on the number of the blend.
        """
        high = render_blends(self.images, blends)
        clean = degrade(high, self.kernel, factor=self.factor)
        noise = self.low_noise(clean)
        numbers = blends["blend"].to_numpy()
        # Band by band, so that the noise of a band does not depend on the other bands.
        low = [
            add_noise(clean[:, i], noise[:, i], self.seed, (self.name, split, band), numbers)
            for i, band in enumerate(self.bands)
        ]
        return high, np.stack(low, axis=1)

    def low_noise(self, clean: np.ndarray) -> np.ndarray:
        """Noise of the pixels of low resolution, by their light without noise.

        The noise that is given is the Poisson noise of the sky, whose variance grows in proportion
        to the light of sky and galaxies.

        Parameters
        ----------
        clean : ndarray, shape (n, band, 22, 22)
        """
        light = np.maximum(clean, 0) / self.sky_low[:, None, None]
        return (self.noise_low[:, None, None] * np.sqrt(1 + light)).astype(np.float32)

    def scaled(self, blends: pd.DataFrame, split: str) -> tuple[np.ndarray, np.ndarray]:
        """As `pairs`, but scaled to [-1, 1] for networks: (n, band, 64, 64), (n, band, 22, 22)."""
        parts = list(self._scaled_batches(blends, split))
        return np.concatenate([high for high, _ in parts]), np.concatenate(
            [low for _, low in parts]
        )

    def scaled_low(self, blends: pd.DataFrame, split: str) -> np.ndarray:
        """The second of `scaled`: there is never more than a batch of high resolution in memory."""
        return np.concatenate([low for _, low in self._scaled_batches(blends, split)])

    def _scaled_batches(
        self, blends: pd.DataFrame, split: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What `scaled` returns, of `BATCH` blends at a time."""
        for rows in row_batches(max(len(blends), 1), BATCH):
            high, low = self.pairs(blends.iloc[rows], split)
            yield self.scale_high.scaled(high[..., 1:-1, 1:-1]), self.scale_low.scaled(low)


def of_band(images: np.ndarray, band: int) -> np.ndarray:
    """One band of images, which does not keep the others in memory."""
    return np.ascontiguousarray(images[:, band])


def single_galaxies(blends: pd.DataFrame, *, centred: bool = False) -> pd.DataFrame:
    """Keep only the first galaxy of each blend: unblended stamps that are rendered as blends are.

    Parameters
    ----------
    blends : DataFrame
    centred : bool
        Move the galaxies to the middle of the frame, instead of keeping their positions.
    """
    single = blends.copy()
    if centred:
        single[["dx_0", "dy_0"]] = 0
    for column in single:
        if str(column).startswith("galaxy_") and column != "galaxy_0":
            single[column] = -1
    return single.assign(n_galaxies=1)


def draw_singles(
    maker: PairMaker,
    rows: np.ndarray,
    start: int,
    n: int,
    split: str,
    config: HemmatiBlendConfig,
) -> pd.DataFrame:
    """Draw unblended stamps, none with a neighbour in the frame, from blend number start on.

    Parameters
    ----------
    maker : PairMaker
    rows : ndarray of int
        Galaxies of the split.
    start, n : int
        First number and number of stamps.
    split : str
    config : HemmatiBlendConfig

    Returns
    -------
    DataFrame
        See `single_galaxies`.

    Raises
    ------
    DeblendError
        Nearly all galaxies have neighbours.
    """
    found: list[pd.DataFrame] = []
    drawn = 0
    while sum(map(len, found)) < n:
        if drawn >= MAX_DRAWN * n:
            raise DeblendError(
                f"only {sum(map(len, found))} of {drawn} stamps of the split {split} of "
                f"{maker.name} have no neighbour in the frame: give a smaller neighbour_mag_max, "
                "the magnitude of the faintest sources that count"
            )
        singles = single_galaxies(maker.draw(rows, start + drawn, start + drawn + n, split, config))
        drawn += n
        near = neighbour_positions(singles, maker.galaxies)
        in_frame = ((near > -0.5) & (near < FRAME_PX - 0.5)).all(-1).any(-1)
        found.append(singles[~in_frame])
    return pd.concat(found, ignore_index=True).iloc[:n]


def _fit_size(psf: np.ndarray) -> np.ndarray:
    """Crop or pad a PSF image to `PSF_PX` pixels a side, and normalise its sum to 1."""
    if psf.shape[0] != psf.shape[1] or psf.shape[0] % 2 == 0:
        raise DeblendError(f"a PSF image is {psf.shape}: it has to be square with an odd side")
    margin = (PSF_PX - psf.shape[0]) // 2
    psf = psf[-margin:margin, -margin:margin] if margin < 0 else np.pad(psf, margin)
    return psf / psf.sum()


def read_cutouts(cutouts: str | Path, split: str | Path) -> tuple[Stamps, dict[str, np.ndarray]]:
    """Cut-outs without their segmentation maps, and the rows of each split.

    Images stay on disk and are read when they are needed: see `deblend.data.rows.Rows`.

    Parameters
    ----------
    cutouts : path
        `cutouts.h5`.
    split : path
        `split.csv` of the same set.

    Raises
    ------
    DeblendError
        The table of splits lacks a galaxy of the cut-outs, or a split has fewer than two galaxies.

    Notes
    -----
    The split "calibration" has the galaxies on which thresholds are set. If they are fewer than the
    validation galaxies, or none, since training and test have the same limits, training galaxies
    are held out for it, by their ids, until it has `CALIBRATION_SHARE` of their number.
    """
    stamps = open_stamps(cutouts, segmaps=False, kept_bytes=KEPT_BYTES)
    table = pd.read_csv(split, dtype={"id": str}).set_index("id")["split"]
    ids = stamps.galaxies["id"].astype(str)
    unknown = [i for i in ids if i not in table.index]
    if unknown:
        raise DeblendError(
            f"{split} has no galaxy {unknown[0]} of {cutouts}: delete both files and run again"
        )
    splits = table.loc[ids].to_numpy()
    rows = {name: np.flatnonzero(splits == name) for name in (*SPLITS, "calibration")}
    n_spare = len(rows["calibration"])
    n_wanted = max(MIN_CALIBRATION, int(CALIBRATION_SHARE * len(rows["train"])))
    if n_spare < min(n_wanted, len(rows["validation"])):
        # The seed is no run's: trainings with other seeds have the same galaxies.
        order = sorted(rows["train"], key=lambda i: uniform(0, "hemmati2022 held out", ids.iloc[i]))
        n_held = n_wanted - n_spare
        rows["calibration"] = np.sort([*rows["calibration"], *order[:n_held]]).astype(int)
        rows["train"] = np.sort(order[n_held:])
        log.info("%d training galaxies are held out for the thresholds", n_held)
    for name, split_rows in rows.items():
        if len(split_rows) < 2:
            raise DeblendError(
                f"the split {name} of {cutouts} has {len(split_rows)} galaxies, but a blend needs "
                "two: give more galaxies, or wider cuts"
            )
    return stamps, rows


def make_pair_maker(
    stamps: Stamps,
    rows: dict[str, np.ndarray],
    *,
    bands: list[str],
    detection_band: str,
    low: dict[str, Any],
    seed: int,
    name: str,
) -> PairMaker:
    """A `PairMaker` of some bands, with asinh scales from the training galaxies."""
    return PairMaker(
        stamps,
        bands,
        LowConfig(**low),
        seed=seed,
        train_rows=rows["train"],
        name=name,
        detection_band=detection_band,
    )
