"""Networks of Boucaud et al. 2020 and BlendHunter on scenes: fluxes, masks, P(blend)."""

import logging
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.own_images import FLAGS as STAMP_FLAGS
from deblend.boucaud2020.own_images import deblend_images
from deblend.boucaud2020.predict import load_network
from deblend.farrens2022.predict import blend_probability
from deblend.scenes.flags import flagged
from deblend.scenes.masks import Mask
from deblend.scenes.networks import NOISE_TOLERANCE, check_psf, range_flags
from deblend.scenes.scenes import Scenes, concatenated, measured_table
from deblend.scenes.sources import find_sources, pair_sources
from deblend.scenes.stamps import StampSet, cut_stamps, noise_after, pixel_ratio
from deblend.scenes.weights import Network, check_description

log = logging.getLogger(__name__)

#: Flags of a stamp of Boucaud et al.'s, and ours for them.
TRANSLATED = {
    "not_positive": "not_positive",
    "sky": "sky",
    "no_galaxy": "not_found",
    "magnitude": "magnitude",
    "noise": "noise",
}


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> pd.DataFrame:
    """What a network of Boucaud et al. 2020 or a head of BlendHunter says about scenes.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`.
    seed : int
        Of noise where stamps have no data.
    network : Network

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`.

    Raises
    ------
    DeblendError
        The scenes do not have the network's band, pixel scale or PSF.
    """
    return measure_with_masks(scenes, positions, seed, network=network)[0]


