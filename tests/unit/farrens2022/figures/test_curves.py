"""Curves of accuracy against noise."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.curves import METHODS, draw_against_noise, set_noise_axis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

SUMMARY = pd.DataFrame({"noise_sigma": [5.0, 14.5], "mean": [0.9, 0.7], "std": [0.01, 0.03]})


@pytest.fixture
def axis():
    return Figure().subplots()


def test_accuracies_and_their_scatter_are_in_per_cent(axis):
    draw_against_noise(axis, SUMMARY, "SEP", ls="--", color="red")
    line, _, (bars,) = axis.containers[0]
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
    y = axis.containers[0][0].get_ydata()
    assert y == pytest.approx([float("nan"), 70], nan_ok=True)


def test_the_interval_of_the_stamps_is_drawn_apart_from_the_scatter(axis):
    draw_against_noise(axis, SUMMARY.assign(error=[0.02, 0.05]), "SEP", **METHODS["SEP"])
    lengths = [
        [np.ptp(segment[:, 1]) for segment in container[2][0].get_segments()]
        for container in axis.containers
    ]
    assert sorted(lengths) == [pytest.approx([2, 6]), pytest.approx([4, 10])]
    assert axis.get_legend_handles_labels()[1] == ["SEP"]


def test_a_single_realisation_has_no_bars(axis):
    draw_against_noise(axis, SUMMARY.assign(std=0.0), "SEP", **METHODS["SEP"])
    _, caps, (bars,) = axis.containers[0]
    ends = [*(cap.get_ydata() for cap in caps), *(np.ravel(s) for s in bars.get_segments())]
    assert not np.isfinite(np.concatenate(ends).astype(float)).any()


@pytest.mark.parametrize("levels", [[15.0], [5.0, 14.5, 35.0]])
def test_the_axis_of_noise_begins_at_zero(axis, levels):
    set_noise_axis(axis, pd.Series(levels), "noise (counts)")
    low, high = axis.get_xlim()
    assert low == 0
    assert max(levels) < high < 1.5 * max(levels)
    assert axis.get_xlabel() == "noise (counts)"
