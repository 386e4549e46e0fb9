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
    assert len(rows) == 6 and rows["confirmed"].all()
    # 0.380 +- 0.009 and 0.433 of all stamps, of which blends are a half.
    assert "76.0 ± 1.8 % of the blends, SEP 86.6 %" in rows.loc["better_at_true_blends", "numbers"]
    assert "6 of 7 noise levels" in rows.loc["better_at_true_blends", "numbers"]
    assert "+5.7 to +17.9 points" in rows.loc["close_gain_range", "numbers"]
    assert (
        rows.loc["fewer_isolated_right", "numbers"]
        == "training noise 5: 97.8 ± 0.4 % of the isolated stamps right, SEP 95.8 %; "
        "below SEP at 6 of 7 noise levels"
    )
    assert (
        rows.loc["close_gain_at_any_noise", "numbers"]
        == "training noise 5: +5.7 points; above it +14.0 to +17.9"
    )
    assert (
        rows.loc["distant_deficit", "numbers"]
        == "beyond 5 points: -5.3 at 5, -5.2 at 35; errors of 0.3"
    )
    assert "35,162 in the text, 34,961 in the figures" in rows.loc["distant_blends", "numbers"]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("better_at_true_blends", ("fig6", "SEP", "positive"), 0.375),
        # Fewer than SEP at another noise level than the lowest.
        ("better_at_true_blends", ("fig6", "BlendHunter", "positive"), [0.44, 0.38, *5 * [0.47]]),
        ("close_gain_range", ("fig5", "close_with_isolated"), [5.2, 15.2] + 5 * [10.0]),
        ("fewer_isolated_right", ("fig6", "SEP", "negative"), 0.49),
        ("close_gain_at_any_noise", ("fig5", "close_with_isolated"), [12.0, *6 * [16.4]]),
        # Beyond the error of reading it would be a contradiction, and below 5 points nothing.
        ("distant_deficit", ("fig5", "distant_with_isolated"), [-5.4, *6 * [0.0]]),
        ("distant_deficit", ("fig5", "distant_with_isolated"), [-4.9, *6 * [0.0]]),
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
