"""Numbers of a run for the captions of its figures."""

import pandas as pd
import pytest
from deblend.report.captions import NUMBERS, Numbers, caption_html, caption_table

TABLE = pd.DataFrame(
    {
        "method": ["a", "a", "b", "b"],
        "galaxy": ["central", "companion"] * 2,
        "n": [10, 30, 20, 20],
        "accuracy": [0.9, 0.5, 0.123456, 0.2],
        "accuracy_low": [0.8, 0.4, 0.1, 0.1],
        "accuracy_high": [1.0, 0.6, 0.2, 0.3],
        "error_mag": [-1.0, 0.5, 0.1, -0.2],
    }
)


def test_rows_are_selected_and_have_their_intervals():
    shown = caption_table(TABLE, Numbers(("method", "accuracy"), {"galaxy": "central"}))
    assert shown["method"].tolist() == ["a", "b"]
    assert shown["accuracy"].tolist() == ["0.90 [0.80, 1.00]", "0.123 [0.100, 0.200]"]


def test_rows_are_those_of_several_values_and_each_is_there_once():
    numbers = Numbers(("method",), {"galaxy": ("central", "companion")})
    assert caption_table(TABLE, numbers)["method"].tolist() == ["a", "b"]


def test_means_are_weighted_by_the_numbers_of_objects():
    numbers = Numbers(("accuracy",), by=("method",), how="weighted")
    shown = caption_table(TABLE, numbers)
    assert shown["accuracy"].tolist() == ["0.600", "0.162"]
    assert shown["n"].tolist() == ["40", "40"]


@pytest.mark.parametrize(
    ("how", "column", "expected"),
    [
        ("sum", "n", ["40", "40"]),
        ("median of |x|", "median |error mag|", ["0.750", "0.150"]),
    ],
)
def test_groups_are_summed_up(how, column, expected):
    names = {"sum": ("n",), "median of |x|": ("error_mag",)}[how]
    shown = caption_table(TABLE, Numbers(names, by=("method",), how=how))
    assert shown[column].tolist() == expected


def test_ranges_have_the_smallest_and_the_largest_value():
    shown = caption_table(TABLE, Numbers(("error_mag",), how="range"))
    assert shown.iloc[0].tolist() == ["error_mag", "-1", "0.500"]


def test_a_caption_is_empty_for_other_figures_and_without_rows():
    assert caption_html("paper/fig1", TABLE) == ""
    table = pd.DataFrame({"name": ["a"], "n_parameters": [12345]})
    assert ">12,345</td>" in caption_html("boucaud2020/fig3", table)
    empty = pd.DataFrame(columns=["network", "n", "mean_iou", "pair"])
    assert caption_html("boucaud2020/fig12", empty) == ""


def test_all_ways_to_sum_up_are_known():
    assert {numbers.how for numbers in NUMBERS.values()} <= {
        "rows",
        "sum",
        "weighted",
        "median of |x|",
        "range",
    }
