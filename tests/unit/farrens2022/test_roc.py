"""ROC, purity and calibration, against scikit-learn, analytic Gaussians and known probabilities."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.roc import (
    AS_SEP,
    SURVEY_SEP,
    by_head,
    calibration,
    detection_quality,
    label_shares,
    mean_curves,
    operating_points,
    purity,
    purity_error,
    roc,
)
from deblend.farrens2022.subsets import subsets
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from tests.unit.farrens2022.conftest import stamps

SHARES = {"sparse": 0.2, "even": 0.5}


def made_up(n, rng, decimals=None, shift=2.0):
    """Stamps with weights, and scores that are Gaussian: blends' means are higher by `shift`."""
    table = stamps(n, rng)
    weight = np.where(table["distance_px"] < 10, 0.4, 1.0)
    score = rng.normal(shift * table["is_blend"], 1)
    if decimals is not None:
        score = np.round(score, decimals)
    return table.assign(weight=weight), score


@pytest.mark.parametrize("decimals", [None, 0])
def test_the_curve_is_that_of_scikit_learn_also_with_ties_and_weights(decimals):
    table, score = made_up(2000, np.random.default_rng(1), decimals)
    parts = subsets(table, n_resamples=3)
    found = roc(score, parts["blends"], parts["isolated"])
    false, true, thresholds = roc_curve(
        table["is_blend"], score, sample_weight=table["weight"], drop_intermediate=False
    )
    np.testing.assert_allclose(found.false_positives[0], false, atol=1e-12)
    np.testing.assert_allclose(found.completeness[0], true, atol=1e-12)
    np.testing.assert_array_equal(found.thresholds, thresholds[1:])
    area = roc_auc_score(table["is_blend"], score, sample_weight=table["weight"])
    assert found.area()[0] == pytest.approx(area)
    # A resample is the same with other weights.
    draws = np.zeros(len(table))
    for name in ("blends", "isolated"):
        draws[parts[name].rows] = [*parts[name].each_weights()][1]
    resampled = roc_auc_score(table["is_blend"], score, sample_weight=draws)
    assert found.area()[1] == pytest.approx(resampled, abs=1e-6)


def test_completeness_of_gaussians_is_the_analytic_one_within_its_error():
    rng = np.random.default_rng(2)
    table, score = made_up(20000, rng)
    sep = (rng.uniform(size=len(table)) < np.where(table["is_blend"], 0.6, 0.02)).astype(int)
    parts = subsets(table, n_resamples=100)
    points, curves = operating_points(score, sep, parts, SHARES)
    every = points[points["blends"] == "all"].set_index(["method", "point"])
    isolated = table["is_blend"].to_numpy() == 0
    for rate in (0.01, 0.05):
        row = every.loc[("BlendHunter", f"{100 * rate:g} % false positives on these stamps")]
        # Rate, completeness and threshold belong together, on these stamps.
        taken = score >= row["threshold"]
        assert row["false_positives"] == pytest.approx(taken[isolated].mean())
        assert rate - 1 / isolated.sum() < row["false_positives"] <= rate
        weight = table["weight"].to_numpy()[~isolated]
        assert row["completeness"] == pytest.approx(weight @ taken[~isolated] / weight.sum())
        expected = norm.sf(norm.isf(rate), 2)
        assert row["completeness"] == pytest.approx(expected, abs=4 * row["completeness_error"])
        assert 0.003 < row["completeness_error"] < 0.03
        assert row["threshold"] == pytest.approx(norm.isf(rate), abs=0.1)
        bayes = 0.2 * expected / (0.2 * expected + 0.8 * rate)
        assert row["purity_sparse"] == pytest.approx(bayes, abs=4 * row["purity_sparse_error"])
        assert row["area"] == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=4 * row["area_error"])
    # SEP is a point, and the head at as many false positives is compared with it.
    labels = points[points["point"] == "label"].set_index(["blends", "method"])
    sep_row = labels.loc[("all", SURVEY_SEP)]
    assert sep_row["completeness"] == pytest.approx(0.6, abs=0.02)
    assert sep_row["false_positives"] == pytest.approx(0.02, abs=0.006)
    same = points[(points["point"] == AS_SEP) & (points["blends"] == "all")].iloc[0]
    assert same["false_positives"] == sep_row["false_positives"]
    gain = norm.sf(norm.isf(same["false_positives"]), 2) - 0.6
    assert same["gain"] == pytest.approx(gain, abs=4 * same["gain_error"])
    curve = curves[curves["blends"] == "distant"]
    expected = norm.sf(norm.isf(curve["false_positives"].clip(upper=1 - 1e-9)), 2)
    assert (curve["completeness"] - expected).abs().max() < 0.05


def test_failed_labels_are_wrong():
    table = pd.DataFrame({"is_blend": [1, 1, 0, 0], "distance_px": [20, 20, None, None]})
    parts = subsets(table.assign(weight=1.0), n_resamples=2)
    shares = label_shares(np.array([1, -1, 0, -1]), parts["blends"], parts["isolated"])
    assert shares[:, 0].tolist() == [0.5, 0.5]


def test_purity_is_the_share_of_blends_when_labels_mean_nothing():
    found = purity(np.array([0.3, 1.0, 0.5, 0.0]), np.array([0.3, 1.0, 0.0, 0.0]), 0.3)
    np.testing.assert_allclose(found, [0.3, 0.3, 1.0, np.nan])


def test_the_error_of_the_purity_is_that_of_the_false_positives():
    rng = np.random.default_rng(10)
    drawn = purity(0.7, rng.normal(0.05, 0.004, 20000), 0.2)
    assert purity_error(0.7, 0.05, 0.004, 0.2) == pytest.approx(drawn.std(), rel=0.03)


