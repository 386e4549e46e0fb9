"""Confidence intervals, against astropy's."""

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from deblend.intervals import mean_interval, share_interval, sharing_errors, wilson_interval


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


def test_a_share_of_things_that_belong_together_has_the_interval_of_fewer():
    # With the binomial error they are independent.
    low, high = share_interval(0.3, np.sqrt(0.3 * 0.7 / 80), 80, 40)
    np.testing.assert_allclose((low, high), wilson_interval(24, 80))
    # Twice the error: as of a quarter as many.
    np.testing.assert_allclose(
        share_interval(0.3, 2 * np.sqrt(0.3 * 0.7 / 80), 80, 40), wilson_interval(6, 20)
    )
    # None, or all: as of the groups; never of more than there are; and there may be none.
    none_and_all = share_interval([0, 1, 0.5], [0, 0, 1e-6], 80, 40)
    np.testing.assert_allclose(none_and_all, wilson_interval([0, 40, 40], [40, 40, 80]))
    assert np.isnan(share_interval(np.nan, np.nan, 0, 0)).all()


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


def test_the_error_of_pairs_is_the_scatter_over_draws_of_objects():
    """Each value is the sum of an effect of both objects and of its own; all are drawn anew."""
    rng = np.random.default_rng(5)
    n, n_objects = 300, 30
    first = rng.integers(0, n_objects, n)
    second = np.where(np.arange(n) % 3 == 0, -1, rng.integers(0, n_objects, n))
    names = [np.where(ends < 0, "", ends.astype(str)) for ends in (first, second)]
    means, errors, independent = [], [], []
    for _ in range(150):
        effect = rng.normal(0, 1, n_objects + 1)
        effect[-1] = 0.0  # of no second object
        values = effect[first] + effect[second] + rng.normal(0, 1, n)
        terms = (values - values.mean())[:, None] / n
        means.append(values.mean())
        errors.append(sharing_errors(terms, *names)[0])
        independent.append(sharing_errors(terms, np.arange(n).astype(str), np.full(n, ""))[0])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.15)
    assert np.mean(independent) < 0.4 * np.std(means)


def test_the_error_of_pairs_that_share_nothing_is_the_standard_error():
    values = np.random.default_rng(2).normal(0, 3, (500, 2))
    names = np.arange(1000).astype(str)
    terms = (values - values.mean(axis=0)) / 500
    found = sharing_errors(terms, names[:500], names[500:])
    np.testing.assert_allclose(found, values.std(axis=0) / np.sqrt(500), rtol=1e-3)
    # Each pair twice, once with its objects exchanged, is worth one.
    ends = np.concatenate([names[:500], names[500:]]), np.concatenate([names[500:], names[:500]])
    np.testing.assert_allclose(sharing_errors(np.tile(terms / 2, (2, 1)), *ends), found)
    assert np.isnan(sharing_errors([[1.0]], ["a"], [""])).all()
