"""Findings about Farrens et al. 2022, from its published values."""

import copy

import pytest
from deblend.farrens2022.findings import FINDINGS, published_table
from deblend.report.findings import findings_table

from tests.unit.farrens2022.conftest import PUBLISHED


def found(published):
    tables = {"published": published_table(published)}
    return findings_table(tables, FINDINGS, "farrens2022", {}).set_index("finding")


def test_published_values_contradict_the_text():
    rows = found(PUBLISHED)
    assert len(rows) == 3 and rows["confirmed"].all()
    # 0.380 +- 0.009 and 0.433 of all stamps, of which blends are a half.
    assert "76.0 ± 1.8 % of the blends, SEP 86.6 %" in rows.loc["better_at_true_blends", "numbers"]
    assert "6 of 7 noise levels" in rows.loc["better_at_true_blends", "numbers"]
    assert "+5.7 to +17.9 points" in rows.loc["close_gain_range", "numbers"]
    assert "35,162 in the text, 34,961 in the figures" in rows.loc["distant_blends", "numbers"]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("better_at_true_blends", ("fig6", "SEP", "positive"), 0.375),
        ("close_gain_range", ("fig5", "close_with_isolated"), [5.2, 15.2] + 5 * [10.0]),
        ("distant_blends", ("distant_blends", "n_figures"), 35162),
    ],
)
def test_values_that_agree_with_the_text_confirm_nothing(name, path, value):
    other = copy.deepcopy(PUBLISHED)
    section = other
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    rows = found(other)
    assert not rows.loc[name, "confirmed"]
    assert rows.drop(index=name)["confirmed"].all()
