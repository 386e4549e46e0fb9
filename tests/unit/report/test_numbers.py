"""Comparison of published numbers with ours."""

import math

import numpy as np
import pytest
from deblend.report.numbers import (
    COLUMNS,
    Row,
    Stated,
    compare,
    decimals,
    read_published,
    reproduction_table,
    rounding,
    with_interval,
)

NAN = math.nan


def test_published_numbers_keep_their_digits(tmp_path):
    path = tmp_path / "published.yaml"
    path.write_text("{sigma: 0.120, share: 75, order: 1.e+1, small: 0.00001, range: [0.5, 0.70]}\n")
    numbers = read_published(path)
    assert numbers == {
        "sigma": 0.12,
        "share": 75,
        "order": 10.0,
        "small": 1e-5,
        "range": [0.5, 0.7],
    }
    assert decimals(numbers["sigma"]) == 3
    assert rounding(numbers["sigma"]) == pytest.approx(0.0005)
    assert rounding(numbers["share"]) == 0.5
    assert rounding(numbers["order"]) == 5
    assert decimals(numbers["small"]) == 5
    assert [decimals(end) for end in numbers["range"]] == [1, 2]


def test_a_number_that_was_computed_counts_with_all_its_digits():
    assert decimals(100 * 4838 / 40000) == 3
    assert decimals(np.int64(4)) == 0


@pytest.mark.parametrize(
    ("published", "mine", "low", "high", "better", "expected"),
    [
        # Without an interval, rounding alone.
        ("0.12", 0.1249, NAN, NAN, "lower", "agrees"),
        ("0.120", 0.1249, NAN, NAN, "lower", "worse"),
        ("0.120", 0.1151, NAN, NAN, "lower", "better"),
        ("0.120", 0.1151, NAN, NAN, "higher", "worse"),
        ("0.120", 0.1151, NAN, NAN, "", "differs"),
        # Two standard errors, on the side of the published number.
        ("0.120", 0.130, 0.125, 0.131, "lower", "agrees"),
        ("0.120", 0.130, 0.126, 0.150, "lower", "worse"),
        ("0.82", 0.70, 0.60, 0.76, "higher", "agrees"),
        ("0.82", 0.70, 0.60, 0.75, "higher", "worse"),
        ("0.82", 0.91, 0.90, 0.92, "higher", "better"),
        ("0.82", NAN, NAN, NAN, "higher", "not run"),
    ],
)
def test_intervals_have_to_overlap(published, mine, low, high, better, expected):
    row = Row("x", "sigma", Stated(published), mine, 5, better, low, high)
    assert compare(row) == expected


@pytest.mark.parametrize(
    ("mine", "rounded", "cut"),
    [
        (102.749, "agrees", "agrees"),
        (102.772, "differs", "agrees"),
        (102.81, "differs", "differs"),
        (102.59, "differs", "differs"),
    ],
)
def test_a_number_whose_digits_may_be_cut_off_is_known_to_one_unit(mine, rounded, cut):
    row = Row("x", "parameters_million", Stated("102.7"), mine)
    assert (compare(row), compare(row._replace(rounding_units=1.0))) == (rounded, cut)


@pytest.mark.parametrize(("mine", "expected"), [(0.46, "agrees"), (0.4, "better"), (0.8, "worse")])
def test_within_a_range_a_number_agrees(mine, expected):
    row = Row("x", "sigma", [Stated("0.5"), Stated("0.7")], mine, better="lower")
    assert compare(row) == expected


@pytest.mark.parametrize(("mine", "expected"), [(0.2, "agrees"), (1.4, "agrees"), (1.6, "worse")])
def test_what_is_below_an_upper_limit_agrees(mine, expected):
    assert compare(Row("x", "percent_at_most", 1, mine, better="lower")) == expected


@pytest.mark.parametrize(
    ("published", "mine", "expected"),
    [
        ("0.101", -0.02, "better"),
        ("0.101", -0.2, "worse"),
        ("-0.010", 0.002, "better"),
        ("0.015", 0.0154, "agrees"),
    ],
)
def test_a_bias_is_better_nearer_to_zero(published, mine, expected):
    assert compare(Row("x", "mean", Stated(published), mine, better="lower")) == expected


@pytest.mark.parametrize(
    ("k", "n", "expected"),
    [
        # 0.1 % of 230 is a quarter of a galaxy: 0 and 1 galaxies agree with it, 10 do not.
        (0, 230, "agrees"),
        (1, 230, "agrees"),
        (10, 230, "worse"),
        (150, 50000, "worse"),  # 0.3 %
        (5, 50000, "better"),  # 0.01 %
    ],
)
def test_shares_have_binomial_errors(k, n, expected):
    row = Row("x", "outliers_percent", Stated("0.1"), 100 * k / n, n, "lower")
    assert compare(with_interval(row)) == expected


