"""blend2posterior as a method of the benchmark: fluxes with intervals, and how many galaxies."""

import functools

import numpy as np
import pandas as pd
import torch
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.posterior_calibration import (
    Calibration,
    calibrated_draws,
    of_number,
    probabilities,
    share_as_unusual,
)
from deblend.benchmark.posterior_network import PosteriorNetwork, answer
from deblend.benchmark.trained_units import normalised
from deblend.scenes.scenes import Scenes
from deblend.training.description import read_description
from deblend.training.torch_checkpoint import build_network, read_weights

#: An answer is uncertain if half of its 68 % interval is larger than this, mag, if two galaxies are
#: less likely than this, or if fewer blends of the calibration than this are as unusual.
HALF_WIDTH_MAG, LIKELY_TWO, UNUSUAL = 0.3, 0.5, 0.001


@functools.cache
def _loaded(
    weights: str, description: str, calibration: str
) -> tuple[PosteriorNetwork, Calibration, dict]:
    record, calibrated = read_description(description), Calibration()
    network = build_network(
        lambda: PosteriorNetwork(record["filters"], record["blocks"]), weights, description
    )
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
        `p_two`, `p_more` and `unusual`: the share of the blends of the calibration that are as
        unlike the others.

    Raises
    ------
    UnsuitedError
        Side or scale of the pixels are not those of the training.
    """
    network, calibrated, record = _loaded(weights, description, calibration)
    images, factor = normalised(scenes, record)
    temperature, bias = of_number(calibrated)
    found = answer(network, images, torch.device("cpu"), temperature, bias)
    draws = calibrated_draws(calibrated, found.draws) / factor
    share = probabilities(found.logits, temperature, bias)
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
            "band": scenes.bands[scenes.detection_band],
        }
    )
    return Catalogue(table, draws=draws.reshape(2 * n, -1), uncertain=np.asarray(uncertain).ravel())
