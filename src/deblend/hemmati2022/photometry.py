"""Photometry of blends at the positions that each resolution gives (Hemmati et al. 2022, 4.1)."""

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


#: How far a fitted centre may go from its position, in pixels of the image: it is that galaxy's.
MAX_SHIFT_PX = 1.5


def positions_of(peaks: pd.DataFrame, blends: np.ndarray, n: int) -> np.ndarray:
    """The n peaks of each blend that matter: those of its galaxies, the brighter first.

    Parameters
    ----------
    peaks : DataFrame
        Of one resolution: `blend`, `x_px`, `y_px`, `galaxy`, `significance`.
    blends : ndarray of int
    n : int

    Returns
    -------
    ndarray, shape (len(blends), n, 2)
        x, y in the 66 px frame; NaN where there are fewer.
    """
    # Peaks of the pair come before others; among others, the most significant first.
    order = peaks.assign(rank=peaks["galaxy"].where(peaks["galaxy"] >= 0, 2))
    order = order.sort_values(["blend", "rank", "significance"], ascending=[True, True, False])
    order["place"] = order.groupby("blend").cumcount()
    found = np.full((len(blends), n, 2), np.nan)
    where = {blend: i for i, blend in enumerate(blends)}
    chosen = order[(order["place"] < n) & order["blend"].isin(where)]
    rows = [where[blend] for blend in chosen["blend"]]
    found[rows, chosen["place"]] = chosen[["x_px", "y_px"]].to_numpy()
    return found


def measure(
    maker: PairMaker,
    band: int,
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    *,
    engine: str,
    n_workers: int,
) -> pd.DataFrame:
    """Magnitude of the dominant galaxy of the blends that the GAN reveals.

    Those whose two galaxies are found in high resolution and by the GAN, and of which the low
    resolution shows one. The input is measured in high resolution at its two peaks; in low
    resolution once at its one peak, with one galaxy, and once at the GAN's two, with two.

    Parameters
    ----------
    maker : PairMaker
    band : int
    blends, detections, peaks : DataFrame
        See `deblend.hemmati2022.detection.detect`.
    engine : {"auto", "ngmix", "builtin"}
    n_workers : int

    Returns
    -------
    DataFrame
        `blend`; `mag_input`, `mag_low`, `mag_gan` (NaN where a flux is not positive); `flux_...`,
        `flags_...` of each; `mag_true`, of the catalogue; `engine`. No rows, and a warning, where
        there is no such blend.
    """
    chosen = (
        detections["detected_high"].astype(bool)
        & detections["detected_gan"].astype(bool)
        & (detections["n_peaks_low"] == 1)
    )
    numbers = np.flatnonzero(chosen)
    if not len(numbers):
        log.warning(
            "of %d blends the GAN reveals none that the low resolution hides: nothing to measure; "
            "train it for longer, or show it more blends",
            len(detections),
        )
        return pd.DataFrame({name: [] for name in COLUMNS})
    rows = blends.iloc[numbers]
    high, low = maker.pairs(rows, "test")
    scale = maker.pixel_scale_arcsec
    # A blend's high-resolution image has the noise of both its galaxies' stamps.
    noise_high = maker.noise_high[band] * np.sqrt(rows["n_galaxies"].to_numpy(float))
    of = {name: peaks[peaks["resolution"] == name] for name in ("high", "low", "gan")}
    cases = {
        "input": (high[:, band], maker.psf_high[band], scale, noise_high, of["high"], 2, False),
        "low": (low[:, band], maker.psf_low, 3 * scale, maker.noise_low[band], of["low"], 1, True),
        "gan": (low[:, band], maker.psf_low, 3 * scale, maker.noise_low[band], of["gan"], 2, True),
    }
    # NGMIX knows no such limit.
    limit = MAX_SHIFT_PX if choose_engine(engine)[0] == "builtin" else None
    pair = main_pair(rows)
    truth = true_positions(rows)[np.arange(len(rows)), pair[:, 0]]
    table = pd.DataFrame({"blend": numbers})
    zero_point = maker.zero_point[band]
    magnitudes = rows[[c for c in rows if str(c).startswith("mag_")]].to_numpy(float)
    table["mag_true"] = magnitudes[np.arange(len(rows)), pair[:, 0]]
    for name, (images, psf, pixel, noise, mine, n, is_low) in cases.items():
        xy = positions_of(mine, numbers, n)
        at = low_position(xy) if is_low else xy
        fitted = fit_photometry(
            images,
            psf,
            at[..., ::-1],
            pixel_scale_arcsec=pixel,
            noise_sigma=noise,
            max_shift_px=limit,
            engine=engine,
            n_workers=n_workers,
        )
        # The dominant galaxy is the one fitted nearest to it.
        distance = np.hypot(*(xy - truth[:, None]).transpose(2, 0, 1))
        nearest = np.nanargmin(distance, axis=1)
        flat = fitted.set_index(["stamp", "galaxy"])
        mine_fit = flat.loc[list(zip(range(len(rows)), nearest, strict=True))]
        table[f"flux_{name}"] = mine_fit["flux"].to_numpy()
        table[f"flags_{name}"] = mine_fit["flags"].to_numpy()
        table[f"mag_{name}"] = mag_from_flux(mine_fit["flux"].to_numpy(), zero_point)
        table["engine"] = fitted["engine"].iloc[0]
    return table
