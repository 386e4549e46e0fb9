import numpy as np
import pytest
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_calibration import (
    calibrate,
    calibrated_draws,
    share_as_unusual,
)
from deblend.benchmark.posterior_network import CONTEXT, Answer, Calibration
from scipy.stats import kstest, norm

N, M = 4000, 256


def too_wide(seed):
    """Densities that are twice too wide and shifted; logits that are too sure."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(50, 60, (N, 2))
    draws = mean[..., None] + 0.5 + 2 * norm.ppf((np.arange(M) + 0.5) / M)
    number = rng.integers(0, 3, N)
    logits = np.zeros((N, 8, 3)) + 3 * rng.normal(size=(N, 1, 3))
    logits[np.arange(N), :, number] += 3.0
    context = rng.normal(size=(N, CONTEXT)).astype(np.float32)
    found = Answer(draws, np.zeros(N), logits, context)
    return found, mean + rng.normal(size=(N, 2)), number


@pytest.fixture
def calibration():
    made = Calibration()
    found, fluxes, number = too_wide(0)
    checks = calibrate(made, found, fluxes, number)
    assert checks["ks_central"] > 0.1
    return made


def test_calibrated_densities_cover_what_they_say(calibration):
    found, fluxes, _ = too_wide(1)
    draws = calibrated_draws(calibration, found.draws)
    for k in range(2):
        pit = share_below(draws[:, k], fluxes[:, k])
        assert kstest(pit, "uniform").statistic < 0.04
        before = share_below(found.draws[:, k], fluxes[:, k])
        assert kstest(before, "uniform").statistic > 0.1


def test_the_temperature_lowers_the_loss(calibration):
    found, _, number = too_wide(2)
    rows = np.arange(N)
    before, after = (
        -np.log(found.probabilities(t)[rows, number]).mean()
        for t in (1.0, float(calibration.temperature))
    )
    assert after < before


def test_what_is_unlike_the_validation_is_unusual(calibration):
    context = np.random.default_rng(3).normal(size=(500, CONTEXT))
    usual = share_as_unusual(calibration, context)
    assert 0.3 < usual.mean() < 0.7
    assert (share_as_unusual(calibration, 3 * context) == 0).all()


def test_an_untouched_calibration_changes_nothing():
    draws = np.sort(np.random.default_rng(0).normal(10, 1, (5, 2, M)), axis=-1)
    same = calibrated_draws(Calibration(), draws)
    wanted, found = (np.percentile(d, (10, 50, 90), axis=-1) for d in (draws, same))
    np.testing.assert_allclose(found, wanted, atol=0.05)
    assert torch.equal(Calibration().temperature, torch.ones(()))
