"""Calibration of blend2posterior on blends of galaxies that are neither trained on nor tested.

A density is calibrated if a share p of the true values lies below its p quantile. Where that is not
so, quantiles are taken at other levels (Kuleshov et al. 2018, ICML, PMLR 80, 2796), which depend on
the flux and on the width of the density. The scenes are drawn as those of the sets of the
benchmark, from galaxies of their own. The test is not looked at.
"""

import copy
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_network import (
    CONTEXT,
    N_CLASSES,
    Answer,
    PosteriorNetwork,
    answer,
)
from deblend.benchmark.trained_units import normalised
from deblend.benchmark.truth import read_truth
from deblend.boucaud2020.metrics import NMAD_FACTOR
from deblend.files import write_json
from deblend.scenes.scenes import read_scenes
from deblend.training.description import read_description
from deblend.training.torch_checkpoint import build_network, read_weights, write_weights
from scipy.optimize import lsq_linear, minimize
from scipy.special import ndtr, ndtri
from scipy.stats import kstest
from torch import nn

log = logging.getLogger(__name__)

#: Numbers that describe a density: see `features_of`.
N_FEATURES = 7

#: Quantiles of the distances of contexts that are kept: fine enough for the most unusual 0.1 %.
LEVELS = 2001

#: Blends of two from which a calibration is known well enough: it has some 40 numbers a galaxy.
FEW_BLENDS = 500

#: Galaxies from which quantiles are corrected well enough.
FEW_GALAXIES = 30

#: Normal scores within which the quantiles of the PIT are fitted.
INNER = 2.6

#: Shares of scenes of one, two and three galaxies for which their probabilities are calibrated. The
#: scenes of the calibration have more of three, since some neighbours count as galaxies.
SHARES = (0.1, 0.8, 0.1)

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


def calibrate(
    answered: Callable[[float, np.ndarray], Answer],
    fluxes: np.ndarray,
    blended: np.ndarray,
    further: np.ndarray,
) -> tuple[Calibration, dict]:
    """Find a calibration from what a network says about scenes with known galaxies.

    The number of galaxies comes first, since densities are mixed by it.

    Parameters
    ----------
    answered : callable
        What the network says, from temperature and bias of the number of galaxies.
    fluxes : ndarray, shape (n, 2)
        Central galaxy and companion, counts/s; the second number means nothing where there is one.
    blended : ndarray of int, shape (n,)
        Galaxies that were blended: 0: one, 1: two, 2: three or more.
    further : ndarray of int, shape (n,)
        Neighbours that count as galaxies of the scene. Quantiles are calibrated on all blends of
        two, with these neighbours too: their intervals are to be right as well.

    Returns
    -------
    calibration : Calibration
    checks : dict
        What was found before, of blends of two: `nmad_central_mag` and `nmad_companion_mag`, the
        NMAD of the medians; `ks_central` and `ks_companion`, the Kolmogorov-Smirnov distances of
        the PIT from a uniform distribution; `accuracy` of the number of galaxies; `temperature`.
    """
    calibration, two = Calibration(), blended == 1
    number = np.minimum(blended + further, N_CLASSES - 1)
    if two.sum() < FEW_BLENDS:
        log.warning(
            "%d blends of two galaxies are few to calibrate on: %d are better "
            "(benchmark > n_calibration)",
            *(two.sum(), FEW_BLENDS),
        )
    raw = answered(1.0, np.zeros(N_CLASSES))
    _fit_number(calibration, raw.logits, number)
    found = answered(*of_number(calibration))
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
    rest = (scores - features @ values[:n]) * np.exp(-features @ values[n:])
    return values[:n], values[n:], _shape_of(rest)


def _shape_of(rest: np.ndarray) -> np.ndarray:
    """Coefficients (3,) of the quantiles of what remains: see `Calibration`."""
    x = ndtri((np.arange(len(rest)) + 0.5) / len(rest))
    inner = np.abs(x) < INNER
    design = np.stack([np.ones(len(x)), x, x**3], axis=1)
    bounds = ([-np.inf, 0, 0], np.inf)
    return lsq_linear(design[inner], np.sort(rest)[inner], bounds=bounds).x


def of_number(calibration: Calibration) -> tuple[float, np.ndarray]:
    """Temperature and bias of the number of galaxies, as `answer` takes them."""
    return float(calibration.temperature), calibration.bias.cpu().numpy()


