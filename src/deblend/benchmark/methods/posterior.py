"""blend2posterior as a method of the benchmark: fluxes with intervals, and how many galaxies."""

import functools

import numpy as np
import pandas as pd
import torch
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.posterior_calibration import calibrated_draws, share_as_unusual
from deblend.benchmark.posterior_network import Calibration, PosteriorNetwork, answer
from deblend.errors import UnsuitedError
from deblend.files import read_json
from deblend.scenes.scenes import Scenes
from deblend.training.torch_checkpoint import read_weights

#: Largest relative difference between the pixel scales of the scenes and of the training.
PIXEL_TOLERANCE = 0.01

#: An answer is uncertain if half of its 68 % interval is larger than this, mag, if two galaxies are
#: less likely than this, or if fewer validation blends than this are as unusual.
HALF_WIDTH_MAG, LIKELY_TWO, UNUSUAL = 0.3, 0.5, 0.001


@functools.cache
def _loaded(
    weights: str, description: str, calibration: str
) -> tuple[PosteriorNetwork, Calibration, dict]:
    record = read_json(description)
    network, calibrated = PosteriorNetwork(record["filters"], record["blocks"]), Calibration()
    read_weights(weights, network)
    read_weights(calibration, calibrated)
    return network.eval(), calibrated, record


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    weights: str,
    description: str,
    calibration: str,
) -> Catalogue:
    """Median fluxes of the central galaxy and its companion, their densities, P(n).

    Parameters
    ----------
    scenes : Scenes
        One galaxy is at pixel (y // 2, x // 2), as in the training.
    positions, seed
        Not used: draws are of fixed points.
    weights, description : path
        From `deblend.benchmark.posterior_training`.
    calibration : path
        From `deblend.benchmark.posterior_calibration`.

    Returns
    -------
    Catalogue
        Central galaxy and companion, with `draws` of their fluxes. The table has the further
        columns `flux_p16`, `flux_p84`, `correlation` (of the logarithms of both fluxes), `p_one`,
        `p_two`, `p_more` and `unusual`: the share of the validation blends that are as unlike the
        others.

    Raises
    ------
    UnsuitedError
        Side or scale of the pixels are not those of the training.
    """
    network, calibrated, record = _loaded(weights, description, calibration)
    band = scenes.detection_band
    side, scale = scenes.images.shape[-1], scenes.pixel_scale_arcsec
    if side != record["stamp_size"] or scenes.images.shape[-2] != side:
        raise UnsuitedError(
            f"blend2posterior was trained on stamps of {record['stamp_size']} px, these have {side}"
        )
    if abs(scale / record["pixel_scale_arcsec"] - 1) > PIXEL_TOLERANCE:
        raise UnsuitedError(
            f"blend2posterior was trained at {record['pixel_scale_arcsec']} arcsec per pixel, "
            f"these have {scale:.4g}"
        )
    factor = 10 ** (0.4 * (record["zero_point"] - float(scenes.zero_points[band])))
    images = np.nan_to_num(scenes.images[:, band], nan=0.0) * factor
    images = images / np.float32(record["noise_sigma"])
    temperature = float(calibrated.temperature)
    found = answer(network, images, torch.device("cpu"), temperature)
    draws = calibrated_draws(calibrated, found.draws) / factor
    share = found.probabilities(temperature)
    unusual = share_as_unusual(calibrated, found.context)
    n = len(images)
    low, median, high = np.percentile(draws, (16, 50, 84), axis=-1)
    half_width = -1.25 * np.log10(low / high)
    uncertain = (
        (half_width > HALF_WIDTH_MAG)
        | (share[:, 1] < LIKELY_TWO)[:, None]
        | (unusual < UNUSUAL)[:, None]
    )
    table = pd.DataFrame(
        {
            "scene": np.repeat(np.arange(n), 2),
            "role": np.tile(["central", "companion"], n),
            "flux": median.ravel(),
            "flux_error": ((high - low) / 2).ravel(),
            "flux_p16": low.ravel(),
            "flux_p84": high.ravel(),
            "correlation": np.repeat(found.correlation, 2),
            "p_blend": np.repeat(1 - share[:, 0], 2),
            "p_one": np.repeat(share[:, 0], 2),
            "p_two": np.repeat(share[:, 1], 2),
            "p_more": np.repeat(share[:, 2], 2),
            "unusual": np.repeat(unusual, 2),
            "band": scenes.bands[band],
        }
    )
    return Catalogue(table, draws=draws.reshape(2 * n, -1), uncertain=np.asarray(uncertain).ravel())
