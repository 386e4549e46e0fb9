"""Accuracies on made-up labels, compared with sums by hand."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.metrics import (
    PANELS,
    accuracy_table,
    binned_accuracies,
    by_rules,
    distance_bins,
    largest_gain,
    method_accuracies,
    realistic_accuracies,
    subset_weights,
    subsets,
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


def test_as_many_isolated_as_blends_and_each_once():
    table = pd.DataFrame(
        {
            "is_blend": [0, 1] * 50,
            "distance_px": [np.nan, 5.0] * 10 + [np.nan, 20.0] * 40,
            "weight": [1.0, 0.3] * 10 + [1.0, 1.2] * 40,
        }
    )
    found = subset_weights(table)
    # The first ten isolated stamps, in the order of the table, are with the close blends.
    assert np.flatnonzero(found["isolated_with_close"]).tolist() == list(range(0, 20, 2))
    for panel, n in (("close", 10), ("distant", 40), ("all", 50)):
        assert [int((found[subset] > 0).sum()) for subset in PANELS[panel]] == [n, n]
    assert not np.any(found["isolated_with_close"] * found["isolated_with_distant"])
    both = found["close_with_isolated"]
    assert both.sum() == 20 and set(both) == {0.0, 1.0}


def test_errors_are_binomial_for_independent_stamps_and_larger_for_shared_galaxies():
    rng = np.random.default_rng(3)
    n = 2000
    table = pd.DataFrame({"is_blend": [1] * n, "distance_px": 20.0, "weight": 1.0})
    right = rng.uniform(size=n) < 0.8
    share = right.mean()
    expected = np.sqrt(share * (1 - share) / n)

    def error(names, labels):
        parts = subsets(table.assign(galaxy_1=names))
        return accuracy_table(table, {"SEP": labels}, parts)["error"].iloc[0]

    assert error(np.arange(n), right.astype(int)) == pytest.approx(expected, rel=1e-3)
    # Four stamps of each galaxy, all right or all wrong, are worth one.
    groups = np.repeat(np.arange(n // 4), 4)
    alike = right[groups].astype(int)
    share = alike.mean()
    assert error(groups, alike) == pytest.approx(2 * np.sqrt(share * (1 - share) / n), rel=0.01)


def shared_stamps(rng, n=2000, n_galaxies=50):
    """Stamps of few galaxies, in random pairs; every fourth is isolated."""
    first = rng.integers(0, n_galaxies, n)
    second = (first + rng.integers(1, n_galaxies, n)) % n_galaxies
    blend = (np.arange(n) % 4 > 0).astype(int)
    table = pd.DataFrame({"is_blend": blend, "distance_px": np.where(blend, 20.0, np.nan)})
    names = np.where(blend == 1, second.astype(str), "")
    return table.assign(weight=1.0, galaxy_1=first.astype(str), galaxy_2=names), first, second


def logits(rng, first, second, blend, n_galaxies=50):
    """Numbers whose means depend on either galaxy of a blend, in either place."""
    effect = rng.normal(0, 1, n_galaxies)
    both = effect[first] + np.where(blend == 1, effect[second], 0)
    return both + blend + rng.normal(0, 1, len(first))


def test_errors_are_the_scatter_for_companions_that_are_shared():
    """Galaxies are drawn anew, with the same pairs: labels are right more often for some."""
    rng = np.random.default_rng(6)
    table, first, second = shared_stamps(rng)
    parts = subsets(table)
    blend = table["is_blend"].to_numpy()
    shares, errors, gains, gain_errors = [], [], [], []
    for _ in range(60):
        hunter = np.where(logits(rng, first, second, blend) > 0, blend, 1 - blend)
        sep = np.where(logits(rng, first, second, blend) > 1, blend, 1 - blend)
        found = accuracy_table(table, {"BlendHunter": hunter, "SEP": sep}, parts)
        row = found[(found["method"] == "BlendHunter") & (found["subset"] == "blends")].iloc[0]
        for values, name in (
            (shares, "accuracy"),
            (errors, "error"),
            (gains, "gain"),
            (gain_errors, "gain_error"),
        ):
            values.append(row[name])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(shares), rel=0.2)
    assert np.sqrt(np.mean(np.square(gain_errors))) == pytest.approx(np.std(gains), rel=0.2)
    # Of independent stamps it would be a third of that at most.
    assert np.std(shares) > 3 * np.sqrt(0.25 / 1500)


def test_resamples_have_the_scatter_of_statistics_that_are_no_means():
    """The product of two shares, of blends and of isolated stamps that share galaxies."""
    rng = np.random.default_rng(7)
    table, first, second = shared_stamps(rng)
    blend = table["is_blend"].to_numpy()
    parts = subsets(table, n_resamples=100)
    weights = [parts[name].all_weights for name in ("blends", "isolated")]
    products, errors = [], []
    for _ in range(60):
        right = logits(rng, first, second, blend) > 0
        shares = [
            w @ right[parts[name].rows] / w.sum(axis=1)
            for name, w in zip(("blends", "isolated"), weights, strict=True)
        ]
        products.append((shares[0] * shares[1])[0])
        errors.append(parts["blends"].resamples.spread(shares[0] * shares[1]))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(products), rel=0.25)


def test_resamples_of_stamps_that_share_nothing_are_binomial():
    rng = np.random.default_rng(8)
    n = 1000
    table = pd.DataFrame({"is_blend": [1] * n, "distance_px": 20.0, "weight": 1.0})
    first, second = np.arange(n), np.arange(n, 2 * n)
    table = table.assign(galaxy_1=first.astype(str), galaxy_2=second.astype(str))
    part = subsets(table, n_resamples=500)["all"]
    weights = part.all_weights
    assert len(weights) == 501
    right = rng.uniform(size=n) < 0.3
    share = weights @ right / weights.sum(axis=1)
    expected = np.sqrt(share[0] * (1 - share[0]) / n)
    assert part.resamples.spread(share) == pytest.approx(expected, rel=0.1)
    # Each twice: as certain as once.
    twice = pd.concat([table, table], ignore_index=True)
    part = subsets(twice, n_resamples=500)["all"]
    weights = part.all_weights
    share = weights @ np.tile(right, 2) / weights.sum(axis=1)
    assert part.resamples.spread(share) == pytest.approx(expected, rel=0.15)


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
    assert (gain, error, sigma, low, n) == (pytest.approx(0.5), 0.1, 5.0, 2.0, 30)
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


def test_close_share_is_weighted():
    table = pd.DataFrame(
        {"is_blend": [1, 1, 1, 0], "distance_px": [5.0, 5.0, 20.0, np.nan], "weight": [1, 1, 6, 9]}
    )
    assert weighted_close_share(table) == pytest.approx(0.25)