def recalibrate(
    calibration: Calibration, found: Answer, fluxes: np.ndarray, ids: np.ndarray
) -> tuple[Calibration, dict]:
    """Correct a calibration with blends of two galaxies of another kind, such as few real ones.

    How quantiles depend on flux and width stays as it is, and so does the number of galaxies: few
    galaxies tell only how wrong the quantiles are on the whole.

    Parameters
    ----------
    calibration : Calibration
    found : Answer
        With its temperature and bias.
    fluxes : ndarray, shape (n, 2)
        Central galaxy and companion, counts/s.
    ids : ndarray of str
        Galaxies of the blends, which may be in several.

    Returns
    -------
    calibration : Calibration
        A copy with another `shape`.
    checks : dict
        `n` and `n_galaxies`, and `ks_central` and `ks_companion` before: see `calibrate`.
    """
    corrected = copy.deepcopy(calibration)
    known, numbers = calibration.numbers(), numbers_of(found.draws)
    before = calibrated_draws(calibration, found.draws)
    n_galaxies = len(np.unique(ids))
    checks: dict[str, Any] = {"n": len(fluxes), "n_galaxies": n_galaxies}
    if n_galaxies < FEW_GALAXIES:
        log.warning(
            "%d galaxies are few to correct intervals with: %d are better (validation share of "
            "the split of benchmark > real)",
            *(n_galaxies, FEW_GALAXIES),
        )
    for k, role in enumerate(("central", "companion")):
        checks[f"ks_{role}"] = float(
            kstest(share_below(before[:, k], fluxes[:, k]), "uniform").statistic
        )
        features = features_of(numbers[:, k], known["scaling"][k])
        scores = ndtri(share_below(found.draws[:, k], fluxes[:, k]))
        rest = (scores - features @ known["middle"][k]) * np.exp(-features @ known["spread"][k])
        corrected.shape[k] = torch.from_numpy(_shape_of(rest))
    return corrected, checks


def _fit_number(calibration: Calibration, logits: np.ndarray, number: np.ndarray) -> None:
    """Temperature and bias of the number of galaxies, by maximum likelihood for `SHARES`."""
    rows = np.arange(len(number))
    found = np.bincount(number, minlength=N_CLASSES)
    weight = (np.array(SHARES) / np.maximum(found, 1))[number]
    weight /= weight.sum()

    def loss(values: np.ndarray) -> float:
        bias = np.array([values[1], 0.0, values[2]])
        share = probabilities(logits, np.exp(values[0]), bias)[rows, number]
        return -float(weight @ np.log(np.maximum(share, 1e-12))) + 1e-3 * float((values**2).sum())

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
    answered, known = _known(scenes, truths, weights, description, device)
    calibration, checks = calibrate(answered, known["flux"], known["blended"], known["further"])
    write_weights(outputs["calibration"], calibration)
    write_json(outputs["checks"], checks)


def recalibrate_and_write(
    outputs: Mapping[str, str | Path],
    calibration: str | Path,
    scenes: str | Path,
    truth: str | Path,
    weights: str | Path,
    description: str | Path,
    *,
    device: torch.device,
) -> None:
    """Correct a calibration with a set of blends of two galaxies.

    Parameters
    ----------
    outputs : dict of path
        `calibration` (HDF5), `checks` (JSON): what `recalibrate` returns.
    calibration : path
        From `calibrate_and_write`.
    scenes, truth : path
    weights, description : path
        From `deblend.benchmark.posterior_training`.
    device : torch.device
    """
    before = Calibration()
    read_weights(calibration, before)
    answered, known = _known([scenes], [truth], weights, description, device)
    found = answered(*of_number(before))
    corrected, checks = recalibrate(before, found, known["flux"], known["id"])
    write_weights(outputs["calibration"], corrected)
    write_json(outputs["checks"], checks)


def _known(
    scenes: Sequence[str | Path],
    truths: Sequence[str | Path],
    weights: str | Path,
    description: str | Path,
    device: torch.device,
) -> tuple[Callable[[float, np.ndarray], Answer], dict[str, np.ndarray]]:
    """What a network says about sets of scenes, and what is known about them.

    Returns
    -------
    answered : callable
    known : dict of ndarray
        `flux` (n, 2), `blended` and `further` (n,) as `calibrate` takes them, and the `id` of each
        galaxy.
    """
    record = read_description(description)
    network = build_network(
        lambda: PosteriorNetwork(record["filters"], record["blocks"]), weights, description
    )
    network.to(device).eval()
    images: list[np.ndarray] = []
    parts: dict[str, list[np.ndarray]] = {"flux": [], "blended": [], "further": [], "id": []}
    for path, truth in zip(scenes, truths, strict=True):
        of_set, factor = normalised(read_scenes(path), record)
        galaxies = read_truth(truth, pixels=False).galaxies
        flux = galaxies.pivot_table(index="scene", columns="galaxy", values="flux").to_numpy()
        pair = np.concatenate([flux, np.ones_like(flux)], axis=1)[:, :2]
        images.append(of_set)
        parts["flux"].append(pair * factor)
        parts["blended"].append(np.full(len(pair), flux.shape[1] - 1))
        parts["further"].append(galaxies.groupby("scene")["n_further"].first().to_numpy(int))
        parts["id"].append(galaxies["id"].to_numpy(str))
    answered = functools.partial(answer, network, np.concatenate(images), device)
    return answered, {name: np.concatenate(values) for name, values in parts.items()}
