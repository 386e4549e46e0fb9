"""Bootstrap of galaxies: samples with known errors."""

import numpy as np
import pytest
from deblend.hemmati2022.resampling import interval, interval_of_share, resampled_counts


def test_stamps_of_a_galaxy_are_taken_together():
    galaxies = np.array([[3, -1], [3, -1], [7, -1], [3, 7], [9, 9]])
    counts = resampled_counts(galaxies, 500, "test")
    np.testing.assert_array_equal(counts[:, 0], counts[:, 1])
    np.testing.assert_array_equal(counts[:, 3], counts[:, 0] * counts[:, 2])
    # Each sample has as many galaxies as there are.
    np.testing.assert_array_equal(counts[:, 0] + counts[:, 2] + np.sqrt(counts[:, 4]), 3)
    assert resampled_counts(galaxies, 500, "test").tolist() == counts.tolist()
    assert resampled_counts(galaxies, 500, "other").tolist() != counts.tolist()


def test_the_error_is_that_of_independent_galaxies():
    """100 stamps of each of 60 galaxies, which count for all stamps of a galaxy or for none."""
    rng = np.random.default_rng(1)
    counts_for = rng.uniform(size=60) < 0.4
    galaxies = np.repeat(np.arange(60), 100)[:, None]
    values = counts_for[galaxies[:, 0]]
    low, high = interval_of_share(values, resampled_counts(galaxies, 400, "test"))
    share = counts_for.mean()
    assert (high - low) / 2 == pytest.approx(np.sqrt(share * (1 - share) / 60), rel=0.15)
    # Stamps of different galaxies have the error of the binomial distribution.
    alone = np.arange(6000)[:, None]
    low, high = interval_of_share(values, resampled_counts(alone, 400, "test"))
    assert (high - low) / 2 == pytest.approx(np.sqrt(share * (1 - share) / 6000), rel=0.15)


def test_a_share_of_some_stamps():
    galaxies = np.arange(40)[:, None]
    values, among = np.arange(40) % 2 == 0, np.arange(40) % 4 < 2
    low, high = interval_of_share(values, resampled_counts(galaxies, 200, "test"), among)
    assert low < 0.5 < high
    low, high = interval_of_share(np.zeros(40, bool), resampled_counts(galaxies, 200, "test"))
    assert low == 0 < high < 0.1
    none = interval_of_share(values, resampled_counts(galaxies, 20, "test"), np.zeros(40, bool))
    assert np.isnan(none).all()
    assert np.isnan(interval(np.array([np.nan]))).all()
