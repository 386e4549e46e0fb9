"""Accuracies by magnitude on made-up labels, compared with shares that are counted by hand."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.magnitudes import (
    accuracies_of,
    by_limit,
    by_magnitude,
    faintest,
    labels_are_right,
    nearest_heads,
    stamp_magnitudes,
)
from deblend.intervals import wilson_interval

#: Isolated and blended stamps in turn: magnitudes of both galaxies, and SEP's labels.
ROWS = [
    # is_blend, mag_1, mag_2, weight, galaxies, probability, SEP without true positions
    (0, 24.0, np.nan, 1.0, "a", "", 0.2, 0),
    (1, 24.0, 25.0, 2.0, "a", "b", 0.9, 1),
    (0, 25.0, np.nan, 1.0, "b", "", 0.7, 0),
    (1, 25.0, 21.0, 1.0, "b", "c", 0.1, 1),
    (0, 25.9, np.nan, 1.0, "d", "", 0.4, -1),
    (1, 25.9, 24.0, 1.0, "d", "a", 0.5, 0),
    (1, 21.0, 25.9, 1.0, "c", "d", 0.1, 0),
]
NAMES = ["is_blend", "mag_1", "mag_2", "weight", "galaxy_1", "galaxy_2", "p", "no_oracle"]
TABLE = pd.DataFrame(ROWS, columns=NAMES)


def right():
    heads = pd.DataFrame({"sigma15_0": TABLE["p"], "sigma15_1": 1 - TABLE["p"]})
    return labels_are_right(TABLE, heads, TABLE[["no_oracle"]], [(15.0, 0), (15.0, 1)])


def rows_of(table, **values):
    for name, value in values.items():
        table = table[table[name] == value]
    return table.set_index("method")


def test_magnitudes_of_a_stamp():
    found = stamp_magnitudes(TABLE)
    assert found["fainter_mag"].tolist() == [24.0, 25.0, 25.0, 25.0, 25.9, 25.9, 25.9]
    expected = [np.nan, 1.0, np.nan, 4.0, np.nan, 1.9, 4.9]
    assert found["delta_mag"].tolist() == pytest.approx(expected, nan_ok=True)


def test_the_limit_of_a_training_is_that_of_its_faintest_galaxy():
    assert faintest(TABLE) == 25.9
    assert faintest(TABLE.assign(mag_1=21.0, mag_2=[*[np.nan] * 6, 25.131])) == 25.2
    assert faintest(TABLE.assign(mag_1=25.2, mag_2=np.nan)) == 25.2


def test_labels_are_compared_with_the_truth_and_failures_are_wrong():
    found = right()
    assert found["BlendHunter", 15.0, 0].tolist() == [True, True, False, False, True, True, False]
    sep = found.loc[:, found.columns.get_level_values("method") == "SEP"].iloc[:, 0]
    assert sep.tolist() == [True, True, True, True, False, False, False]


def test_accuracies_to_the_limit_beyond_it_and_of_all():
    found = by_limit(
        TABLE, right()[["BlendHunter", "SEP"]].drop(columns=(("BlendHunter", 15.0, 1))), 25.2
    )
    assert found["galaxies"].unique().tolist() == ["to 25.2 mag", "25.2 to 25.9 mag", "to 25.9 mag"]
    blends = rows_of(found, galaxies="to 25.2 mag", kind="blends")
    # Blends have weights 2 and 1.
    assert blends["accuracy"].to_dict() == {"BlendHunter": pytest.approx(2 / 3), "SEP": 1}
    isolated = rows_of(found, galaxies="to 25.2 mag", kind="isolated")
    assert isolated["accuracy"].to_dict() == {"BlendHunter": 0.5, "SEP": 1}
    both = rows_of(found, galaxies="to 25.2 mag", kind="all")
    assert both.loc["BlendHunter", "accuracy"] == pytest.approx((2 / 3 + 0.5) / 2)
    assert both[["n", "n_galaxies"]].to_numpy().tolist() == [[4, 3]] * 2
    fainter = rows_of(found, galaxies="25.2 to 25.9 mag", kind="blends")
    assert fainter["accuracy"].to_dict() == {"BlendHunter": 0.5, "SEP": 0}
    assert rows_of(found, galaxies="to 25.9 mag", kind="all")["n"].tolist() == [7, 7]
    # A sample that ends with the training has nothing beyond.
    within = by_limit(TABLE[:4], right()[:4], 25.2)
    assert within["galaxies"].unique().tolist() == ["to 25.2 mag"]


def test_realisations_are_averaged_and_sep_has_one():
    found = rows_of(by_limit(TABLE, right(), 25.2), galaxies="to 25.2 mag", kind="isolated")
    hunter = found.loc["BlendHunter", ["accuracy", "std", "n_realisations"]]
    # The second head is right where the first is wrong, and the other way round.
    assert hunter.tolist() == pytest.approx([0.5, 0.0, 2])
    assert found.loc["SEP", "n_realisations"] == 1


def test_bins_of_magnitude_end_at_the_limit_of_the_training():
    found = by_magnitude(TABLE, right(), 25.2)
    bins = found[found["against"] == "fainter_mag"]
    edges = bins[["bin_low_mag", "bin_high_mag"]].drop_duplicates().to_numpy()
    assert edges.tolist() == [[23.6, 24.0], [24.8, 25.2], [25.6, 26.0]]
    assert rows_of(bins, kind="blends", bin_low_mag=24.8).loc[
        "SEP", ["n", "accuracy"]
    ].tolist() == [2, 1]
    assert len(rows_of(bins, kind="blends", bin_low_mag=23.6)) == 0
    delta = found[found["against"] == "delta_mag"]
    assert delta["kind"].unique().tolist() == ["blends"]
    assert delta[["bin_low_mag", "bin_high_mag"]].drop_duplicates().to_numpy().tolist() == [
        *([1.0, 1.5], [1.5, 2.0], [4.0, 6.0])
    ]
    # 4.0 is the first of its bin.
    assert rows_of(delta, bin_low_mag=4.0).loc["SEP", "n"] == 2


def made_up(n, n_galaxies, rng):
    """Isolated stamps of galaxies, each of which is always right or always wrong."""
    galaxy = rng.integers(0, n_galaxies, n)
    table = pd.DataFrame({"is_blend": 0, "weight": 1.0, "mag_1": 24.0, "mag_2": np.nan}, range(n))
    table = table.assign(galaxy_1=galaxy.astype(str), galaxy_2="")
    wrong = rng.uniform(size=n_galaxies) < 0.2
    return table, pd.DataFrame({"no_oracle": wrong[galaxy].astype(int)})


def test_intervals_are_those_of_the_galaxies_not_of_their_stamps():
    rng = np.random.default_rng(4)
    errors = []
    for _ in range(30):
        table, sep = made_up(4000, 100, rng)
        right = labels_are_right(table, pd.DataFrame(), sep, [])
        errors.append(accuracies_of(table, right, np.ones(4000, bool), "isolated")["error"].iloc[0])
    # Each galaxy has one answer, with a share of right ones of 0.8, and about 40 stamps.
    assert np.mean(errors) == pytest.approx(np.sqrt(0.8 * 0.2 / 100), rel=0.1)


def test_an_interval_without_wrong_labels_is_that_of_the_galaxies():
    table, sep = made_up(400, 10, np.random.default_rng(0))
    right = labels_are_right(table, pd.DataFrame(), 0 * sep, [])
    found = accuracies_of(table, right, np.ones(400, bool), "isolated").iloc[0]
    assert (found["accuracy"], found["n_galaxies"], found["n"]) == (1, 10, 400)
    assert found[["low", "high"]].tolist() == pytest.approx([*wilson_interval(10, 10)])


def test_the_nearest_heads_and_sep_are_drawn():
    levels = pd.DataFrame({"noise_sigma": [5.0, 15.0, 35.0, np.nan]})
    assert nearest_heads(levels, 14.5)["noise_sigma"].tolist() == pytest.approx(
        [15.0, np.nan], nan_ok=True
    )
    assert len(nearest_heads(levels, 10.0)) == 3
