import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.score import (
    SCORES,
    bin_edges,
    bootstrap_units,
    errors_of,
    nmad_of_all,
    nmad_of_both,
    paired_in_bins,
    paired_scores,
    score,
    score_all,
    scores_in_bins,
    statistics,
    with_truth,
)
from deblend.boucaud2020.metrics import photometry_statistics

N = 400


def truth_table(n=N, seed=0):
    """Blends of two galaxies each."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            **{"scene": np.repeat(np.arange(n // 2), 2), "galaxy": np.tile([0, 1], n // 2)},
            **{"id": [f"g{i}" for i in range(n)], "x_px": 0.0, "y_px": 0.0, "n_further": 0},
            **{"flux": rng.uniform(10, 100, n), "half_light_radius_px": 5.0},
            **{"delta_mag": rng.uniform(-2, 2, n), "separation_over_size": rng.uniform(0, 4, n)},
        }
    ).assign(mag=lambda t: 25 - 2.5 * np.log10(t["flux"]), snr=lambda t: t["flux"] * 10)


def measured(truth, scatter_mag, bias=0.0, seed=1, error=0.1):
    """Normal errors of magnitudes, and as large a relative error of the flux."""
    draws = np.random.default_rng(seed).normal(bias, scatter_mag, len(truth))
    flux = truth["flux"] * 10 ** (-0.4 * draws)
    table = pd.DataFrame(
        {
            **{"set": "a", "scene": truth["scene"], "galaxy": truth["galaxy"], "found": True},
            **{"flux": flux, "flux_error": error * truth["flux"], "iou": 0.5, "psnr_db": 30.0},
            **{"n_false": 0.0, "pit": np.nan, "uncertain": np.nan},
        }
    )
    return with_intervals(table)


def with_intervals(table):
    """Intervals by the error of each flux."""
    columns = {}
    for name, sigmas in (("68", 1.0), ("95", 1.96)):
        columns[f"low_{name}"] = table["flux"] - sigmas * table["flux_error"]
        columns[f"high_{name}"] = table["flux"] + sigmas * table["flux_error"]
    return table.assign(**columns)


def scenes_table(n_found=2, n_false=0, n=N // 2):
    return pd.DataFrame(
        {
            **{"set": "a", "scene": np.arange(n), "n_found": n_found, "n_false": n_false},
            **{"p_blend": np.nan, "is_blend": 1.0},
        }
    )


def joined(scatter=0.1, **options):
    truth = truth_table()
    return with_truth(measured(truth, scatter, **options), {"a": truth})


def test_statistics_are_those_of_normal_errors():
    ratio = 10 ** (-0.4 * np.random.default_rng(0).normal(0.3, 0.2, 20000))
    found = statistics(ratio)
    np.testing.assert_allclose(found["bias_mag"], 0.3, atol=0.01)
    np.testing.assert_allclose(found["nmad_mag"], 0.2, atol=0.01)
    np.testing.assert_allclose([found["p16_mag"], found["p84_mag"]], [0.1, 0.5], atol=0.01)
    # Beyond 0.75 mag, 2.25 sigma above and 5.25 below the mean.
    np.testing.assert_allclose(found["outliers_percent"], 1.22, atol=0.3)
    # As those of the paper's statistics, which are computed elsewhere.
    known = photometry_statistics(ratio, np.full(20000, 22.0))
    for name in ("nmad_mag", "outliers_percent"):
        np.testing.assert_allclose(found[name], known[name])


def test_what_has_no_positive_flux_is_an_outlier_and_what_is_missing_is_not():
    ratio = np.array([1.0] * 8 + [-1.0, np.nan])
    found = statistics(ratio)
    np.testing.assert_allclose(found["outliers_percent"], 100 / 9)
    # Of all galaxies it is wrong too.
    np.testing.assert_allclose(found["outliers_all_percent"], 20)
    assert np.isnan(statistics(ratio[:3])["nmad_mag"])


def test_what_is_missing_is_wrong_where_all_count():
    errors = np.linspace(-0.4, 0.4, 81)
    ratio = 10 ** (-0.4 * errors)
    whole = statistics(ratio)
    np.testing.assert_allclose(whole["nmad_all_mag"], whole["nmad_mag"], rtol=0.05)
    # Another fifth that is not found: the distance of the 62.5th percentile, 0.25 mag.
    missing = np.concatenate([ratio, np.full(20, np.nan)])
    found = statistics(missing)
    np.testing.assert_allclose(found["nmad_all_mag"], 1.4826 * 0.25, rtol=0.05)
    np.testing.assert_allclose(found["nmad_mag"], whole["nmad_mag"])
    half = np.concatenate([ratio, np.full(90, np.nan)])
    assert statistics(half)["nmad_all_mag"] == np.inf
    assert statistics(np.full(10, np.nan))["outliers_all_percent"] == 100


def test_the_interval_is_open_where_half_could_be_missing():
    """The number of missing galaxies is binomial: with 49 % of them, half of the resamples have
    more than half, and the upper end of the interval is infinite."""
    table = joined(0.2)
    for share, bounded in ((0.3, True), (0.49, False)):
        part = table.assign(flux=table["flux"].where(table["scene"] >= share * N / 2))
        row = score(part, scenes_table(), n_resamples=200, seed=0)
        assert row["nmad_all_mag_low"] < row["nmad_all_mag"] < row["nmad_all_mag_high"]
        assert np.isfinite(row["nmad_all_mag_high"]) == bounded
        np.testing.assert_allclose(row["outliers_all_percent"], 100 * share, atol=0.5)
        # Half the width is a binomial standard deviation of blends.
        width = row["outliers_all_percent_high"] - row["outliers_all_percent_low"]
        expected = 100 * np.sqrt(share * (1 - share) / (N / 2))
        np.testing.assert_allclose(width / 2, expected, rtol=0.25)


def test_nmad_of_all_is_that_of_very_wrong_galaxies():
    errors = np.random.default_rng(0).normal(0, 1, 301)
    wrong = np.concatenate([np.abs(errors - np.median(errors)), np.full(100, 1e9)])
    np.testing.assert_allclose(nmad_of_all(errors, 401), 1.4826 * np.median(wrong), rtol=1e-5)


def test_scores_of_a_method():
    row = score(joined(error=0.1), scenes_table(), n_resamples=40, seed=0)
    assert (row["n_blends"], row["n_galaxies"], row["n_measured"]) == (200, 400, 400)
    assert row["nmad_mag_low"] < row["nmad_mag"] < row["nmad_mag_high"]
    # An error of 0.1 mag is one of 9.2 % of the flux.
    np.testing.assert_allclose(row["coverage_68"], 0.72, atol=0.06)
    np.testing.assert_allclose(row["coverage_95"], 0.966, atol=0.03)
    assert (row["completeness"], row["purity"], row["called_blend"]) == (1, 1, 1)
    assert (row["iou"], row["psnr_db"]) == (0.5, 30)
    low = score(joined(error=0.01), scenes_table(1, 1), n_resamples=0, seed=0)
    assert low["coverage_68"] < 0.2
    assert (low["completeness"], low["purity"]) == (0.5, 0.5)


def test_an_error_of_zero_covers_nothing():
    table = joined(error=0.1)
    half = with_intervals(
        table.assign(flux_error=table["flux_error"].where(table["galaxy"] == 0, 0.0))
    )
    whole, found = (
        score(t, scenes_table(), n_resamples=0, seed=0)["coverage_68"] for t in (table, half)
    )
    np.testing.assert_allclose(found, whole / 2, atol=0.03)


def test_what_a_method_lacks_is_nan():
    table = with_intervals(joined().assign(flux_error=np.nan, iou=np.nan))
    counts = scenes_table(np.nan, np.nan)
    row = score(table, counts.assign(is_blend=np.nan), n_resamples=0, seed=0)
    for name in ("coverage_68", "iou", "completeness", "purity", "called_blend"):
        assert np.isnan(row[name]), name


def test_bins_hold_what_is_between_their_edges():
    assert bin_edges(np.array([0.0, 1.5]), [0, 1, 2, 3]) == [(0, 1), (1, 2)]
    # Bins at the ends are open.
    assert bin_edges(np.array([-5.0, 3.0]), [0, 1, 3]) == [(-np.inf, 0), (3, np.inf)]
    table = joined()
    wide = with_intervals(
        table.assign(flux=table["flux"].where(table["delta_mag"] < 0, table["true_flux"]))
    )
    bins = scores_in_bins(wide, {"delta_mag": [-2, 0, 2]}, given=True, n_resamples=10, seed=0)
    assert bins["n"].sum() == N
    assert bins["nmad_mag"].tolist()[1] == 0
    assert 0.07 < bins["nmad_mag"][0] < 0.13
    assert bins[["completeness", "purity"]].isna().all().all()
    assert bins["iou"].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(bins["coverage_68"], [0.72, 1.0], atol=0.08)


def test_bins_have_the_false_sources_of_their_galaxies():
    table = joined().assign(n_false=lambda t: (t["delta_mag"] > 0).astype(float))
    bins = scores_in_bins(table, {"delta_mag": [0]}, given=False, n_resamples=0, seed=0)
    assert bins["purity"].tolist() == [1, 0.5]
    assert bins["completeness"].tolist() == [1, 1]


def test_the_better_one_of_two_methods_is_told_from_the_other():
    truth = truth_table()
    good, bad = (
        with_truth(measured(truth, s, seed=k), {"a": truth}) for k, s in ((1, 0.1), (2, 0.2))
    )
    found = paired_scores(good, bad, n_resamples=100, seed=0)
    assert found["n"] == N
    np.testing.assert_allclose(found["ratio"], 0.5, atol=0.1)
    assert 0.35 < found["ratio_low"] < found["ratio"] < found["ratio_high"] < 0.65
    same = paired_scores(good, good, n_resamples=20, seed=0)
    for name in ("ratio", "ratio_all"):
        assert [same[f"{name}{end}"] for end in ("", "_low", "_high")] == [1, 1, 1]
    np.testing.assert_allclose(found["ratio_all"], found["ratio"], rtol=0.02)
    # Only galaxies that both have measured count.
    part = bad.assign(flux=bad["flux"].where(bad["scene"] < 50))
    few = paired_scores(good, part, n_resamples=0, seed=0)
    assert (few["n"], few["n_both"]) == (N, 100)
    assert few["ratio_all"] == 0


def test_who_leaves_out_what_is_difficult_is_not_better():
    truth = truth_table()
    # Half of the galaxies have errors of 0.6 mag; the second method leaves most of these out.
    draws = np.random.default_rng(3).normal(0, np.where(truth["galaxy"] == 0, 0.05, 0.6))
    flux = truth["flux"] * 10 ** (-0.4 * draws)
    whole = with_truth(measured(truth, 0.1).assign(flux=flux), {"a": truth})
    hard = (truth["galaxy"] == 1) & (truth["scene"] % 5 > 0)
    part = whole.assign(flux=flux.where(~hard), found=(~hard).astype(float))
    found = paired_scores(whole, part, n_resamples=100, seed=0)
    np.testing.assert_allclose(found["ratio"], 1)
    assert found["ratio_all"] < found["ratio_all_high"] < 1
    np.testing.assert_allclose(found["completeness_difference"], 0.4)
    assert found["outliers_difference_percent"] < found["outliers_difference_percent_high"] < 0
    back = paired_scores(part, whole, n_resamples=100, seed=0)
    np.testing.assert_allclose(back["ratio_all"], 1 / found["ratio_all"])
    np.testing.assert_allclose(back["ratio_all_high"], 1 / found["ratio_all_low"], rtol=1e-6)


def test_methods_are_compared_in_bins():
    truth = truth_table()
    one, two = (with_truth(measured(truth, 0.1, seed=k), {"a": truth}) for k in (1, 2))
    # Exact where the first galaxy of a blend is the fainter one.
    two = two.assign(flux=two["flux"].where(two["delta_mag"] < 0, two["true_flux"]))
    found = paired_in_bins({"one": one, "two": two}, {"delta_mag": [0]}, n_resamples=0, seed=0)
    assert found["n"].sum() == N
    assert found["low"].tolist() == [-np.inf, 0]
    np.testing.assert_allclose(found["ratio_all"][0], 1, atol=0.3)
    assert found["ratio_all"][1] == np.inf


def test_nmad_is_a_standard_deviation():
    draws = np.random.default_rng(0).normal(0, 1, (2, 50000)) * np.array([[1.0], [2.0]])
    found = nmad_of_both(*draws)
    np.testing.assert_allclose(list(found.values()), [1, 2, 0.5], atol=0.03)


def test_blends_are_resampled_as_a_whole_and_galaxies_where_they_repeat():
    truth = truth_table(8)
    table = with_truth(measured(truth, 0.1), {"a": truth})
    assert bootstrap_units(table).tolist() == truth["scene"].tolist()
    truth["id"] = ["a", "b", "a", "c", "b", "c", "d", "e"]
    table = with_truth(measured(truth, 0.1), {"a": truth})
    assert bootstrap_units(table).tolist()[:3] == [["a", "b"], ["b", "a"], ["a", "c"]]
    # A bin that has one galaxy of a blend still knows the other one.
    assert bootstrap_units(table[table["galaxy"] == 1]).tolist() == [
        *(["b", "a"], ["c", "a"], ["c", "b"], ["e", "d"])
    ]


def test_errors_are_measured_minus_true():
    table = pd.DataFrame({"flux": [10.0, -1.0, np.nan], "true_flux": [100.0, 1.0, 1.0]})
    np.testing.assert_allclose(errors_of(table), [2.5, np.nan, np.nan])


def notes(positions, trained_on="", **values):
    told = {"positions": {"a": positions}, "trained_on": trained_on}
    return {"seconds": {}, "left_out": {}, **told, **values}


@pytest.fixture
def tables():
    truth = truth_table()
    other = measured(truth, 0.2, seed=2)
    return score_all(
        {"good": measured(truth, 0.1), "bad": other, "absent": other.iloc[:0]},
        {"good": scenes_table(), "bad": scenes_table(), "absent": scenes_table(n=0)},
        {
            "good": notes("centre", "galaxies", seconds={"a": 0.5}),
            "bad": notes("detected", seconds={"a": 0.1}),
            "absent": {**notes("true"), "left_out": {"a": "not installed"}},
        },
        {"a": truth},
        bins={"snr": [0, 500, 1000], "delta_mag": [-2, 2]},
        n_resamples=20,
        seed=0,
    )


def test_all_methods_stand_in_the_tables(tables):
    table = tables["table"]
    assert list(table.columns) == list(SCORES)
    assert table["method"].tolist() == ["good", "bad", "absent"]
    assert table["seconds_per_blend"].tolist()[:2] == [0.5, 0.1]
    assert table["positions"].tolist()[:2] == ["centre", "detected"]
    assert table["trained_on"].tolist()[:2] == ["galaxies", ""]
    absent = table.iloc[2]
    assert (absent["n_blends"], absent["note"]) == (0, "not installed")
    assert np.isnan(absent["nmad_mag"])
    assert tables["paired"][["first", "second"]].to_numpy().tolist() == [["good", "bad"]]
    assert set(tables["paired_bins"]["quantity"]) == {"snr", "delta_mag"}
    assert len(tables["paired_bins"]) == len(tables["bins"]) / 2
    assert set(tables["bins"]["method"]) == {"good", "bad"}
    assert len(tables["bins"]) == 6
