"""Comparison of published numbers with ours."""

import math

import pytest
from deblend.report.numbers import COLUMNS, Row, reproduction_table, status


@pytest.mark.parametrize(
    ("quantity", "published", "mine", "n", "expected"),
    [
        ("sigma", 0.12, 0.14, math.nan, "reproduced"),
        ("sigma", 0.12, 0.16, math.nan, "differs"),
        ("sigma", 0.12, 0.06, math.nan, "differs"),  # a better number also differs
        ("sigma", [0.5, 0.7], 0.65, math.nan, "reproduced"),
        ("sigma", [0.5, 0.7], 0.8, math.nan, "reproduced"),
        ("sigma", [0.5, 0.7], 0.9, math.nan, "differs"),
        ("sigma", 0.12, math.nan, math.nan, "not run"),
        ("mean", 0.015, -0.004, math.nan, "reproduced"),
        ("mean", 0.015, 0.04, math.nan, "differs"),
        # 0.1 % of 230 is a quarter of a galaxy: 0 and 1 galaxies agree with it, 5 do not.
        ("outliers_percent", 0.1, 0.0, 230, "reproduced"),
        ("outliers_percent", 0.1, 100 / 230, 230, "reproduced"),
        ("outliers_percent", 0.1, 500 / 230, 230, "differs"),
        ("outliers_percent", 0.1, 0.3, 50000, "differs"),
        ("detection_percent", 75, 90, 5000, "reproduced"),  # within a factor of 1.25
        ("detection_percent", 3, 6, 5000, "differs"),
        ("percent_at_most", 1, 0.3, math.nan, "reproduced"),
        ("percent_at_most", 1, 1.1, math.nan, "differs"),
    ],
)
def test_status(quantity, published, mine, n, expected):
    assert status(quantity, published, mine, n) == expected


def test_numbers_are_compared_with_the_nearer_end_of_a_range():
    rows = [Row("x", "sigma", [0.5, 0.7], mine, 1) for mine in (0.4, 0.8, math.nan)]
    table = reproduction_table({"a": rows}, "a paper")
    assert table["published"].tolist() == [0.5, 0.7, 0.5]


def test_rows_of_every_configuration():
    rows = {"a": [Row("x", "sigma", 2.0, 3.0, 5)], "b": [Row("y", "mean", 0, math.nan)]}
    table = reproduction_table(rows, "a paper")
    assert tuple(table.columns) == COLUMNS
    assert set(table["paper"]) == {"a paper"}
    assert table["configuration"].tolist() == ["a", "b"]
    assert table["status"].tolist() == ["differs", "not run"]
    assert table["source"].tolist() == ["this run", ""]
    assert table["ratio"].tolist() == pytest.approx([1.5, math.nan], nan_ok=True)
    assert table["n"].tolist() == pytest.approx([5, math.nan], nan_ok=True)
