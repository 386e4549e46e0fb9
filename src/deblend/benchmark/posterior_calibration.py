"""Calibration of blend2posterior on blends of galaxies that are neither trained on nor tested.

A density is calibrated if a share p of the true values lies below its p quantile. Where that is not
so, quantiles are taken at other levels (Kuleshov et al. 2018, ICML, PMLR 80, 2796), which depend on
the flux and on the width of the density. The scenes are drawn as those of the sets of the
benchmark, from galaxies of their own. The test is not looked at.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_input import normalised
from deblend.benchmark.posterior_network import (
    CONTEXT,
    N_CLASSES,
    Answer,
    PosteriorNetwork,
    answer,
)
from deblend.benchmark.truth import read_truth
from deblend.boucaud2020.metrics import NMAD_FACTOR
from deblend.files import read_json, write_json
from deblend.scenes.scenes import read_scenes
from deblend.training.torch_checkpoint import read_weights, write_weights
from scipy.optimize import lsq_linear, minimize
from scipy.special import ndtr, ndtri
from scipy.stats import kstest
from torch import nn

#: Numbers that describe a density: see `features_of`.
N_FEATURES = 7

#: Quantiles of the distances of contexts that are kept.
LEVELS = 201

#: Normal scores within which the quantiles of the PIT are fitted.
INNER = 2.6

#: Penalty of squared coefficients, so that few scenes do not give large ones.
PENALTY = 1.0

#: The covariance of contexts gets this share of its mean variance on its diagonal, so that it has
#: an inverse.
RIDGE = 1e-3


class Calibration(nn.Module):
    """What scenes with known galaxies say about the probabilities of a network.

    Attributes
    ----------
    middle, spread : Tensor, shape (2, N_FEATURES)
        For central galaxy and companion: coefficients of the mean of the normal scores of the PIT,
        and of the logarithm of their standard deviation.
    shape : Tensor, shape (2, 3)
        Quantiles of what remains: a + b x + c x^3 of normal scores x.
    scaling : Tensor, shape (2, 2, 3)
        Mean and standard deviation of the three numbers that features are made of.
    temperature, bias : Tensor, shape () and (N_CLASSES,)
        Logits of the number of galaxies are divided by the first, and the second is added.
    mean, inverse : Tensor, shape (CONTEXT,) and (CONTEXT, CONTEXT)
        Mean and inverse covariance of the contexts of blends of two.
    distances : Tensor, shape (LEVELS,)
        Quantiles of their Mahalanobis distances.
    """

    middle: torch.Tensor
    spread: torch.Tensor
    shape: torch.Tensor
    scaling: torch.Tensor
    temperature: torch.Tensor
    bias: torch.Tensor
    mean: torch.Tensor
    inverse: torch.Tensor
    distances: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(2, N_FEATURES))
        self.register_buffer("spread", torch.zeros(2, N_FEATURES))
        self.register_buffer("shape", torch.tensor([[0.0, 1.0, 0.0]] * 2))
        scaling = torch.stack([torch.zeros(2, 3), torch.ones(2, 3)], dim=1)
        self.register_buffer("scaling", scaling)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("bias", torch.zeros(N_CLASSES))
        self.register_buffer("mean", torch.zeros(CONTEXT))
        self.register_buffer("inverse", torch.eye(CONTEXT))
        self.register_buffer("distances", torch.linspace(0, 1, LEVELS))

    def numbers(self) -> dict[str, np.ndarray]:
        """All of them as arrays."""
        return {name: value.cpu().numpy().astype(float) for name, value in self.named_buffers()}


def numbers_of(draws: np.ndarray) -> np.ndarray:
    """Logarithms of the median of each density, of its relative width, and of the other median.

    Parameters
    ----------
    draws : ndarray, shape (n, 2, m)

    Returns
    -------
    ndarray, shape (n, 2, 3)
    """
    low, median, high = np.percentile(draws, (16, 50, 84), axis=-1)
    width = np.log(np.log(high / low) + 1e-6)
    return np.stack([np.log(median), width, np.log(median[:, ::-1])], axis=-1)


def features_of(numbers: np.ndarray, scaling: np.ndarray) -> np.ndarray:
    """Features (n, N_FEATURES) of the densities of one role, from `numbers_of` (n, 3)."""
    m, w, o = ((numbers - scaling[0]) / scaling[1]).clip(-3, 3).T
    return np.stack([np.ones(len(m)), m, w, o, m * m, w * w, m * w], axis=1)


def calibrate(found: Answer, fluxes: np.ndarray, number: np.ndarray) -> tuple[Calibration, dict]:
    """Find a calibration from what a network says about scenes with known galaxies.

    Parameters
    ----------
    found : Answer
    fluxes : ndarray, shape (n, 2)
        Central galaxy and companion, counts/s; the second number means nothing where there is one.
    number : ndarray of int, shape (n,)
        0: one galaxy, 1: two, 2: three or more.

    Returns
    -------
    calibration : Calibration
    checks : dict
        What was found before, of blends of two: `nmad_central_mag` and `nmad_companion_mag`, the
        NMAD of the medians; `ks_central` and `ks_companion`, the Kolmogorov-Smirnov distances of
        the PIT from a uniform distribution; `accuracy` of the number of galaxies; `temperature`.
    """
    calibration, two = Calibration(), number == 1
    numbers = numbers_of(found.draws[two])
    checks: dict[str, Any] = {"n": len(number), "n_two": int(two.sum())}
    for k, role in enumerate(("central", "companion")):
        true, draws = fluxes[two, k], found.draws[two, k]
        away = -2.5 * np.log10(np.median(draws, axis=1) / true)
        checks[f"nmad_{role}_mag"] = NMAD_FACTOR * float(np.median(np.abs(away - np.median(away))))
        pit = share_below(draws, true)
        checks[f"ks_{role}"] = float(kstest(pit, "uniform").statistic)
        scaling = np.stack([numbers[:, k].mean(0), numbers[:, k].std(0) + 1e-6])
        middle, spread, shape = _fit(features_of(numbers[:, k], scaling), ndtri(pit))
        for name, values in {
            **{"middle": middle, "spread": spread, "shape": shape, "scaling": scaling}
        }.items():
            getattr(calibration, name)[k] = torch.from_numpy(values)
    _fit_number(calibration, found.logits, number)
    checks["temperature"] = float(calibration.temperature)
    checks["accuracy"] = float((probabilities(found.logits).argmax(1) == number).mean())
    context = found.context[two].astype(float)
    mean, covariance = context.mean(0), np.cov(context.T)
    covariance += RIDGE * np.trace(covariance) / len(mean) * np.eye(len(mean))
    calibration.mean[:] = torch.from_numpy(mean)
    calibration.inverse[:] = torch.from_numpy(np.linalg.inv(covariance))
    grid = np.linspace(0, 1, LEVELS)
    distances = np.quantile(distance_of(calibration, found.context[two]), grid)
    calibration.distances[:] = torch.from_numpy(distances)
    return calibration, checks


def _fit(features: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and spread of normal scores by features, and the shape of what remains."""
    n = features.shape[1]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        log_spread = features @ values[n:]
        rest = (scores - features @ values[:n]) * np.exp(-log_spread)
        total = log_spread.sum() + 0.5 * (rest**2).sum() + 0.5 * PENALTY * (values**2).sum()
        by_middle = -features.T @ (rest * np.exp(-log_spread))
        by_spread = features.T @ (1 - rest**2)
        return total, np.concatenate([by_middle, by_spread]) + PENALTY * values

    values = minimize(loss, np.zeros(2 * n), jac=True, method="L-BFGS-B").x
    rest = np.sort((scores - features @ values[:n]) * np.exp(-features @ values[n:]))
    x = ndtri((np.arange(len(rest)) + 0.5) / len(rest))
    inner = np.abs(x) < INNER
    design = np.stack([np.ones(len(x)), x, x**3], axis=1)
    bounds = ([-np.inf, 0, 0], np.inf)
    return values[:n], values[n:], lsq_linear(design[inner], rest[inner], bounds=bounds).x


