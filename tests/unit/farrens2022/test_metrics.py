"""Accuracies on made-up labels, compared with sums by hand."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.metrics import (
    accuracy_table,
    binned_accuracies,
    by_rules,
    largest_gain,
    method_accuracies,
    realistic_accuracies,
    summarise,
)
from deblend.farrens2022.subsets import distance_bins, subsets


def stamps_table():
    return pd.DataFrame(
        {
            "is_blend": [0, 0, 1, 1, 1, 1],
            "distance_px": [np.nan, np.nan, 3, 9.9, 10, 20],
            "weight": [1, 1, 0.25, 0.25, 1.5, 1.5],
        }
    )


def test_accuracies_are_weighted_and_failures_are_wrong():
    labels = np.array([0, 1, 1, 0, -1, 1])
    table = accuracy_table(stamps_table(), {"SEP": labels}).set_index("subset")
    assert table.loc["close", "accuracy"] == 0.5
    assert table.loc["distant", ["n", "n_failed", "n_dropped"]].tolist() == [2, 1, 0]
    assert table.loc["distant", "accuracy"] == 0.5
    assert table.loc["distant", ["failed_share", "failed_error"]].tolist() == pytest.approx(
        [0.5, 0.5]
    )
    # One failure of weight 1.5.
    assert table.loc["all", "failed_share"] == pytest.approx(1.5 / (2 + 0.5 + 3))
    # Isolated 1 of 2, close a quarter of a half, distant 1.5 of 3.
    assert table.loc["all", "accuracy"] == pytest.approx((1 + 0.25 + 1.5) / (2 + 0.5 + 3))
    bins = distance_bins(stamps_table(), np.array([0, 10, 30, 40]))
    binned = binned_accuracies(stamps_table(), {"SEP": labels}, bins)
    assert binned["n"].tolist() == [2, 2, 0]
    assert binned["accuracy"].tolist() == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)


def test_stamps_that_fail_by_the_text_are_left_out_for_both_methods():
    table = pd.DataFrame(
        {"is_blend": [1, 1, 0, 0], "distance_px": [5, 20, np.nan, np.nan], "weight": 1.0}
    )
    sep = pd.DataFrame({"authors": [0, 1, 0, -1], "section_4_1": [0, -1, 0, 0]})
    probability = np.array([0.9, 0.1, 0.2, 0.8])
    parts = subsets(table)
    found = method_accuracies(table, parts, probability, sep, "section_4_1")
    rows = found.set_index(["method", "subset"]).xs("all", level="subset")
    # BlendHunter is wrong on the stamp on which SEP fails, which does not count.
    assert rows.loc["BlendHunter", ["n", "n_dropped", "n_failed"]].tolist() == [3, 1, 0]
    assert rows.loc["BlendHunter", "accuracy"] == pytest.approx(2 / 3)
    assert rows.loc["SEP", ["n", "n_dropped", "n_failed"]].tolist() == [3, 1, 1]
    assert rows.loc["SEP", "failed_share"] == 0.25
    # By the authors' rules a failure is a wrong label, and all stamps count.
    assert rows.loc["SEP (authors)", ["n", "n_failed"]].tolist() == [4, 1]
    assert rows.loc["SEP (authors)", "accuracy"] == 0.5
    figures = method_accuracies(table, parts, probability, sep, "authors")
    assert set(by_rules(figures, "authors")["method"]) == {"SEP"}
    assert set(by_rules(figures, "section_4_1")["method"]) == {"SEP (section_4_1)"}
    hunter = figures.query("method == 'BlendHunter' and subset == 'all'").iloc[0]
    assert (hunter["n"], hunter["accuracy"], hunter["gain"]) == (4, 0.5, 0.0)


def test_gains_are_points_over_sep_with_as_many_isolated_stamps():
    table = stamps_table()
    predictions = pd.DataFrame({"sigma5_0": [0.1, 0.2, 0.9, 0.9, 0.9, 0.4]})
    sep = pd.DataFrame({"authors": [1, 0, 0, 1, 1, 1]})
    accuracies, confusion = realistic_accuracies(table, predictions, sep, [(5.0, 0)])
    hunter = accuracies[accuracies["method"] == "BlendHunter"].set_index("subset")
    # Two close blends with the two isolated stamps: 4 of 4 right, SEP 2 of 4.
    assert hunter.loc["close_with_isolated", ["n", "gain"]].tolist() == [4, 0.5]
    # No isolated stamp is left for the distant blends: 1 of 2, SEP 2 of 2.
    assert hunter.loc["distant_with_isolated", ["n", "gain"]].tolist() == [2, -0.5]
    cells = confusion.set_index(["method", "panel"])
    assert cells.loc[("BlendHunter", "close"), "true_positive"] == 1
    assert cells.loc[("SEP", "close"), "true_positive"] == 0.5
    assert cells.loc[("SEP", "all"), "true_negative"] == 0.5
    assert cells.loc[("SEP", "close"), "positive_fraction"] == 0.25
    assert cells.loc[("BlendHunter", "close"), "negative_fraction"] == 0.5
    summary = summarise(accuracies, "gain").set_index(["method", "subset"])
    assert summary.loc[("BlendHunter", "close_with_isolated"), "mean"] == 0.5
    assert (summary["n_realisations"] <= 1).all()


def test_a_subset_without_stamps_has_no_accuracy():
    table = stamps_table().iloc[:2]
    found = accuracy_table(table, {"SEP": np.array([0, 0])}).set_index("subset")
    assert np.isnan(found.loc["close", ["accuracy", "error"]].astype(float)).all()
    assert found.loc["isolated", "accuracy"] == 1


def test_the_largest_gain_is_a_mean_over_realisations():
    def rows(low, n, *gains):
        return [(5.0, r, "BlendHunter", low, low + 2, n, g, 0.1) for r, g in enumerate(gains)]

    # 4 to 6 px has too few blends, 10 to 12 px is not close.
    found = [*rows(2.0, 15, 0.8, 0.2), *rows(4.0, 19, 1.0), *rows(10.0, 99, 1.0)]
    columns = ["noise_sigma", "realisation", "method", "distance_low_px", "distance_high_px"]
    table = pd.DataFrame(found, columns=[*columns, "n", "gain", "gain_error"])
    gain, error, sigma, low, n = largest_gain(table)
    assert (gain, error, sigma, low, n) == (pytest.approx(0.5), 0.1, 5.0, 2.0, 15)
    assert largest_gain(table.iloc[2:])[4] == 0


def test_gains_in_bins_of_distance_are_paired():
    rng = np.random.default_rng(9)
    n = 4000
    table = pd.DataFrame({"is_blend": [1] * n, "distance_px": rng.uniform(0, 20, n), "weight": 1.0})
    sep = rng.uniform(size=n) < 0.5
    hunter = sep | (rng.uniform(size=n) < 0.2)
    labels = {"BlendHunter": hunter.astype(int), "SEP": sep.astype(int)}
    bins = distance_bins(table, np.array([0, 10, 20]))
    found = binned_accuracies(table, labels, bins).set_index("method")
    assert found["n"].groupby("method").sum().to_dict() == {"BlendHunter": n, "SEP": n}
    for row in found.loc["BlendHunter"].to_dict("records"):
        # One in ten is found by BlendHunter alone.
        assert row["gain"] == pytest.approx(0.1, abs=4 * row["gain_error"])
        assert row["gain_error"] == pytest.approx(np.sqrt(0.1 * 0.9 / row["n"]), rel=0.1)
        assert row["error"] == pytest.approx(np.sqrt(0.6 * 0.4 / row["n"]), rel=0.05)
    assert (found.loc["SEP", "gain"] == 0).all()
