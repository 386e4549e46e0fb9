"""Predictions in long form, and the truth."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.predictions import COLUMNS, pivot, prediction_table, truth
from deblend.errors import DeblendError


def test_each_blend_has_a_row_for_each_galaxy():
    flux = np.array([[100.0, 50.0], [np.nan, -1.0]])
    table = prediction_table(np.array([7, 3]), flux, "net", np.array([[25.0, 26.0]]))
    assert tuple(table.columns) == COLUMNS
    assert table["blend"].tolist() == [7, 7, 3, 3]
    assert table["galaxy"].tolist() == ["central", "companion"] * 2
    assert table["zero_point"].tolist() == [25.0, 26.0] * 2
    np.testing.assert_array_equal(table["flux"], [100, 50, np.nan, -1])
    # Without flags of its own, a method's fluxes are flagged where they are not positive.
    assert table["flags"].tolist() == [0, 0, 1, 1]
    flags = np.array([[0, 2], [4, 0]])
    table = prediction_table(np.array([7, 3]), flux, "net", np.full((2, 2), 25.0), flags)
    assert table["flags"].tolist() == [0, 2, 4, 0]


def test_a_pivot_is_the_array_of_fluxes_again():
    blends, rng = np.arange(20), np.random.default_rng(0)
    flux = {name: rng.normal(size=(20, 2)) for name in ("one", "two")}
    tables = [prediction_table(blends, f, n, np.full((1, 2), 25.0)) for n, f in flux.items()]
    mixed = pd.concat(tables).sample(frac=1, random_state=1)
    table = pivot(mixed, "two")
    assert (table.columns.tolist(), table.index.tolist()) == (["central", "companion"], [*blends])
    np.testing.assert_array_equal(table, flux["two"])
    np.testing.assert_array_equal(pivot(mixed, "one", "flags"), flux["one"] <= 0)


def test_a_method_without_predictions_is_named_beside_those_there_are():
    table = prediction_table(np.array([0]), np.ones((1, 2)), "sep_iso", np.full((1, 2), 25.0))
    table = pd.concat([table, table.assign(method="net")])
    with pytest.raises(DeblendError, match="no predictions of 'unet'; .* are net, sep_iso"):
        pivot(table, "unet")


def test_the_truth_is_the_catalogues():
    galaxies = pd.DataFrame({"id": ["a", "b", "c"], "mag": [20.0, 22.5, 25.0]}, index=[5, 6, 7])
    blends = pd.DataFrame({"blend": [4, 9], "central": [2, 0], "companion": [0, 1]})
    table = truth(galaxies, blends, 25.0)
    assert table.index.tolist() == [4, 9]
    assert table[["id_central", "id_companion"]].to_numpy().tolist() == [["c", "a"], ["a", "b"]]
    assert table["mag_companion"].tolist() == [20.0, 22.5]
    # A flux of 1 count/s is the zero point; 2.5 mag are a factor of ten.
    assert table["flux_central"].tolist() == pytest.approx([1.0, 100.0])
    assert table["flux_companion"].tolist() == pytest.approx([100.0, 10.0])
