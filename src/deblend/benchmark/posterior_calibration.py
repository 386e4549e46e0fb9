"""Calibration of blend2posterior on validation blends.

A density is calibrated if a share p of the true values lies below its p quantile. Where that is not
so on validation, quantiles are taken at other levels (Kuleshov et al. 2018, ICML, PMLR 80, 2796).
The test is not looked at.
"""

from typing import Any

import numpy as np
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_network import LEVELS, Answer, Calibration
from deblend.boucaud2020.metrics import NMAD_FACTOR
from scipy.optimize import minimize_scalar
from scipy.stats import kstest

#: Range in which the temperature of the number of galaxies is searched.
TEMPERATURES = (0.25, 4.0)

#: The covariance of contexts gets this share of its mean variance on its diagonal, so that it has
#: an inverse.
RIDGE = 1e-3


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
        levels = np.quantile(pit, grid)
        levels[0], levels[-1] = 0.0, 1.0
        calibration.levels[k] = torch.from_numpy(levels)
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
