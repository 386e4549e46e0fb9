import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.density import density_scores, intervals, share_below
from deblend.benchmark.truth import COLUMNS, Truth
from scipy.stats import norm

N = 2000


def truth_of(flux):
    table = pd.DataFrame({name: np.zeros(len(flux)) for name in COLUMNS}).assign(flux=flux)
    return Truth(table, np.zeros((0, 1, 1), np.float32), np.zeros((0, 1, 1), np.uint8))


def normal_draws(seed=0, width=1.0):
    """Means, draws about them, and true values that are drawn from the same density."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(10, 20, N)
    draws = mean[:, None] + width * norm.ppf((np.arange(400) + 0.5) / 400)
    return mean, draws, mean + rng.normal(size=N)


def scored(draws, mean, true, **columns):
    table = pd.DataFrame({"flux": mean, "flux_error": 1.0})
    found = intervals(truth_of(true), Catalogue(table, draws=draws, **columns), np.arange(N))
    return pd.DataFrame(found).assign(true_flux=true, n_further=0)


def test_draws_of_the_true_density_are_calibrated():
    mean, draws, true = normal_draws()
    scores = density_scores(scored(draws, mean, true), np.zeros(N, bool))
    np.testing.assert_allclose(scores["coverage_68"], 0.68, atol=0.03)
    np.testing.assert_allclose(scores["coverage_95"], 0.95, atol=0.015)
    assert scores["pit_ks"] < 0.03
    wide = density_scores(scored(normal_draws(width=2.0)[1], mean, true), np.zeros(N, bool))
    assert wide["coverage_68"] > 0.9
    assert wide["pit_ks"] > 0.1


def test_without_draws_the_interval_is_that_of_the_error():
    mean, _, true = normal_draws()
    table = scored(None, mean, true)
    np.testing.assert_allclose(table["high_95"] - table["low_95"], 3.92)
    assert table["pit"].isna().all()
    np.testing.assert_allclose(
        density_scores(table, np.zeros(N, bool))["coverage_68"], 0.683, atol=0.03
    )


def test_warnings_are_compared_with_outliers():
    mean, draws, true = normal_draws()
    warned = np.arange(N) < 100
    outlier = (np.arange(N) >= 80) & (np.arange(N) < 120)
    scores = density_scores(scored(draws, mean, true, uncertain=warned), outlier)
    assert (scores["uncertain_percent"], scores["outliers_known_percent"]) == (5.0, 50.0)
    assert scores["uncertain_uncrowded_percent"] == 5.0
    # Half of the warnings are where a neighbour counts as a galaxy.
    crowded = scored(draws, mean, true, uncertain=warned).assign(n_further=np.arange(N) < 50)
    scores = density_scores(crowded, outlier)
    assert scores["uncertain_percent"] == 5.0
    assert scores["uncertain_uncrowded_percent"] == pytest.approx(100 * 50 / 1950)
    silent = density_scores(scored(draws, mean, true), outlier)
    assert np.isnan(silent["uncertain_percent"])


def test_galaxies_that_are_not_found_have_no_interval():
    mean, draws, true = normal_draws()
    found = intervals(
        truth_of(true[:2]), Catalogue(pd.DataFrame({"flux": mean, "flux_error": 1.0}), draws=draws),
        np.array([-1, 1]),
    )  # fmt: skip
    assert np.isnan(found["low_68"][0])
    assert found["low_68"][1] < mean[1] < found["high_68"][1]


def test_the_share_below_is_between_the_steps():
    draws = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(share_below(draws, np.array([2.5])), 2.5 / 4)