def test_false_positives_below_one_isolated_stamp_are_not_known():
    table, score = made_up(160, np.random.default_rng(11))
    parts = subsets(table, n_resamples=5)
    points, curves = operating_points(score, np.zeros(160, int), parts, SHARES)
    chosen = points[(points["method"] == "BlendHunter") & (points["blends"] == "all")]
    found = chosen.set_index("point")[["threshold", "false_positives", "completeness"]]
    # One of 80 is more than 1 %.
    assert found.loc["1 % false positives on these stamps"].isna().all()
    assert found.loc["5 % false positives on these stamps"].notna().all()
    known = curves["completeness"].notna()
    assert curves.loc[known, "false_positives"].min() > 1 / 80
    assert curves.loc[~known, "false_positives"].max() < 1 / 80
    assert curves.loc[known, "false_positives_error"].notna().all()


def test_known_probabilities_are_calibrated_and_exaggerated_ones_not():
    rng = np.random.default_rng(3)
    p = rng.uniform(size=20000)
    table = pd.DataFrame({"is_blend": rng.uniform(size=len(p)) < p}).astype(int)
    table = table.assign(distance_px=20.0, weight=1.0)
    part = subsets(table, n_resamples=50)["all"]
    blend = table["is_blend"].to_numpy()
    *bins, total = calibration(p, blend, part).to_dict("records")
    assert len(bins) == 10 and sum(row["n"] for row in bins) == total["n"] == len(p)
    for row in bins:
        middle = (row["probability_low"] + row["probability_high"]) / 2
        assert row["mean_probability"] == pytest.approx(middle, abs=0.005)
        assert row["blend_share"] == pytest.approx(middle, abs=4 * row["error"])
    # The mean of p (1 - p), for p uniform in [0, 1].
    assert total["brier"] == pytest.approx(1 / 6, abs=4 * total["brier_error"])
    assert total["brier"] == pytest.approx(brier_score_loss(blend, p))
    assert total["calibration_error"] < 0.015
    # Probabilities of 0 and 1 are off by p or 1 - p, a quarter in the mean.
    *bins, sure = calibration(np.round(p), blend, part).to_dict("records")
    assert [row["mean_probability"] for row in bins] == [0, 1]
    assert sure["calibration_error"] == pytest.approx(0.25, abs=0.02)
    assert sure["brier"] == pytest.approx(0.25, abs=0.02)


def test_each_head_has_its_stamps_noise_or_all_have_the_same():
    sets = [(5.0, 0), (15.0, 0)]
    own = [pd.DataFrame({"probability": [0.1, k]}) for k in (0.2, 0.3)]
    assert by_head(own, sets, "probability")[15.0, 0].tolist() == [0.1, 0.3]
    columns = pd.DataFrame({"sigma5_0": [0.4, 0.5], "sigma15_0": [0.6, 0.7]})
    assert by_head([columns], sets, "probability")[15.0, 0].tolist() == [0.6, 0.7]
    assert by_head(own[:1], sets[:1], "probability")[5.0, 0].tolist() == [0.1, 0.2]
    shared = pd.DataFrame({"no_oracle": [1, 0]})
    assert by_head([shared], sets, "no_oracle")[15.0, 0].tolist() == [1, 0]
    with pytest.raises(ValueError):
        by_head(own, [*sets, (35.0, 0)], "probability")


def test_tables_of_heads_and_means_over_realisations():
    rng = np.random.default_rng(4)
    table, _ = made_up(1600, rng)
    sets = [(5.0, 0), (5.0, 1), (35.0, 0)]
    p = {each: norm.cdf(rng.normal(table["is_blend"] * 2 - 1, 1 + each[0] / 35)) for each in sets}
    sep = dict.fromkeys(sets, table["is_blend"].to_numpy())
    points, curves, calibrations = detection_quality(table, p, sep, SHARES, n_resamples=20)
    assert set(map(tuple, points[["noise_sigma", "realisation"]].to_numpy())) == set(sets)
    # A perfect SEP has no false positives, and nothing that is found is wrong.
    assert (points.loc[points["method"] == SURVEY_SEP, "purity_sparse"] == 1).all()
    # No threshold has no false positives for sure.
    assert points.loc[points["point"] == AS_SEP, ["threshold", "gain"]].isna().all(axis=None)
    means = mean_curves(curves, calibrations)
    chosen = means[(means["curve"] == "roc") & (means["blends"] == "close")]
    # Of 800 isolated stamps one is 0.00125.
    assert chosen.loc[chosen["x"] > 0.00125, "y"].notna().all()
    assert len(chosen) == 2 * 61 and chosen["x"].max() == 1
    at_two_percent = curves[(curves["blends"] == "close") & curves["noise_sigma"].eq(5)]
    both = at_two_percent.pivot(columns="realisation", index="false_positives")["completeness"]
    drawn = chosen[chosen["noise_sigma"] == 5].set_index("x")
    np.testing.assert_allclose(drawn["y"], both.mean(axis=1))
    np.testing.assert_allclose(drawn["std"], both.std(axis=1, ddof=0), atol=1e-12)
    reliability = means[means["curve"] == "reliability"]
    assert reliability["x"].between(0, 1).all() and len(reliability) <= 20


def test_a_sample_without_close_blends_has_no_rows_of_them():
    table, score = made_up(64, np.random.default_rng(5))
    kept = table[~(table["distance_px"] < 10)].reset_index(drop=True)
    parts = subsets(kept, n_resamples=5)
    points, _ = operating_points(score[: len(kept)], np.zeros(len(kept), int), parts, SHARES)
    assert set(points["blends"]) == {"all", "distant"}
