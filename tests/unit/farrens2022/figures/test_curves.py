"""Curves of accuracy against noise."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.curves import (
    METHODS,
    comparable,
    draw_against_noise,
    effective_numbers,
    name_bars,
    set_noise_axis,
)
from deblend.farrens2022.published import curves
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from tests.unit.farrens2022.conftest import PUBLISHED

SUMMARY = pd.DataFrame(
    {"noise_sigma": [5.0, 14.5], "mean": [0.9, 0.7], "std": [0.01, 0.03]}
    | {"low": [0.87, 0.6], "high": [0.92, 0.75]}
)


@pytest.fixture
def axis():
    return Figure().subplots()


def test_accuracies_and_their_scatter_are_in_per_cent(axis):
    draw_against_noise(axis, SUMMARY, "SEP", ls="--", color="red")
    line, _, (bars,) = axis.containers[1]
    assert line.get_xdata() == pytest.approx([5, 14.5])
    assert line.get_ydata() == pytest.approx([90, 70])
    ends = [segment[:, 1] for segment in bars.get_segments()]
    assert ends[0] == pytest.approx([89, 91])
    assert ends[1] == pytest.approx([67, 73])


def test_each_curve_has_its_own_style_and_name(axis):
    draw_against_noise(axis, SUMMARY, "SEP", ls="--", color="red")
    draw_against_noise(axis, SUMMARY, "BlendHunter", ls="-", color="black")
    handles, names = axis.get_legend_handles_labels()
    assert names == ["SEP", "BlendHunter"]
    for (line, *_), style, colour in zip(handles, ("--", "-"), ("red", "black"), strict=True):
        assert line.get_linestyle() == style
        assert to_rgba(line.get_color()) == to_rgba(colour)


def test_a_noise_level_without_accuracy_leaves_a_gap(axis):
    missing = SUMMARY.assign(mean=[float("nan"), 0.7])
    draw_against_noise(axis, missing, "SEP", **METHODS["SEP"])
    y = axis.containers[1][0].get_ydata()
    assert y == pytest.approx([float("nan"), 70], nan_ok=True)


def test_the_interval_of_the_stamps_is_drawn_apart_from_the_scatter(axis):
    draw_against_noise(axis, SUMMARY, "SEP", **METHODS["SEP"])
    interval, scatter = (
        np.array([segment[:, 1] for segment in container[2][0].get_segments()])
        for container in axis.containers
    )
    assert interval == pytest.approx(np.array([[87, 92], [60, 75]]))
    assert scatter == pytest.approx(np.array([[89, 91], [67, 73]]))
    assert axis.get_legend_handles_labels()[1] == ["SEP"]


def test_a_single_realisation_has_no_bars(axis):
    draw_against_noise(axis, SUMMARY.assign(std=0.0), "SEP", **METHODS["SEP"])
    _, caps, (bars,) = axis.containers[1]
    ends = [*(cap.get_ydata() for cap in caps), *(np.ravel(s) for s in bars.get_segments())]
    assert not np.isfinite(np.concatenate(ends).astype(float)).any()


def test_both_kinds_of_bars_are_named_and_no_axis_changes(axis):
    draw_against_noise(axis, SUMMARY, "SEP", **METHODS["SEP"])
    limits = (*axis.get_xlim(), *axis.get_ylim())
    name_bars(axis)
    names = axis.get_legend_handles_labels()[1]
    assert names == ["SEP", "68 % interval (stamps)", "std. dev. (realisations)"]
    assert (*axis.get_xlim(), *axis.get_ylim()) == pytest.approx(limits)


def test_the_effective_number_of_stamps_is_that_of_their_weights():
    weight = np.array([0.5] * 40 + [1.5] * 60)
    correct = np.arange(100) % 5 > 0
    share = np.average(correct, weights=weight)
    # Of a weighted mean of independent stamps.
    error = np.sqrt(share * (1 - share) * np.sum(weight**2)) / weight.sum()
    rows = [("all", 100, share, error), ("all", 100, 1.0, 0.0), ("close", 30, 1.0, 0.0)]
    table = pd.DataFrame(rows, columns=["subset", "n", "accuracy", "error"])
    # (sum w)^2 / sum w^2 = 110^2 / (40 * 0.25 + 60 * 2.25).
    assert effective_numbers(table).to_dict() == pytest.approx({"all": 12100 / 145, "close": 30})


@pytest.mark.parametrize("levels", [[15.0], [5.0, 14.5, 35.0]])
def test_the_axis_of_noise_begins_at_zero(axis, levels):
    set_noise_axis(axis, pd.Series(levels), "noise (counts)")
    low, high = axis.get_xlim()
    assert low == 0
    assert max(levels) < high < 1.5 * max(levels)
    assert axis.get_xlabel() == "noise (counts)"


def test_published_curves_are_for_the_authors_labels_of_sep():
    theirs = curves(PUBLISHED)
    for n in (4, 5, 6):
        assert comparable(theirs[n], "authors").equals(theirs[n])
    assert set(comparable(theirs[4], "no_oracle")["method"]) == {"BlendHunter"}
    assert set(comparable(theirs[6], "section_4_1")["method"]) == {"BlendHunter"}
    # Differences from SEP are of its labels too.
    assert comparable(theirs[5], "no_oracle").empty
