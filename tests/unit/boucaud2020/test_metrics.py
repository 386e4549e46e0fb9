"""Statistics against independent calculations."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.metrics import (
    bootstrap_by_galaxy,
    photometry_statistics,
    photometry_table,
    statistics_with_intervals,
)
from scipy import stats


def ratio(dmag):
    return 10 ** (-0.4 * np.asarray(dmag))


def test_statistics_by_hand():
    numbers = photometry_statistics(ratio([0.1, -0.1, 1.0, np.nan]), np.full(4, 20.0))
    assert numbers["n"] == 3
    assert numbers["n_missing"] == 1
    assert numbers["n_nonpositive"] == 0
    assert numbers["mean_dmag"] == pytest.approx(1 / 3)
    assert numbers["sigma_mag"] == pytest.approx(statistics.pstdev([0.1, -0.1, 1.0]))
    assert numbers["outliers_percent"] == pytest.approx(100 / 3)
    assert numbers["mape_mag_percent"] == pytest.approx(100 * 1.2 / 20 / 3)
    ratios = [10 ** (-0.4 * d) for d in (0.1, -0.1, 1.0)]
    expected = 100 * statistics.fmean(abs(r - 1) for r in ratios)
    assert numbers["mape_flux_percent"] == pytest.approx(expected)


def test_fluxes_without_a_magnitude_count_as_errors():
    numbers = photometry_statistics(np.array([1.0, 1.0, -2.0, 0.0]), np.full(4, 20.0))
    assert (numbers["n"], numbers["n_missing"], numbers["n_nonpositive"]) == (4, 0, 2)
    assert numbers["outliers_percent"] == 50
    assert numbers["mape_flux_percent"] == 100  # (0 + 0 + 3 + 1) / 4
    assert numbers["sigma_mag"] == 0
    alone = photometry_statistics(np.array([-1.0]), np.array([20.0]))
    assert (alone["outliers_percent"], alone["mape_flux_percent"]) == (100, 200)
    assert math.isnan(alone["sigma_mag"])


def test_no_measurement_is_no_number():
    numbers = photometry_statistics(np.array([np.nan]), np.array([20.0]))
    assert (numbers["n"], numbers["n_missing"]) == (0, 1)
    for name in ("sigma_mag", "nmad_mag", "half_68_mag", "tails_percent"):
        assert math.isnan(numbers[name])


def test_robust_statistics_against_scipy():
    rng = np.random.default_rng(5)
    dmag = np.append(rng.normal(0.3, 0.1, 190), rng.normal(2.0, 0.5, 10))
    numbers = photometry_statistics(ratio(dmag), np.full(200, 20.0))
    nmad = stats.median_abs_deviation(dmag, scale="normal")
    assert numbers["nmad_mag"] == pytest.approx(nmad)
    assert numbers["half_68_mag"] == pytest.approx(stats.iqr(dmag, rng=(16, 84)) / 2)
    beyond = sum(abs(d - statistics.median(dmag)) > 3 * nmad for d in dmag)
    assert numbers["tails_percent"] == pytest.approx(100 * beyond / 200)
    # The core is 0.1 mag wide, which the standard deviation does not tell.
    assert numbers["nmad_mag"] == pytest.approx(0.1, rel=0.2)
    assert numbers["half_68_mag"] == pytest.approx(0.1, rel=0.25)
    assert numbers["sigma_mag"] > 0.3
    assert 4.5 <= numbers["tails_percent"] <= 7


def test_fluxes_without_a_magnitude_are_in_the_tails():
    ratios = np.append(ratio(np.linspace(-0.1, 0.1, 9)), -1.0)
    numbers = photometry_statistics(ratios, np.full(10, 20.0))
    assert numbers["tails_percent"] == pytest.approx(10)
    assert numbers["nmad_mag"] == pytest.approx(1.4826 * 0.05, rel=1e-4)
    alone = photometry_statistics(np.array([-1.0]), np.array([20.0]))
    assert alone["tails_percent"] == 100
    assert math.isnan(alone["nmad_mag"])


def test_robust_statistics_have_intervals_and_come_last():
    rng = np.random.default_rng(8)
    arguments = (ratio(rng.normal(0, 0.2, 300)), np.full(300, 20.0), np.arange(300))
    numbers = statistics_with_intervals(*arguments, n_resamples=200, seed=3)
    robust = ["nmad_mag", "half_68_mag", "tails_percent"]
    intervals = [f"{name}_{end}" for name in robust for end in ("low", "high")]
    assert list(numbers)[-9:] == robust + intervals
    for name in robust:
        assert numbers[f"{name}_low"] <= numbers[name] <= numbers[f"{name}_high"]
    # The NMAD's standard error is 1.17 sigma / sqrt(n) for normal errors.
    width = (numbers["nmad_mag_high"] - numbers["nmad_mag_low"]) / 2
    assert width == pytest.approx(1.17 * 0.2 / np.sqrt(300), rel=0.4)
    without = statistics_with_intervals(*arguments, n_resamples=0, seed=3)
    assert list(without)[-3:] == robust


def test_bootstrap_allows_for_shared_galaxies():
    # 20 galaxies, each measured 50 times with the same error: the mean is known to 1/sqrt(20) of
    # the scatter, not to 1/sqrt(1000).
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(0, 1, 20), 50)
    true = np.full(1000, 20.0)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        ratio(error),
        true,
        np.repeat(np.arange(20), 50),
        n_resamples=400,
        seed=1,
    )
    half_width = (interval.loc["mean_dmag", "high"] - interval.loc["mean_dmag", "low"]) / 2
    assert half_width == pytest.approx(np.std(error) / np.sqrt(20), rel=0.2)


def test_photometry_table_selects_and_scales():
    predictions = pd.DataFrame(
        {
            "blend": [0, 0, 1, 1],
            "galaxy": ["central", "companion"] * 2,
            "method": "m",
            "flux": [100.0, 50.0, 100.0, np.nan],
            "zero_point": 25.0,
            "flags": 0,
        }
    )
    truth = pd.DataFrame({"mag_central": [20.0, 20.0], "mag_companion": [20.8, 20.0]})
    truth.index.name = "blend"
    truth[["id_central", "id_companion"]] = [["a", "c"], ["b", "d"]]
    detection = pd.Series([2, 0])
    table = photometry_table(predictions, truth, detection, n_resamples=0, seed=0)
    table = table.set_index(["galaxy", "selection"])
    assert table.loc[("central", "all"), "n"] == 2
    assert table.loc[("central", "found"), "mean_dmag"] == pytest.approx(0.0)
    assert table.loc[("companion", "all"), "n_missing"] == 1
    assert table.loc[("companion", "found"), "n"] == 1
    # 50 counts/s at 25: 20.753; the true magnitude is 20.8.
    assert table.loc[("companion", "both"), "mean_dmag"] == pytest.approx(-0.0474, abs=1e-3)
