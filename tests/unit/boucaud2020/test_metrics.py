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
        (ratio(error), true),
        np.repeat(np.arange(20), 50),
        n_resamples=400,
        seed=1,
    )
    half_width = (interval.loc["mean_dmag", "high"] - interval.loc["mean_dmag", "low"]) / 2
    assert half_width == pytest.approx(np.std(error) / np.sqrt(20), rel=0.2)


def mean(values):
    return {"mean": values.mean()}


def half_width(interval):
    return (interval.loc["mean", "high"] - interval.loc["mean", "low"]) / 2


def test_only_both_galaxies_of_a_blend_give_the_stated_confidence():
    # Errors depend on the galaxy itself and, more, on its partner: 100 galaxies in 600 blends. The
    # mean of many samples is 0; a 68 % interval has to hold it in 68 % of them.
    rng = np.random.default_rng(4)
    n_samples, n_galaxies, n = 150, 100, 600
    holds = {"one": 0, "both": 0}
    for seed in range(n_samples):
        own_effect, partner_effect = rng.normal(0, [[0.5], [1.0]], (2, n_galaxies))
        ids = np.column_stack([rng.permutation(np.arange(n) % n_galaxies) for _ in range(2)])
        error = own_effect[ids[:, 0]] + partner_effect[ids[:, 1]] + rng.normal(0, 0.5, n)
        for name, galaxy_ids in (("one", ids[:, 0]), ("both", ids)):
            interval = bootstrap_by_galaxy(mean, [error], galaxy_ids, n_resamples=100, seed=seed)
            holds[name] += interval.loc["mean", "low"] <= 0 <= interval.loc["mean", "high"]
    # Binomial errors of the shares are 0.04; few resamples and few galaxies cost 0.03.
    assert holds["one"] / n_samples < 0.55
    assert 0.58 < holds["both"] / n_samples < 0.78


def test_a_galaxy_counts_in_both_roles_at_once():
    # Each galaxy adds its effect x as central and as companion. The mean is twice that of x, and
    # its error 2 / sqrt(30): were the roles drawn apart, it would be sqrt(2) times smaller.
    rng = np.random.default_rng(6)
    effect = stats.norm.ppf((np.arange(30) + 0.5) / 30)
    ids = np.column_stack([rng.permutation(np.arange(900) % 30) for _ in range(2)])
    error = effect[ids].sum(axis=1)
    interval = bootstrap_by_galaxy(mean, [error], ids, n_resamples=1000, seed=2)
    assert half_width(interval) == pytest.approx(2 * np.std(effect) / np.sqrt(30), rel=0.1)


