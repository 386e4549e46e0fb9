"""Curves of accuracy against noise."""

import pandas as pd
import pytest
from deblend.farrens2022.figures.curves import draw_against_noise
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

SUMMARY = pd.DataFrame({"noise_sigma": [5.0, 14.5], "mean": [0.9, 0.7], "std": [0.01, 0.03]})


@pytest.fixture
def axis():
    return Figure().subplots()


def test_accuracies_and_their_scatter_are_in_per_cent(axis):
    draw_against_noise(axis, SUMMARY, "SEP", "--", "red")
    line, _, (bars,) = axis.containers[0]
    assert line.get_xdata() == pytest.approx([5, 14.5])
    assert line.get_ydata() == pytest.approx([90, 70])
    ends = [segment[:, 1] for segment in bars.get_segments()]
    assert ends[0] == pytest.approx([89, 91])
    assert ends[1] == pytest.approx([67, 73])


def test_each_curve_has_its_own_style_and_name(axis):
    draw_against_noise(axis, SUMMARY, "SEP", "--", "red")
    draw_against_noise(axis, SUMMARY, "BlendHunter", "-", "black")
    handles, names = axis.get_legend_handles_labels()
    assert names == ["SEP", "BlendHunter"]
    for (line, *_), style, colour in zip(handles, ("--", "-"), ("red", "black"), strict=True):
        assert line.get_linestyle() == style
        assert to_rgba(line.get_color()) == to_rgba(colour)


def test_a_noise_level_without_accuracy_leaves_a_gap(axis):
    missing = SUMMARY.assign(mean=[float("nan"), 0.7])
    draw_against_noise(axis, missing, "SEP", "-", "black")
    y = axis.containers[0][0].get_ydata()
    assert y == pytest.approx([float("nan"), 70], nan_ok=True)