def _fit_number(calibration: Calibration, logits: np.ndarray, number: np.ndarray) -> None:
    """Temperature and bias of the number of galaxies, by maximum likelihood."""
    rows = np.arange(len(number))

    def loss(values: np.ndarray) -> float:
        bias = np.array([values[1], 0.0, values[2]])
        share = probabilities(logits, np.exp(values[0]), bias)[rows, number]
        return -float(np.log(np.maximum(share, 1e-12)).mean()) + 1e-3 * float((values**2).sum())

    best = minimize(loss, np.zeros(3), method="Nelder-Mead").x
    calibration.temperature.fill_(float(np.exp(best[0])))
    calibration.bias[:] = torch.tensor([best[1], 0.0, best[2]])


def probabilities(
    logits: np.ndarray, temperature: float = 1.0, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """Probabilities (n, N_CLASSES) of one, two, and three or more galaxies, from logits."""
    scaled = logits / temperature + bias
    share = np.exp(scaled - scaled.max(-1, keepdims=True))
    return (share / share.sum(-1, keepdims=True)).mean(axis=1)


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
    m, known = draws.shape[-1], calibration.numbers()
    x = ndtri((np.arange(m) + 0.5) / m)
    numbers, out = numbers_of(draws), np.empty_like(draws)
    for k in range(2):
        features = features_of(numbers[:, k], known["scaling"][k])
        a, b, c = known["shape"][k]
        spread = np.exp(features @ known["spread"][k])
        scores = (features @ known["middle"][k])[:, None] + spread[:, None] * (a + b * x + c * x**3)
        # Place of each level among the sorted draws.
        place = np.clip(ndtr(scores) * m - 0.5, 0, m - 1)
        lower = np.minimum(place.astype(int), m - 2)
        share = place - lower
        low, high = (np.take_along_axis(draws[:, k], lower + i, axis=1) for i in (0, 1))
        out[:, k] = low + share * (high - low)
    return out


def distance_of(calibration: Calibration, context: np.ndarray) -> np.ndarray:
    """Mahalanobis distances (n,) of contexts from those of the blends of the calibration."""
    known = calibration.numbers()
    away = context - known["mean"]
    return np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", away, known["inverse"], away), 0))


def share_as_unusual(calibration: Calibration, context: np.ndarray) -> np.ndarray:
    """Share (n,) of the blends of the calibration that are less like the others than these."""
    grid = np.linspace(0, 1, LEVELS)
    distances = calibration.numbers()["distances"]
    return 1 - np.interp(distance_of(calibration, context), distances, grid)


def calibrate_and_write(
    outputs: Mapping[str, str | Path],
    scenes: Sequence[str | Path],
    truths: Sequence[str | Path],
    weights: str | Path,
    description: str | Path,
    *,
    device: torch.device,
) -> None:
    """Calibrate a trained network on sets of scenes.

    Parameters
    ----------
    outputs : dict of path
        `calibration` (HDF5), `checks` (JSON): what `calibrate` returns.
    scenes, truths : sequence of path
        Sets of scenes of one, two, and three galaxies, and what is known about them.
    weights, description : path
        From `deblend.benchmark.posterior_training`.
    device : torch.device
    """
    record = read_json(description)
    network = PosteriorNetwork(record["filters"], record["blocks"])
    read_weights(weights, network)
    network.to(device).eval()
    images, fluxes, number = [], [], []
    for path, truth in zip(scenes, truths, strict=True):
        known, factor = normalised(read_scenes(path), record)
        galaxies = read_truth(truth, pixels=False).galaxies
        flux = galaxies.pivot_table(index="scene", columns="galaxy", values="flux").to_numpy()
        pair = np.concatenate([flux, np.ones_like(flux)], axis=1)[:, :2]
        images.append(known)
        fluxes.append(pair * factor)
        number.append(np.full(len(pair), flux.shape[1] - 1))
    found = answer(network, np.concatenate(images), device)
    calibration, checks = calibrate(found, np.concatenate(fluxes), np.concatenate(number))
    write_weights(outputs["calibration"], calibration)
    write_json(outputs["checks"], checks)
