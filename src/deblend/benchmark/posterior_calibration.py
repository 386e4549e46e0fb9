"""Calibration of blend2posterior on validation blends.

A density is calibrated if a share p of the true values lies below its p quantile. Where that is not
so on validation, quantiles are taken at other levels (Kuleshov et al. 2018, ICML, PMLR 80, 2796).
The test is not looked at.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_network import (
    LEVELS,
    Answer,
    Calibration,
    PosteriorNetwork,
    answer,
)
from deblend.benchmark.posterior_scenes import TrainingScenes, rules_of
from deblend.boucaud2020.metrics import NMAD_FACTOR
from deblend.data.stamps import read_stamps
from deblend.files import write_json
from deblend.training.torch_checkpoint import read_weights, write_weights
from scipy.optimize import lsq_linear, minimize_scalar
from scipy.special import ndtr, ndtri
from scipy.stats import kstest

#: Range in which the temperature of the number of galaxies is searched.
TEMPERATURES = (0.25, 4.0)

#: Normal scores within which the quantiles of the PIT are fitted.
INNER = 2.6

#: The covariance of contexts gets this share of its mean variance on its diagonal, so that it has
#: an inverse.
RIDGE = 1e-3


def calibrate_and_write(
    outputs: Mapping[str, str | Path],
    stamps: str | Path,
    weights: str | Path,
    entry: Mapping[str, Any],
    blending: Mapping[str, Any],
    *,
    device: torch.device,
    seed: int,
) -> None:
    """Calibrate a trained network on scenes of the validation galaxies.

    Parameters
    ----------
    outputs : dict of path
        `calibration` (HDF5), `checks` (JSON): what `calibrate` returns.
    stamps : path
        Cleaned stamps of the data set.
    weights : path
        From `deblend.benchmark.posterior_training`.
    entry, blending : dict
        As of the training.
    device : torch.device
    seed : int
    """
    network = PosteriorNetwork(entry["filters"], entry["blocks"])
    read_weights(weights, network)
    network.to(device).eval()
    data = read_stamps(stamps, segmaps=False)
    scenes = TrainingScenes(data, rules_of(entry, blending), split="validation", seed=seed)
    images, fluxes, number = scenes.batch(0, entry["n_validation"])
    calibration = Calibration()
    checks = calibrate(calibration, answer(network, images, device), fluxes, number)
    write_weights(outputs["calibration"], calibration)
    write_json(outputs["checks"], checks | {"n_galaxies": scenes.n_galaxies})


def calibrate(
    calibration: Calibration, found: Answer, fluxes: np.ndarray, number: np.ndarray
) -> dict[str, Any]:
    """Fill a calibration from what a network says about scenes with known fluxes.

    Parameters
    ----------
    calibration : Calibration
        It is changed.
    found : Answer
    fluxes : ndarray, shape (n, 2)
        Counts/s.
    number : ndarray of int, shape (n,)
        0: one galaxy, 1: two, 2: three or more.

    Returns
    -------
    dict
        What was found before, of blends of two: `nmad_central_mag` and `nmad_companion_mag`, the
        NMAD of the medians; `ks_central` and `ks_companion`, the Kolmogorov-Smirnov distances of
        the PIT from a uniform distribution; `accuracy` of the number of galaxies;
        `temperature`.
    """
    two = number == 1
    grid = np.linspace(0, 1, LEVELS)
    checks: dict[str, Any] = {"n": len(number)}
    for k, role in enumerate(("central", "companion")):
        pit = share_below(found.draws[two, k], fluxes[two, k])
        calibration.levels[k] = torch.from_numpy(smooth_levels(pit))
        away = -2.5 * np.log10(np.median(found.draws[two, k], axis=1) / fluxes[two, k])
        checks[f"nmad_{role}_mag"] = NMAD_FACTOR * float(np.median(np.abs(away - np.median(away))))
        checks[f"ks_{role}"] = float(kstest(pit, "uniform").statistic)

    def loss(temperature: float) -> float:
        share = found.probabilities(temperature)[np.arange(len(number)), number]
        return -float(np.log(np.maximum(share, 1e-12)).mean())

    best = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded")
    calibration.temperature.fill_(float(best.x))
    checks["temperature"] = float(best.x)
    checks["accuracy"] = float((found.probabilities().argmax(1) == number).mean())
    context = found.context[two].astype(float)
    mean, covariance = context.mean(0), np.cov(context.T)
    covariance += RIDGE * np.trace(covariance) / len(mean) * np.eye(len(mean))
    calibration.mean[:] = torch.from_numpy(mean)
    calibration.inverse[:] = torch.from_numpy(np.linalg.inv(covariance))
    distances = np.quantile(distance_of(calibration, found.context[two]), grid)
    calibration.distances[:] = torch.from_numpy(distances)
    return checks


def smooth_levels(pit: np.ndarray) -> np.ndarray:
    """Quantiles of PIT values at `LEVELS` levels, from three numbers rather than from each value.

    The same galaxies are in many validation blends, so that the quantiles themselves are noisy. In
    normal scores they are close to a line: a + b x + c x^3 with b and c not negative.

    Parameters
    ----------
    pit : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (LEVELS,)
        From 0 to 1.
    """
    scores = ndtri(np.sort(pit))
    x = ndtri((np.arange(len(pit)) + 0.5) / len(pit))
    inner = np.abs(x) < INNER
    design = np.stack([np.ones(len(x)), x, x**3], axis=1)
    bounds = ([-np.inf, 0, 0], np.inf)
    fit = lsq_linear(design[inner], scores[inner], bounds=bounds).x
    levels = np.linspace(0, 1, LEVELS)
    grid = ndtri(levels[1:-1])
    levels[1:-1] = ndtr(fit[0] + fit[1] * grid + fit[2] * grid**3)
    return levels


def calibrated_draws(calibration: Calibration, draws: np.ndarray) -> np.ndarray:
    """Draws of calibrated densities.

    Parameters
    ----------
    calibration : Calibration
    draws : ndarray, shape (n, 2, m)
        From `Answer`.

    Returns
    -------
    ndarray, shape (n, 2, m)
        As many, whose quantiles are those of the draws at the levels of the calibration.
    """
    m = draws.shape[-1]
    wanted, grid = (np.arange(m) + 0.5) / m, np.linspace(0, 1, LEVELS)
    out = np.empty_like(draws)
    for k in range(2):
        levels = np.interp(wanted, grid, calibration.levels[k].cpu().numpy())
        out[:, k] = np.quantile(draws[:, k], np.clip(levels, 0, 1), axis=-1).T
    return out


def distance_of(calibration: Calibration, context: np.ndarray) -> np.ndarray:
    """Mahalanobis distances (n,) of contexts from those of validation blends."""
    away = context - calibration.mean.cpu().numpy()
    inverse = calibration.inverse.cpu().numpy()
    return np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", away, inverse, away), 0))


def share_as_unusual(calibration: Calibration, context: np.ndarray) -> np.ndarray:
    """Share (n,) of the validation blends that are less like the others than these scenes."""
    grid = np.linspace(0, 1, LEVELS)
    distances = calibration.distances.cpu().numpy()
    return 1 - np.interp(distance_of(calibration, context), distances, grid)