def test_the_interval_of_a_share_is_at_least_the_binomial_one():
    share = with_interval(Row("x", "detection_percent", 75, 50.0, 100))
    # Wilson's interval of 50 of 100 is symmetric and slightly narrower than sqrt(p q / n).
    assert 50 - share.low == pytest.approx(share.high - 50)
    assert 50 - share.low == pytest.approx(5.0, rel=0.01)
    wide = Row("x", "detection_percent", 75, 50.0, 100, low=30.0, high=51.0)
    assert (with_interval(wide).low, with_interval(wide).high) == (30, share.high)
    # No outlier in any resample: the interval of a bootstrap has no width.
    none = with_interval(Row("x", "outliers_percent", 0.1, 0.0, 500, low=0.0, high=0.0))
    assert (none.low, none.high) == (0, pytest.approx(100 / 501, rel=1e-3))
    assert math.isnan(with_interval(Row("x", "sigma", 0.1, 0.2, 100)).low)
    assert math.isnan(with_interval(Row("x", "detection_percent", 75, 50.0)).low)


def test_an_upper_limit_of_a_share_is_a_share():
    rows = [Row("x", "outliers_percent_at_most", Stated("0.4"), 100 * 12 / 2452, 2452, "lower")]
    # 12 galaxies are 0.49 %, within two binomial errors of 0.4 %.
    table = reproduction_table({"a": rows}, "a paper")
    assert table["status"].tolist() == ["agrees"]
    assert table["low"][0] < 0.49 < table["high"][0]
    assert table["difference"].tolist() == pytest.approx([0.0894], abs=1e-3)
    assert table["ratio"].isna().all()


def test_numbers_are_compared_with_the_nearer_end_of_a_range():
    rows = [Row("x", "sigma", [0.5, 0.7], mine, 1) for mine in (0.4, 0.8, NAN)]
    table = reproduction_table({"a": rows}, "a paper")
    assert table["published"].tolist() == [0.5, 0.7, 0.5]
    assert table["quantity"].tolist() == ["sigma (published: 0.5 to 0.7)"] * 3


def test_rows_of_every_configuration():
    rows = {"a": [Row("x", "sigma", Stated("2.00"), 3.0, 5)], "b": [Row("y", "mean", 0, NAN)]}
    table = reproduction_table(rows, "a paper")
    assert tuple(table.columns) == COLUMNS
    assert set(table["paper"]) == {"a paper"}
    assert table["configuration"].tolist() == ["a", "b"]
    assert table["status"].tolist() == ["differs", "not run"]
    assert table["source"].tolist() == ["this run", ""]
    assert table["published_decimals"].tolist() == [2, 0]
    assert table["difference"].tolist() == pytest.approx([1, NAN], nan_ok=True)
    assert table["ratio"].tolist() == pytest.approx([1.5, NAN], nan_ok=True)
    assert table["n"].tolist() == pytest.approx([5, NAN], nan_ok=True)


def test_shares_are_compared_in_points():
    table = reproduction_table({"a": [Row("x", "detection_percent", 75, 78.0, 100)]}, "a paper")
    assert table["difference"].tolist() == [3]
    assert table["ratio"].isna().all()


def test_numbers_of_other_data_are_not_comparable():
    """The comparison itself stays, and numbers that no data enter are still compared."""
    rows = [
        Row("x", "sigma", 0.1, 0.5, better="lower"),
        Row("y", "parameters_million", 25.7, 25.7, depends_on_data=False),
        Row("z", "sigma", 0.1, NAN),
    ]
    table = reproduction_table({"a": rows, "b": rows}, "a paper", papers_data=["b"])
    compared = ["worse", "agrees", "not run"]
    assert table["compared"].tolist() == compared * 2
    assert table["status"].tolist() == ["not comparable", *compared[1:], *compared]
    other = reproduction_table({"a": rows}, "a paper", papers_data=False)
    assert other["status"].tolist() == ["not comparable", *compared[1:]]


@pytest.mark.parametrize(
    ("mine", "low", "high", "expected"),
    [
        (33.7, NAN, NAN, "agrees"),
        (33.5, NAN, NAN, "worse"),
        (35.7, NAN, NAN, "better"),
        (33.5, 32.9, 34.1, "agrees"),  # two errors
        (27.7, 27.5, 27.9, "worse"),
    ],
)
def test_decibels_agree_within_one(mine, low, high, expected):
    row = Row("x", "psnr_db", Stated("34.61"), mine, 5, "higher", low, high, scale="dB")
    assert compare(row) == expected


def test_ratios_are_of_errors_and_not_of_decibels_or_similarities():
    rows = [
        Row("x", "psnr_db", Stated("34.61"), 27.7, scale="dB"),
        Row("x", "ssim", Stated("0.928"), 0.856, scale="similarity"),
        Row("x", "ssim", Stated("1.0"), 0.856, scale="similarity"),
    ]
    ratios = reproduction_table({"run": rows}, "paper")["ratio"]
    # The mean squared error is 4.9 times the published one.
    assert ratios.tolist() == pytest.approx([10**0.691, 2, NAN], nan_ok=True)
