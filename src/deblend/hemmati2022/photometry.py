"""Photometry of blends at the positions from each resolution (Hemmati et al. 2022, Sect. 4.1)."""

import logging
from typing import Any

import numpy as np
import pandas as pd
from deblend.data.rows import row_batches
from deblend.hemmati2022.blends import main_pair, true_positions
from deblend.hemmati2022.degrade import degrade, low_position
from deblend.hemmati2022.metrics import MEASURED_NETWORKS
from deblend.hemmati2022.pairs import BATCH, PairMaker, of_band
from deblend.photometry.forced import fit_photometry
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)


POSITIONS = ("input", "low", *MEASURED_NETWORKS)


COLUMNS = (
    "blend",
    "galaxy",
    "mag_true",
    *(f"{quantity}_{p}" for p in POSITIONS for quantity in ("flux", "flags", "mag")),
    "engine",
)


#: Largest distance of a fitted centre from its position, the same on the sky in both resolutions:
#: further away it could be on another galaxy.
MAX_SHIFT_ARCSEC = 0.27


#: Blends whose images are in memory at a time.
PART = 4096


#: Value of `flags_...` where the positions of a network were not used, since it shows no blend.
NOT_MEASURED = -1


def peak_positions(peaks: pd.DataFrame, blends: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n most important peaks of each blend.

    Peaks of its two galaxies come first, the brighter one before the fainter; then the other peaks
    by decreasing significance.

    Parameters
    ----------
    peaks : DataFrame
        Peaks of one resolution: `blend`, `x_px`, `y_px`, `galaxy`, `significance`, without those
        of neighbours.
    blends : ndarray of int
        Numbers of the blends.
    n : int

    Returns
    -------
    ndarray, shape (len(blends), n, 2)
        x, y in the 66 px frame; NaN if there are fewer peaks.
    """
    # Peaks of the pair have the ranks 0 and 1, all others the rank 2.
    ranked = peaks.assign(rank=peaks["galaxy"].where(peaks["galaxy"] >= 0, 2))
    ranked = ranked.sort_values(["blend", "rank", "significance"], ascending=[True, True, False])
    ranked["place"] = ranked.groupby("blend").cumcount()
    positions = np.full((len(blends), n, 2), np.nan)
    blend_rows = {blend: i for i, blend in enumerate(blends)}
    chosen = ranked[(ranked["place"] < n) & ranked["blend"].isin(blend_rows)]
    rows = [blend_rows[blend] for blend in chosen["blend"]]
    positions[rows, chosen["place"]] = chosen[["x_px", "y_px"]].to_numpy()
    return positions


def revealed_blends(detections: pd.DataFrame, peaks: pd.DataFrame) -> pd.DataFrame:
    """Which blends a network reveals: two galaxies in high resolution and in its image, not in low.

    Blends with a neighbour that high resolution shows are left out: one or two galaxies are fitted,
    and its light would be taken for theirs.

    Parameters
    ----------
    detections, peaks : DataFrame
        See `deblend.hemmati2022.detection.Found`. A column of detections is absent or empty if its
        network was not trained.

    Returns
    -------
    DataFrame of bool
        A column for each of `MEASURED_NETWORKS` that the run has.
    """
    crowded = peaks.loc[peaks["neighbour"] & (peaks["resolution"] == "high"), "blend"]
    hidden = detections["detected_high"].eq(True) & (detections["n_peaks_low"] == 1)
    hidden &= ~detections["blend"].isin(crowded)
    columns = {name: detections.get(f"detected_{name}") for name in MEASURED_NETWORKS}
    return pd.DataFrame(
        {
            name: hidden & detected.eq(True)
            for name, detected in columns.items()
            if detected is not None and detected.notna().any()
        }
    )


def measure_photometry(
    maker: PairMaker,
    band: int,
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    *,
    engine: str,
    profile: str,
    n_workers: int,
    part_size: int = PART,
) -> pd.DataFrame:
    """Measure the dominant galaxy of the blends that only a network reveals.

    These are the blends whose two galaxies are detected in high resolution and by a network, but
    which have one peak in low resolution (`revealed_blends`). The input magnitude is measured in
    the high-resolution image with two galaxies, at its two peaks. The low-resolution image is
    measured with one galaxy at its one peak, and with two galaxies at the two peaks of each network
    that reveals them. The noise of its pixels is that with which it was made.

    Parameters
    ----------
    maker : PairMaker
    band : int
        Number of the band in which fluxes are measured.
    blends, detections, peaks : DataFrame
        See `deblend.hemmati2022.detection.Found`.
    engine, profile : str
        See `deblend.photometry.forced.fit_photometry`.
    n_workers : int
    part_size : int
        Blends whose images are in memory at a time, which does not change the results.

    Returns
    -------
    DataFrame
        `blend`; `galaxy`, the number of the dominant one; `mag_input`, `mag_low`, `mag_gan`,
        `mag_gan_multi` and those of other networks (NaN if a flux is not positive, or if that
        network does not reveal the blend), with their `flux_...` and `flags_...` (`NOT_MEASURED` in
        the second case); `mag_true`, from the catalogue; `engine`. If there is no such blend, a
        warning is logged and the table has no rows.
    """
    revealed = revealed_blends(detections, peaks)
    numbers = np.flatnonzero(revealed.any(axis=1))
    if not len(numbers):
        log.warning(
            "none of %d blends is revealed by the GAN only, so that there is nothing to measure: "
            "train it for longer, or test more blends",
            len(detections),
        )
        return pd.DataFrame({name: [] for name in COLUMNS})
    options = {"engine": engine, "profile": profile, "n_workers": n_workers}
    parts = [
        _measure_part(maker, band, blends, revealed, peaks, numbers[part], **options)
        for part in row_batches(len(numbers), part_size)
    ]
    return pd.concat(parts, ignore_index=True)


def _measure_part(
    maker: PairMaker,
    band: int,
    blends: pd.DataFrame,
    revealed: pd.DataFrame,
    peaks: pd.DataFrame,
    numbers: np.ndarray,
    **options: Any,
) -> pd.DataFrame:
    """What `measure_photometry` returns, of the blends of some numbers."""
    rows = blends.iloc[numbers]
    high, low, noise_low = _rendered(maker, band, rows)
    main_galaxies = main_pair(rows)
    truth = true_positions(rows)[np.arange(len(rows)), main_galaxies[:, 0]]
    true_mags = rows[[c for c in rows if str(c).startswith("mag_")]].to_numpy(float)
    galaxies = rows[[f"galaxy_{k}" for k in range(main_galaxies.max() + 1)]].to_numpy()
    dominant_galaxies = galaxies[np.arange(len(rows)), main_galaxies[:, 0]]
    table = pd.DataFrame({"blend": numbers, "galaxy": dominant_galaxies})
    table["mag_true"] = true_mags[np.arange(len(rows)), main_galaxies[:, 0]]
    # The high-resolution image of a blend has the noise of all its galaxies' stamps.
    noise_high = maker.noise_high[band] * np.sqrt(rows["n_galaxies"].to_numpy(float))
    in_high = (high, maker.psf_high[band], maker.pixel_scale_arcsec, noise_high)
    in_low = (low, maker.psf_low, maker.factor * maker.pixel_scale_arcsec, noise_low)
    everywhere = np.ones(len(rows), bool)
    for name in POSITIONS:
        images, psf, scale, noise = in_high if name == "input" else in_low
        if name in MEASURED_NETWORKS:
            if name not in revealed or not revealed[name].to_numpy()[numbers].any():
                table[[f"flux_{name}", f"mag_{name}"]] = np.nan
                table[f"flags_{name}"] = NOT_MEASURED
                continue
            measured = revealed[name].to_numpy()[numbers]
        else:
            measured = everywhere
        used = (peaks["resolution"] == ("high" if name == "input" else name)) & ~peaks["neighbour"]
        own_peaks = peaks[used]
        xy = peak_positions(own_peaks, numbers[measured], 1 if name == "low" else 2)
        fitted = fit_photometry(
            images[measured],
            psf,
            (xy if name == "input" else low_position(xy))[..., ::-1],
            pixel_scale_arcsec=scale,
            noise_sigma=noise[measured],
            max_shift_px=MAX_SHIFT_ARCSEC / scale,
            **options,
        )
        # The dominant galaxy is the one whose peak is nearest to its true position.
        distance = np.hypot(*(xy - truth[measured, None]).transpose(2, 0, 1))
        nearest = np.nanargmin(distance, axis=1)
        keys = pd.MultiIndex.from_arrays([np.arange(len(nearest)), nearest])
        dominant = fitted.set_index(["stamp", "galaxy"]).loc[keys]
        flux, flags = np.full(len(rows), np.nan), np.full(len(rows), NOT_MEASURED)
        flux[measured], flags[measured] = dominant["flux"], dominant["flags"]
        table[f"flux_{name}"], table[f"flags_{name}"] = flux, flags
        table[f"mag_{name}"] = mag_from_flux(flux, maker.zero_point[band])
        if len(fitted):
            table["engine"] = fitted["engine"].iloc[0]
    return table[list(COLUMNS)]


def _rendered(
    maker: PairMaker, band: int, blends: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One band of test blends in both resolutions, and the noise of the lower one."""
    parts = []
    for batch in row_batches(len(blends), BATCH):
        every_band, low = maker.pairs(blends.iloc[batch], "test")
        noise = maker.low_noise(degrade(every_band, maker.kernel, factor=maker.factor))
        parts.append([of_band(images, band) for images in (every_band, low, noise)])
    high, low, noise = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return high, low, noise