def measure_with_masks(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> tuple[pd.DataFrame, list[Mask], str]:
    """As `measure`, with the masks, and a note about what was compared and resampled."""
    check_description(network)
    sources = find_sources(scenes, positions)
    record = network.record
    trained = record.get("band")
    band = scenes.detection_band if trained is None else scenes.band(trained)
    ratio = pixel_ratio(scenes.pixel_scale_arcsec, record["pixel_scale_arcsec"], network.name)
    psf_flag, note = check_psf(scenes, band, record.get("psf_fwhm_arcsec"), network.name)
    if ratio != 1:
        note += (
            f"; stamps were resampled from {scenes.pixel_scale_arcsec:g} to "
            f"{record['pixel_scale_arcsec']:g} arcsec per pixel"
        )
    if trained is None:
        note += f"; the band of the training is unknown: {scenes.bands[band]} was taken"
    size = record["stamp_size"]
    pairs = pair_sources(sources, size * ratio / 2)
    central = pairs["central"].to_numpy()
    # Boucaud's central galaxies are at a pixel, BlendHunter's in the middle of the stamp.
    is_boucaud = network.kind == "boucaud2020"
    stamps = cut_stamps(
        scenes,
        band,
        pairs["scene"].to_numpy(),
        sources[["y_px", "x_px"]].to_numpy(float)[central],
        size,
        ratio,
        centre=size // 2 if is_boucaud else (size - 1) / 2,
        seed=seed,
    )
    common = (
        psf_flag
        | flagged("resampled", ratio != 1)
        | flagged("no_data", stamps.missing > 0)
        | flagged("single", pairs["companion"].to_numpy() < 0)
        | flagged("crowded", pairs["n_others"].to_numpy() > 0)
    )
    if not len(pairs):
        return concatenated([]), [], note
    found = _boucaud if is_boucaud else _blendhunter
    table, masks = found(scenes, band, sources, pairs, stamps, common, network, seed)
    return table, masks, note


def _rows(sources: pd.DataFrame, rows: np.ndarray, band: str) -> pd.DataFrame:
    columns = ["scene", "source", "x_px", "y_px"]
    return sources.iloc[rows][columns].reset_index(drop=True).assign(band=band)


def _boucaud(
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    pairs: pd.DataFrame,
    stamps: StampSet,
    common: np.ndarray,
    network: Network,
    seed: int,
) -> tuple[pd.DataFrame, list[Mask]]:
    """Fluxes and masks of pairs."""
    model, record = load_network(network.weights, network.description)
    result = deblend_images(
        model,
        record,
        stamps.images,
        pixel_scale_arcsec=record["pixel_scale_arcsec"],
        zero_point=float(scenes.zero_points[band]),
    )
    flux = result.table["flux"].to_numpy().reshape(-1, 2)
    of_stamp = result.table["flags"].to_numpy().reshape(-1, 2)
    tables, masks = [], []
    for galaxy, role in enumerate(("central", "companion")):
        rows = pairs[role].to_numpy()
        real = np.flatnonzero(rows >= 0)
        if not len(real):
            continue
        flags = common[real] | _translated(of_stamp[real, galaxy])
        has_flux = bool(np.isfinite(flux).any())
        flags |= range_flags(
            record, scenes, band, sources.iloc[rows[real]], flux[real, galaxy] if has_flux else None
        )
        area = np.full(len(real), np.nan)
        if result.masks is not None and result.probabilities is not None:
            area = result.masks[real, ..., galaxy].sum(axis=(1, 2)) * stamps.step_px**2
            for k in real:
                y0, x0 = stamps.corners[k]
                masks.append(
                    Mask(
                        int(sources["scene"].iloc[rows[k]]),
                        int(sources["source"].iloc[rows[k]]),
                        network.name,
                        (float(y0), float(x0)),
                        stamps.step_px,
                        result.probabilities[k, ..., galaxy],
                    )
                )
        tables.append(
            _rows(sources, rows[real], scenes.bands[band]).assign(
                role=role, flux=flux[real, galaxy], mask_area_px=area, flags=flags
            )
        )
    table = measured_table(pd.concat(tables, ignore_index=True), network.name)
    return table.sort_values(["scene", "source"], kind="stable", ignore_index=True), masks


def _translated(flags: np.ndarray) -> np.ndarray:
    """Our flags for those of a stamp."""
    found = np.zeros(len(flags), int)
    for name, ours in TRANSLATED.items():
        found |= flagged(ours, (flags & STAMP_FLAGS[name]) > 0)
    return found


def _blendhunter(
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    pairs: pd.DataFrame,
    stamps: StampSet,
    common: np.ndarray,
    network: Network,
    seed: int,
) -> tuple[pd.DataFrame, list[Mask]]:
    """P(blend) of stamps around central galaxies, which stands beside both galaxies of a pair."""
    record = network.record
    scene = pairs["scene"].to_numpy()
    noise = noise_after(scenes.noise_sigma[scene, band], record["stamp_size"], stamps.step_px)
    probability = blend_probability(
        stamps.images,
        vgg=network.vgg,
        weights=network.weights,
        description=network.description,
        pixel_scale_arcsec=record["pixel_scale_arcsec"],
        noise_sigma=noise,
        seed=seed,
    )
    # A single galaxy is what the network asks about.
    common = common & ~flagged("single", True)
    common |= _noise_flags(record, scenes, band, noise)
    tables = []
    for role in ("central", "companion"):
        rows = pairs[role].to_numpy()
        real = np.flatnonzero(rows >= 0)
        flags = common[real] | range_flags(record, scenes, band, sources.iloc[rows[real]])
        tables.append(
            _rows(sources, rows[real], scenes.bands[band]).assign(
                role=role, p_blend=probability[real], flags=flags
            )
        )
    table = measured_table(pd.concat(tables, ignore_index=True), network.name)
    return table.sort_values(["scene", "source"], kind="stable", ignore_index=True), []


def _noise_flags(
    record: dict[str, Any], scenes: Scenes, band: int, noise: np.ndarray
) -> np.ndarray:
    """Whether the noise is like that of the training, by its flux scale."""
    if record.get("zero_point") is None or not record.get("noise_sigma"):
        return flagged("range_unknown", np.ones(len(noise), bool))
    scale = 10 ** (0.4 * (float(record["zero_point"]) - float(scenes.zero_points[band])))
    ratio = noise * scale / record["noise_sigma"]
    return flagged("noise", (ratio < 1 / NOISE_TOLERANCE) | (ratio > NOISE_TOLERANCE))
