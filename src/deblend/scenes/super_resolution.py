"""Peaks in the images of a super-resolution network (Hemmati et al. 2022), and fluxes at them."""

import logging

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.hemmati2022.networks import LOW_PX
from deblend.hemmati2022.own_images import FLAGS as IMAGE_FLAGS
from deblend.hemmati2022.own_images import PSF_TOLERANCE, SAME_SCALE, resolve_images
from deblend.scenes.flags import flagged
from deblend.scenes.networks import check_psf, range_flags
from deblend.scenes.scenes import PEAK_COLUMNS, Scenes, concatenated, measured_table
from deblend.scenes.sources import find_sources, match_radius_px, pair_sources
from deblend.scenes.stamps import cut_stamps
from deblend.scenes.weights import Network, check_description

log = logging.getLogger(__name__)

#: Pixels of the scene around what the network sees, which resampling reads.
MARGIN_PX = 3

#: Flags of an image of the network, and ours for them.
TRANSLATED = {"sky": "sky", "noise": "noise", "bright": "clipped", "more_peaks": "more_peaks"}


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> pd.DataFrame:
    """Fluxes in all bands of the sources that the network's images show as peaks.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`. A source gets the flux of the nearest peak
        that is measured, within the matching radius.
    seed : int
        Of noise where images have no data.
    network : Network

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`.

    Raises
    ------
    DeblendError
        See `deblend.hemmati2022.own_images.resolve_images`.
    """
    return measure_with_peaks(scenes, positions, seed, network=network)[0]


def measure_with_peaks(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """As `measure`, with all peaks (`PEAK_COLUMNS`) and a note."""
    if scenes.psf is None or np.isnan(scenes.psf).any():
        raise DeblendError(
            f"{network.name} needs the PSF of each band: give psf or psf_fwhm_arcsec"
        )
    check_description(network)
    trained = network.record["images"]
    pixel = trained["factor"] * trained["pixel_scale_arcsec"]
    ratio = pixel / scenes.pixel_scale_arcsec
    side = int(np.ceil(LOW_PX * ratio)) + 2 * MARGIN_PX
    side += 1 - side % 2
    sources = find_sources(scenes, positions)
    pairs = pair_sources(sources, LOW_PX * ratio / 2)
    peaks = pd.DataFrame(columns=list(PEAK_COLUMNS))
    is_resampled = abs(ratio - 1) >= SAME_SCALE
    note = (
        f"images were resampled from {scenes.pixel_scale_arcsec:g} to {pixel:.4g} arcsec per pixel"
        if is_resampled
        else f"pixels are those of the training, {pixel:.4g} arcsec"
    )
    psf_flag = 0
    for band in network.record["bands"]:
        flag, text = check_psf(
            *(scenes, scenes.band(band), trained["low_psf_fwhm_arcsec"], network.name),
            tolerance=PSF_TOLERANCE,
        )
        psf_flag |= flag
        note += f"; {band}: {text}"
    if not len(pairs):
        return concatenated([]), peaks, note
    scene = pairs["scene"].to_numpy()
    yx = sources[["y_px", "x_px"]].to_numpy(float)[pairs["central"]]
    cut = [
        cut_stamps(scenes, band, scene, yx, side, 1.0, centre=side // 2, seed=seed)
        for band in range(len(scenes.bands))
    ]
    corners = cut[0].corners
    result = resolve_images(
        np.stack([part.images for part in cut], axis=1),
        scenes.psf,
        weights=network.weights,
        description=network.description,
        bands=list(scenes.bands),
        pixel_scale_arcsec=scenes.pixel_scale_arcsec,
        zero_point=scenes.zero_points.tolist(),
        noise_sigma=scenes.noise_sigma[scene],
    )
    missing = np.max([part.missing for part in cut], axis=0)
    of_image = _image_flags(result.summary["flags"].to_numpy(int)) | flagged("no_data", missing > 0)
    of_image = of_image | flagged("crowded", pairs["n_others"].to_numpy() > 0)
    of_image = of_image | flagged("single", pairs["companion"].to_numpy() < 0)
    of_image = of_image | flagged("resampled", is_resampled) | psf_flag
    of_source = range_flags(network.record, scenes, scenes.band(trained["detection_band"]), sources)
    peaks = result.peaks.assign(
        scene=scene[result.peaks["image"]],
        x_px=result.peaks["x_px"] + corners[result.peaks["image"], 1],
        y_px=result.peaks["y_px"] + corners[result.peaks["image"], 0],
        method=network.name,
    )[list(peaks.columns)]
    fluxes = result.fluxes.assign(
        x_px=result.fluxes["x_px"] + corners[result.fluxes["image"], 1],
        y_px=result.fluxes["y_px"] + corners[result.fluxes["image"], 0],
    )
    radius = match_radius_px(scenes)
    n_peaks = result.summary["n_peaks"].to_numpy(int)
    rows = []
    for number, pair in enumerate(pairs.itertuples(index=False)):
        own = fluxes[fluxes["image"] == number]
        for role, k in (("central", pair.central), ("companion", pair.companion)):
            if k < 0:
                continue
            source = sources.iloc[k]
            for band in scenes.bands:
                base = {
                    **{c: source[c] for c in ("scene", "source", "x_px", "y_px")},
                    **{"band": band, "role": role, "n_peaks": n_peaks[number]},
                }
                flags = int(of_image[number]) | int(of_source[k])
                rows.append(base | _nearest(own[own["band"] == band], source, radius, flags))
    table = measured_table(pd.DataFrame(rows), network.name)
    table = table.astype({"scene": int, "source": int})
    if scenes.noise_correlation is not None:
        # The errors of the fit are those of white noise; a galaxy is wider than the correlation.
        total = np.maximum(scenes.noise_correlation.sum(axis=(1, 2)), 1.0)
        factors = dict(zip(scenes.bands, np.sqrt(total), strict=True))
        table["flux_error"] = table["flux_error"] * table["band"].map(factors).astype(float)
    return (
        table.sort_values(["band", "scene", "source"], kind="stable", ignore_index=True),
        peaks,
        note,
    )


def _image_flags(flags: np.ndarray) -> np.ndarray:
    """Our flags for those of an image of the network."""
    found = np.zeros(len(flags), int)
    for name, ours in TRANSLATED.items():
        found |= flagged(ours, (flags & IMAGE_FLAGS[name]) > 0)
    return found


def _nearest(fluxes: pd.DataFrame, source: pd.Series, radius: float, flags: int) -> dict:
    """Flux, error and flags of a source from the nearest peak."""
    away = np.hypot(fluxes["x_px"] - source["x_px"], fluxes["y_px"] - source["y_px"]).to_numpy()
    if not len(away) or away.min() > radius:
        return {
            "flux": np.nan,
            "flux_error": np.nan,
            "flags": flags | int(flagged("not_found", True)),
        }
    row = fluxes.iloc[int(away.argmin())]
    bits = flags | int(flagged("not_positive", not row["flux"] > 0))
    bits |= int(flagged("fit", row["fit_flags"] > 0))
    return {"flux": row["flux"], "flux_error": row["flux_err"], "flags": bits}
