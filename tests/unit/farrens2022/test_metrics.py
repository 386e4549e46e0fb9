"""Accuracies on made-up labels, compared with sums by hand."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.metrics import (
    accuracy,
    accuracy_by_distance,
    accuracy_table,
    largest_gain,
    realistic_accuracies,
    relative_with_isolated,
    split_isolated,
    summarise,
    weighted_close_share,
)


def stamps_table():
    return pd.DataFrame(
        {
            "is_blend": [0, 0, 1, 1, 1, 1],
            "distance_px": [np.nan, np.nan, 3, 9.9, 10, 20],
            "weight": [1, 1, 0.25, 0.25, 1.5, 1.5],
        }
    )


def test_accuracies_are_weighted_and_failures_counted():
    labels = np.array([0, 1, 1, 0, -1, 1])
    table = accuracy_table(stamps_table(), {"SEP": labels}).set_index("subset")
    assert table.loc["close", "accuracy"] == 0.5
    assert table.loc["distant", ["n", "n_failed"]].tolist() == [1, 1]
    # Isolated 1 of 2, close a quarter of a half, distant 1.5 of 1.5.
    assert table.loc["all", "accuracy"] == pytest.approx((1 + 0.25 + 1.5) / (2 + 0.5 + 1.5))
    share, error = accuracy(np.array([True, False, True, True]), np.ones(4))
    assert (share, error) == (0.75, pytest.approx(np.sqrt(0.75 * 0.25 / 4)))
    binned = accuracy_by_distance(stamps_table(), {"SEP": labels}, np.array([0, 10, 30]))
    assert binned["n"].tolist() == [2, 1]
    assert binned["accuracy"].tolist() == [0.5, 1.0]


def test_both_methods_are_compared_on_the_same_stamps():
    table = pd.DataFrame(
        {"is_blend": [1, 1, 0, 0], "distance_px": [5, 20, np.nan, np.nan], "weight": 1.0}
    )
    labels = {"BlendHunter": np.array([1, 0, 0, 1]), "SEP": np.array([0, -1, 0, 0])}
    found = accuracy_table(table, labels).set_index(["method", "subset"])
    # BlendHunter is wrong on the stamp on which SEP fails, which does not count.
    assert found.loc[("BlendHunter", "all"), "n"] == 3
    assert found.loc[("BlendHunter", "all"), "accuracy"] == pytest.approx(2 / 3)
    assert found.loc[("SEP", "all"), "n_failed"] == 1
    assert found.loc[("BlendHunter", "all"), "n_failed"] == 0


def test_realistic_accuracies_are_relative_to_sep():
    table = stamps_table()
    predictions = pd.DataFrame({"sigma5_0": [0.1, 0.2, 0.9, 0.9, 0.9, 0.4]})
    sep = np.array([0, 0, 0, 1, 1, 1])
    accuracies, confusion = realistic_accuracies(table, predictions, sep, [(5.0, 0)])
    relative = accuracies[accuracies["method"] == "BlendHunter"].set_index("subset")["relative"]
    assert relative["close"] == pytest.approx(1.0 / 0.5 - 1)
    assert relative["distant"] == pytest.approx(0.5 / 1 - 1)
    cells = confusion.set_index(["method", "panel"])
    assert cells.loc[("BlendHunter", "close"), "true_positive"] == 1
    assert cells.loc[("SEP", "close"), "true_positive"] == 0.5
    assert cells.loc[("SEP", "all"), "true_negative"] == 1
    summary = summarise(accuracies)
    assert (summary["n_realisations"] == 1).all()


def test_as_many_isolated_as_close_ones():
    table = pd.DataFrame(
        {
            "is_blend": [0, 1] * 50,
            "distance_px": [np.nan, 5.0] * 10 + [np.nan, 20.0] * 40,
            "weight": 1.0,
        }
    )
    close, rest = split_isolated(table)
    assert (close.sum(), rest.sum()) == (10, 40)
    assert not (close & rest).any()


def test_relative_to_sep_by_hand():
    columns = ["noise_sigma", "realisation", "method", "panel", "true_positive", "true_negative"]
    rows = [
        (5.0, 0, "BlendHunter", "close", 0.8, 1.0),
        (5.0, 0, "SEP", "close", 0.5, 1.0),
        (5.0, 1, "BlendHunter", "close", 0.5, 0.7),
        (5.0, 1, "SEP", "close", 0.5, 1.0),
        (5.0, 0, "SEP", "distant", 0.9, 1.0),
    ]
    relative = relative_with_isolated(pd.DataFrame(rows, columns=columns), "close")
    assert relative.to_dict() == {5.0: pytest.approx((0.9 / 0.75 + 0.6 / 0.75) / 2 - 1)}


def test_the_largest_gain_is_a_mean_over_realisations():
    rows = [
        (5.0, r, m, 2.0, 4.0, 15, share)
        for r, m, share in ((0, "BlendHunter", 1.0), (1, "BlendHunter", 0.4))
        + ((0, "SEP", 0.2), (1, "SEP", 0.2))
    ]
    rows += [(5.0, 0, m, 4.0, 6.0, 19, share) for m, share in (("BlendHunter", 1.0), ("SEP", 0.0))]
    rows += [(5.0, 0, m, 10.0, 12.0, 99, s) for m, s in (("BlendHunter", 1.0), ("SEP", 0.0))]
    columns = ["noise_sigma", "realisation", "method", "distance_low_px", "distance_high_px"]
    gain, sigma, low, n = largest_gain(pd.DataFrame(rows, columns=[*columns, "n", "accuracy"]))
    # 4 to 6 px has too few blends, 10 to 12 px is not close.
    assert (gain, sigma, low, n) == (pytest.approx(0.5), 5.0, 2.0, 30)


def test_close_share_is_weighted():
    table = pd.DataFrame(
        {"is_blend": [1, 1, 1, 0], "distance_px": [5.0, 5.0, 20.0, np.nan], "weight": [1, 1, 6, 9]}
    )
    assert weighted_close_share(table) == pytest.approx(0.25)
