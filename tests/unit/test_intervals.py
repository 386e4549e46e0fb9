"""Confidence intervals, against astropy's."""

import numpy as np
from astropy.stats import binom_conf_interval
from deblend.intervals import mean_interval, wilson_interval


def test_wilsons_interval_is_astropys():
    k, n = np.array([0, 0, 1, 3, 7, 20, 40, 50, 50]), np.array([1, 5, 5, 9, 20, 20, 40, 70, 50])
    # One sigma: a level of 0.6827.
    expected = binom_conf_interval(k, n, 0.682689492137, interval="wilson")
    np.testing.assert_allclose(wilson_interval(k, n), expected, atol=1e-9)
    assert np.isnan(wilson_interval(0, 0)).all()
    assert np.isnan(wilson_interval(np.nan, 0)).all()


def test_an_interval_contains_its_share():
    n = np.arange(1, 200)
    for share in (0.0, 1 / 3, 1.0):
        low, high = wilson_interval(share * n, n)
        assert ((low <= share * n / n) & (share * n / n <= high)).all()


def test_the_interval_of_a_mean_of_independent_values_is_that_of_the_standard_error():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = mean_interval(values, np.arange(400))
    expected = np.std(values) / np.sqrt(400)
    np.testing.assert_allclose([low, high], np.mean(values) + expected * np.array([-1, 1]))


def test_repeated_values_do_not_narrow_the_interval():
    values = np.random.default_rng(1).normal(0, 1, 50)
    once = mean_interval(values, np.arange(50))
    np.testing.assert_allclose(mean_interval(np.tile(values, 4), np.tile(np.arange(50), 4)), once)
    assert np.isnan(mean_interval([1.0, 2.0], ["a", "a"])).all()
