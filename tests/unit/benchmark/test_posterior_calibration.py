import numpy as np
import pytest
import torch
from deblend.benchmark.density import share_below
from deblend.benchmark.posterior_calibration import (
    SHARES,
    Calibration,
    calibrate,
    calibrated_draws,
    probabilities,
    recalibrate,
    share_as_unusual,
)
from deblend.benchmark.posterior_network import CONTEXT, Answer
from scipy.stats import kstest, norm

N, M = 4000, 256


def too_wide(seed):
    """Densities that are shifted, and too wide for bright galaxies; logits that are too sure."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(2, 5, (N, 2))
    true = mean + 0.1 * rng.normal(size=(N, 2))
    width = 0.1 * (1 + 0.5 * (mean - 2))
    draws = mean[..., None] + 0.03 + width[..., None] * norm.ppf((np.arange(M) + 0.5) / M)
    number = rng.choice(3, N, p=[0.1, 0.8, 0.1])
    logits = np.zeros((N, 8, 3)) + 3 * rng.normal(size=(N, 1, 3)) + [1.5, 0, 0]
    logits[np.arange(N), :, number] += 3.0
    context = rng.normal(size=(N, CONTEXT)).astype(np.float32)
    return Answer(np.exp(draws), np.zeros(N), logits, context), np.exp(true), number


@pytest.fixture(scope="module")
def calibration():
    found, fluxes, number = too_wide(0)
    made, checks = calibrate(lambda *_: found, fluxes, number, np.zeros_like(number))
    assert min(checks["ks_central"], checks["ks_companion"]) > 0.05
    return made


def test_calibrated_densities_cover_what_they_say(calibration):
    found, fluxes, _ = too_wide(1)
    draws = calibrated_draws(calibration, found.draws)
    assert (np.diff(draws, axis=-1) >= 0).all()
    for k in range(2):
        pit = share_below(draws[:, k], fluxes[:, k])
        assert kstest(pit, "uniform").statistic < 0.04
        assert kstest(share_below(found.draws[:, k], fluxes[:, k]), "uniform").statistic > 0.05
        # Of faint and bright galaxies alike, although only the bright ones were too wide.
        low, high = np.percentile(draws[:, k], (16, 84), axis=-1)
        inside = (fluxes[:, k] > low) & (fluxes[:, k] < high)
        bright = fluxes[:, k] > np.median(fluxes[:, k])
        np.testing.assert_allclose([inside[bright].mean(), inside[~bright].mean()], 0.68, atol=0.04)


def test_the_number_of_galaxies_is_calibrated(calibration):
    found, _, number = too_wide(2)
    rows = np.arange(N)
    before = probabilities(found.logits)
    after = probabilities(found.logits, float(calibration.temperature), calibration.bias.numpy())
    loss = [-np.log(share[rows, number]).mean() for share in (before, after)]
    assert loss[1] < loss[0]
    np.testing.assert_allclose(after.mean(axis=0), np.bincount(number) / N, atol=0.03)


def test_what_is_unlike_the_calibration_is_unusual(calibration):
    context = np.random.default_rng(3).normal(size=(500, CONTEXT))
    usual = share_as_unusual(calibration, context)
    assert 0.3 < usual.mean() < 0.7
    assert (share_as_unusual(calibration, 3 * context) == 0).all()


def test_an_untouched_calibration_changes_nothing():
    draws = np.exp(np.sort(np.random.default_rng(0).normal(1, 0.1, (5, 2, M)), axis=-1))
    np.testing.assert_allclose(calibrated_draws(Calibration(), draws), draws, rtol=1e-6)
    assert torch.equal(Calibration().temperature, torch.ones(()))


def test_few_blends_of_another_kind_correct_the_intervals_alone(calibration, caplog):
    def scattered(seed, n):
        """As before, but true fluxes scatter twice as much, and are lower."""
        found, fluxes, _ = too_wide(seed)
        mean = np.log(np.median(found.draws, axis=-1)) - 0.03
        true = np.exp(mean + 2 * (np.log(fluxes) - mean) - 0.1)
        return Answer(*(value[:n] for value in vars(found).values())), true[:n]

    before = {name: value.clone() for name, value in calibration.named_buffers()}
    found, fluxes = scattered(4, 400)
    ids = np.array([f"g{i}" for i in range(20)] * 40)
    with caplog.at_level("WARNING"):
        corrected, checks = recalibrate(calibration, found, fluxes, ids)
    assert (checks["n"], checks["n_galaxies"]) == (400, 20)
    assert "20 galaxies are few to correct intervals with" in caplog.text
    assert min(checks["ks_central"], checks["ks_companion"]) > 0.2
    for name, value in corrected.named_buffers():
        assert torch.equal(before[name], dict(calibration.named_buffers())[name])
        assert torch.equal(value, before[name]) == (name != "shape")
    found, fluxes = scattered(5, N)
    covered = []
    for made in (calibration, corrected):
        low, high = np.percentile(calibrated_draws(made, found.draws), (16, 84), axis=-1)
        covered.append(((fluxes > low) & (fluxes < high)).mean())
    assert covered[0] < 0.5
    assert covered[1] == pytest.approx(0.68, abs=0.05)


def test_quantiles_are_fitted_on_densities_with_the_calibrated_number():
    found, fluxes, number = too_wide(6)
    asked = []

    def answered(temperature, bias):
        asked.append((temperature, np.array(bias)))
        return found

    made, _ = calibrate(answered, fluxes, number, np.zeros_like(number))
    first, last = asked
    assert first[0] == 1
    assert not first[1].any()
    assert last[0] == pytest.approx(float(made.temperature))
    np.testing.assert_allclose(last[1], made.bias.numpy())


def test_neighbours_that_count_change_the_number_and_not_the_blends_of_the_quantiles():
    found, fluxes, number = too_wide(7)
    further = np.random.default_rng(8).integers(0, 2, N) * (number < 2)

    def answered(*_):
        return found

    plain, before = calibrate(answered, fluxes, number, np.zeros_like(number))
    counted, after = calibrate(answered, fluxes, number, further)
    assert (after["n_two"], after["ks_central"]) == (before["n_two"], before["ks_central"])
    assert torch.equal(plain.shape, counted.shape)
    # Blends of two with such a neighbour are three, although nothing in the images says so.
    assert after["accuracy"] < before["accuracy"]


def test_the_number_is_calibrated_for_stated_shares_whatever_the_scenes_have():
    """Half as many scenes of three change nothing, but for which scenes they are."""
    found, fluxes, number = too_wide(9)
    kept = (number < 2) | (np.arange(N) % 2 == 0)
    fewer = Answer(*(value[kept] for value in vars(found).values()))
    made = [
        calibrate(lambda *_, a=a: a, f, n, np.zeros_like(n))[0]
        for a, f, n in ((found, fluxes, number), (fewer, fluxes[kept], number[kept]))
    ]
    biases = [m.bias.numpy() for m in made]
    np.testing.assert_allclose(biases[0], biases[1], atol=0.25)
    share = probabilities(found.logits, float(made[1].temperature), biases[1])
    # Of all scenes: they have these shares.
    np.testing.assert_allclose(share.mean(axis=0), SHARES, atol=0.03)
