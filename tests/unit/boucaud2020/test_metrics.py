"""Statistics against independent calculations."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.metrics import bootstrap_by_galaxy, photometry_statistics, photometry_table


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
    assert math.isnan(numbers["sigma_mag"])


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
