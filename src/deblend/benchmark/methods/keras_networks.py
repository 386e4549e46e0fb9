"""Networks on Keras as methods of the benchmark: Boucaud et al. 2020's and BlendHunter."""

import functools
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.boucaud2020.own_images import deblend_images
from deblend.boucaud2020.predict import load_network
from deblend.errors import DeblendError
from deblend.farrens2022.predict import blend_probability
from deblend.scenes.networks import check_psf
from deblend.scenes.scenes import Scenes
from deblend.scenes.stamps import cut_stamps, noise_after, pixel_ratio
from deblend.training.description import read_description


@functools.cache
def _loaded(weights: str, description: str) -> tuple[keras.Model, dict[str, Any]]:
    return load_network(weights, description)


def measure_boucaud2020(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    weights: str,
    description: str,
    companion_edge: str | None = None,
) -> Catalogue:
    """Fluxes, and masks of a network that makes any, of both galaxies of each scene.

    Parameters
    ----------
    scenes : Scenes
        One galaxy is at pixel (y // 2, x // 2), as in the training.
    positions, seed
        Not used.
    weights, description : path
        See `deblend.boucaud2020.predict.load_network`.
    companion_edge : str, optional
        `benchmark > companion_edge` of the scenes, which has to be that of the training.

    Returns
    -------
    Catalogue
        Central galaxy and companion, without positions. An image is the scene times the galaxy's
        share of the probabilities.

    Raises
    ------
    DeblendError
        See `deblend.boucaud2020.own_images.deblend_images`; or the network was trained on blends
        with another edge.
    """
    band = scenes.detection_band
    model, record = _loaded(weights, description)
    trained = record.get("blending", {}).get("companion_edge", companion_edge)
    if companion_edge is not None and trained != companion_edge:
        raise DeblendError(
            f"{description} is of a network that was trained with companion_edge: {trained}, and "
            f"the blends of the benchmark have companion_edge: {companion_edge}: set benchmark > "
            "companion_edge to null, or train with boucaud2020 > blending > companion_edge: "
            f"{companion_edge}"
        )
    images = np.nan_to_num(scenes.images[:, band], nan=0.0)
    result = deblend_images(
        model,
        record,
        images,
        pixel_scale_arcsec=scenes.pixel_scale_arcsec,
        zero_point=float(scenes.zero_points[band]),
    )
    table = result.table.rename(columns={"image": "scene", "galaxy": "role"})
    table = table[["scene", "role", "flux"]].assign(band=scenes.bands[band])
    if result.probabilities is None:
        return Catalogue(table)
    side, (y0, x0) = result.probabilities.shape[1], result.origin
    masks = np.zeros((len(table), *images.shape[1:]), np.float32)
    masks[:, y0 : y0 + side, x0 : x0 + side] = np.moveaxis(result.probabilities, -1, 1).reshape(
        -1, side, side
    )
    pairs = masks.reshape(-1, 2, *images.shape[1:])
    shares = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1.0)
    return Catalogue(table, masks, (shares * images[:, None]).reshape(masks.shape))


def measure_blendhunter(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    weights: str,
    description: str,
    vgg: str,
) -> pd.DataFrame:
    """Probability of a blend by a head of BlendHunter, which has no fluxes.

    Parameters
    ----------
    scenes : Scenes
    positions
        Not used.
    seed : int
        Of noise beyond the edges of the scenes.
    weights, description, vgg : path
        See `deblend.farrens2022.predict.blend_probability`.

    Returns
    -------
    DataFrame
        One row for each scene.

    Raises
    ------
    DeblendError
        Pixels or PSF of the scenes are not like those of the training.
    """
    band, record = scenes.detection_band, read_description(description)
    check_psf(scenes, band, record.get("psf_fwhm_arcsec"), "BlendHunter")
    ratio = pixel_ratio(scenes.pixel_scale_arcsec, record["pixel_scale_arcsec"], "BlendHunter")
    size, number = record["stamp_size"], np.arange(len(scenes))
    middle = np.tile([n // 2 for n in scenes.images.shape[2:]], (len(scenes), 1)).astype(float)
    stamps = cut_stamps(scenes, band, number, middle, size, ratio, centre=(size - 1) / 2, seed=seed)
    probability = blend_probability(
        stamps.images,
        vgg=vgg,
        weights=weights,
        description=description,
        pixel_scale_arcsec=record["pixel_scale_arcsec"],
        noise_sigma=noise_after(scenes.noise_sigma[:, band], size, stamps.step_px),
        seed=seed,
    )
    return pd.DataFrame(
        {"scene": number, "flux": np.nan, "p_blend": probability, "band": scenes.bands[band]}
    )
