"""Photometry of blends at the positions from each resolution (Hemmati et al. 2022, Sect. 4.1)."""

import logging

import numpy as np
import pandas as pd
from deblend.hemmati2022.blends import main_pair, true_positions
from deblend.hemmati2022.degrade import low_position
from deblend.hemmati2022.pairs import PairMaker
from deblend.photometry.forced import choose_engine, fit_photometry
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)


POSITIONS = ("input", "low", "gan")


COLUMNS = (
    "blend",
    "mag_true",
    *(f"{quantity}_{p}" for p in POSITIONS for quantity in ("flux", "flags", "mag")),
    "engine",
)


#: Largest distance of a fitted centre from its position, in pixels of the image: further away it
#: could be on another galaxy.
MAX_SHIFT_PX = 1.5


def peak_positions(peaks: pd.DataFrame, blends: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n most important peaks of each blend.

    Peaks of its two galaxies come first, the brighter one before the fainter; then the other peaks
    by decreasing significance.

    Parameters
    ----------
    peaks : DataFrame
        Peaks of one resolution: `blend`, `x_px`, `y_px`, `galaxy`, `significance`.
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


def measure_photometry(
    maker: PairMaker,
    band: int,
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    *,
    engine: str,
    n_workers: int,
) -> pd.DataFrame:
    """Measure the dominant galaxy of the blends that only the GAN reveals.

    These are the blends whose two galaxies are detected in high resolution and by the GAN, but
    which have one peak in low resolution. The input magnitude is measured in the high-resolution
    image with two galaxies, at its two peaks. The low-resolution image is measured twice: with one
    galaxy at its one peak, and with two galaxies at the two peaks of the GAN.

    Parameters
    ----------
    maker : PairMaker
    band : int
        Number of the band in which fluxes are measured.
    blends, detections, peaks : DataFrame
        See `deblend.hemmati2022.detection.detect`.
    engine : {"auto", "ngmix", "builtin"}
    n_workers : int

    Returns
    -------
    DataFrame
        `blend`; `mag_input`, `mag_low`, `mag_gan` (NaN if a flux is not positive), with their
        `flux_...` and `flags_...`; `mag_true`, from the catalogue; `engine`. If there is no such
        blend, a warning is logged and the table has no rows.
    """
    revealed = (
        detections["detected_high"].astype(bool)
        & detections["detected_gan"].astype(bool)
        & (detections["n_peaks_low"] == 1)
    )
    numbers = np.flatnonzero(revealed)
    if not len(numbers):
        log.warning(
            "none of %d blends is revealed by the GAN only, so that there is nothing to measure: "
            "train it for longer, or test more blends",
            len(detections),
        )
        return pd.DataFrame({name: [] for name in COLUMNS})
    rows = blends.iloc[numbers]
    high, low = maker.pairs(rows, "test")
    scale = maker.pixel_scale_arcsec
    # The high-resolution image of a blend has the noise of all its galaxies' stamps.
    noise_high = maker.noise_high[band] * np.sqrt(rows["n_galaxies"].to_numpy(float))
    peaks_of = {name: peaks[peaks["resolution"] == name] for name in ("high", "low", "gan")}
    cases = {
        "input": (
            high[:, band],
            maker.psf_high[band],
            scale,
            noise_high,
            peaks_of["high"],
            2,
            False,
        ),
        "low": (
            low[:, band],
            maker.psf_low,
            3 * scale,
            maker.noise_low[band],
            peaks_of["low"],
            1,
            True,
        ),
        "gan": (
            low[:, band],
            maker.psf_low,
            3 * scale,
            maker.noise_low[band],
            peaks_of["gan"],
            2,
            True,
        ),
    }
    # ngmix has no such limit.
    limit = MAX_SHIFT_PX if choose_engine(engine)[0] == "builtin" else None
    main_galaxies = main_pair(rows)
    truth = true_positions(rows)[np.arange(len(rows)), main_galaxies[:, 0]]
    table = pd.DataFrame({"blend": numbers})
    zero_point = maker.zero_point[band]
    true_mags = rows[[c for c in rows if str(c).startswith("mag_")]].to_numpy(float)
    table["mag_true"] = true_mags[np.arange(len(rows)), main_galaxies[:, 0]]
    for name, (images, psf, pixel_scale, noise, own_peaks, n, is_low) in cases.items():
        xy = peak_positions(own_peaks, numbers, n)
        image_xy = low_position(xy) if is_low else xy
        fitted = fit_photometry(
            images,
            psf,
            image_xy[..., ::-1],
            pixel_scale_arcsec=pixel_scale,
            noise_sigma=noise,
            max_shift_px=limit,
            engine=engine,
            n_workers=n_workers,
        )
        # The dominant galaxy is the one whose peak is nearest to its true position.
        distance = np.hypot(*(xy - truth[:, None]).transpose(2, 0, 1))
        nearest = np.nanargmin(distance, axis=1)
        by_galaxy = fitted.set_index(["stamp", "galaxy"])
        dominant_fit = by_galaxy.loc[list(zip(range(len(rows)), nearest, strict=True))]
        table[f"flux_{name}"] = dominant_fit["flux"].to_numpy()
        table[f"flags_{name}"] = dominant_fit["flags"].to_numpy()
        table[f"mag_{name}"] = mag_from_flux(dominant_fit["flux"].to_numpy(), zero_point)
        table["engine"] = fitted["engine"].iloc[0]
    return table