def test_galaxies_that_occur_once_give_the_plain_bootstrap():
    values = np.random.default_rng(7).normal(0, 1, 200)
    plain = stats.bootstrap(
        [values],
        np.median,
        confidence_level=0.68,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = bootstrap_by_galaxy(
        lambda x: [np.median(x)], [values], np.arange(200), n_resamples=2000, seed=3
    )
    assert ours.loc[0, ["low", "high"]].to_numpy() == pytest.approx(list(plain), abs=0.03)


@pytest.mark.parametrize("scales", [(0, 0, 1), (0.5, 1, 0.5), (0.4, 0.4, 1)])
def test_half_an_interval_is_the_true_error(scales):
    """Errors are of the blend alone, or of the galaxies too: of one as central and as companion."""
    rng = np.random.default_rng(12)
    n, n_galaxies, n_samples = 600, 150, 600
    half, truth = [], []
    for seed in range(n_samples):
        central = rng.integers(0, n_galaxies, n)
        ids = np.column_stack([central, (central + rng.integers(1, n_galaxies, n)) % n_galaxies])
        own, partner = rng.normal(size=(2, n_galaxies)) * np.array(scales[:2])[:, None]
        error = own[ids[:, 0]] + partner[ids[:, 1]] + rng.normal(0, scales[2], n)
        truth.append([error.mean(), error.std()])
        if seed < 15:
            interval = bootstrap_by_galaxy(
                lambda x: [x.mean(), x.std()], [error], ids, n_resamples=400, seed=seed
            )
            half.append((interval["high"] - interval["low"]).to_numpy() / 2)
    np.testing.assert_allclose(np.mean(half, axis=0) / np.std(truth, axis=0), 1, atol=0.15)


def test_blends_that_share_no_galaxy_give_the_plain_bootstrap():
    values = np.random.default_rng(9).normal(0, 1, 400)
    ids = np.arange(800).reshape(400, 2)
    one, both = (
        half_width(bootstrap_by_galaxy(mean, [values], which, n_resamples=1500, seed=4))
        for which in (ids[:, 0], ids)
    )
    assert one == pytest.approx(1 / np.sqrt(400), rel=0.1)
    assert both / one == pytest.approx(1, rel=0.1)


def test_both_galaxies_of_a_blend_in_one_sample_are_one_blend():
    # Each blend is there twice, from either side, with the same error.
    values = np.random.default_rng(9).normal(0, 1, 400)
    ids = np.arange(800).reshape(400, 2)
    interval = bootstrap_by_galaxy(
        mean, [np.tile(values, 2)], np.concatenate([ids, ids[:, ::-1]]), n_resamples=1500, seed=4
    )
    assert half_width(interval) == pytest.approx(1 / np.sqrt(400), rel=0.1)


def test_intervals_of_skewed_statistics_stay_asymmetric():
    # The largest of many values can only be smaller in a resample.
    values = np.random.default_rng(9).normal(0, 1, 300)
    ids = np.arange(600).reshape(300, 2)
    interval = bootstrap_by_galaxy(
        lambda x: {"max": x.max()}, [values], ids, n_resamples=300, seed=4
    )
    assert interval.loc["max", "low"] < interval.loc["max", "high"] == values.max()


def test_bootstrap_of_several_arrays_keeps_rows_together():
    x = np.arange(50.0)
    interval = bootstrap_by_galaxy(
        lambda a, b: {"slope": np.polyfit(a, b[:, 1], 1)[0]},
        (x, np.column_stack([x, 3 * x])),
        np.arange(50),
        n_resamples=20,
        seed=0,
    )
    assert interval.loc["slope"].to_numpy() == pytest.approx([3, 3])


def test_no_measurement_and_a_single_blend_are_no_error():
    assert bootstrap_by_galaxy(mean, [np.empty(0)], np.empty(0), n_resamples=9, seed=0).empty
    interval = bootstrap_by_galaxy(
        mean, [np.array([2.0])], np.array([["a", "b"]]), n_resamples=50, seed=0
    )
    assert interval.loc["mean"].tolist() == [2.0, 2.0]


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


def test_photometry_table_resamples_both_galaxies():
    # The error is the partner's: 10 companions, 100 centrals that are measured once each.
    rng = np.random.default_rng(11)
    companion = np.arange(100) % 10
    error = stats.norm.ppf((np.arange(10) + 0.5) / 10)[companion] * 0.1
    blends = np.arange(100)
    predictions = pd.DataFrame(
        {
            "blend": np.repeat(blends, 2),
            "galaxy": ["central", "companion"] * 100,
            "method": "m",
            "flux": np.column_stack([100 * ratio(error), 100 * np.ones(100)]).ravel(),
            "zero_point": 25.0,
            "flags": 0,
        }
    )
    truth = pd.DataFrame({"mag_central": 20.0, "mag_companion": 20.0}, index=blends)
    truth.index.name = "blend"
    truth["id_central"] = [f"central_{i}" for i in rng.permutation(100)]
    truth["id_companion"] = [f"companion_{i}" for i in companion]
    table = photometry_table(
        predictions, truth, pd.Series(2, index=blends), n_resamples=400, seed=0
    )
    row = table[(table["galaxy"] == "central") & (table["selection"] == "all")].iloc[0]
    width = (row["mean_dmag_high"] - row["mean_dmag_low"]) / 2
    assert width == pytest.approx(np.std(error) / np.sqrt(10), rel=0.25)
