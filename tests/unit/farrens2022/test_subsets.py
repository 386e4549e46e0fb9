"""Sets of stamps, and errors of stamps that share galaxies, compared with simulated scatter."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.metrics import (
    PANELS,
    accuracy_table,
)
from deblend.farrens2022.subsets import subset_weights, subsets, weighted_close_share


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
    weights = [np.array([*parts[name].each_weights()]) for name in ("blends", "isolated")]
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
    weights = np.array([*part.each_weights()])
    assert len(weights) == 501
    right = rng.uniform(size=n) < 0.3
    share = weights @ right / weights.sum(axis=1)
    expected = np.sqrt(share[0] * (1 - share[0]) / n)
    assert part.resamples.spread(share) == pytest.approx(expected, rel=0.1)
    # Each twice: as certain as once.
    twice = pd.concat([table, table], ignore_index=True)
    part = subsets(twice, n_resamples=500)["all"]
    weights = np.array([*part.each_weights()])
    share = weights @ np.tile(right, 2) / weights.sum(axis=1)
    assert part.resamples.spread(share) == pytest.approx(expected, rel=0.15)


def test_close_share_is_weighted():
    table = pd.DataFrame(
        {"is_blend": [1, 1, 1, 0], "distance_px": [5.0, 5.0, 20.0, np.nan], "weight": [1, 1, 6, 9]}
    )
    assert weighted_close_share(table) == pytest.approx(0.25)
