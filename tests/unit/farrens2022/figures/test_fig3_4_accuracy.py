"""Figures 3 and 4 of Farrens et al. 2022, with made-up accuracies."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig3_4_accuracy import draw_fig3, draw_fig4
from deblend.farrens2022.metrics import summarise
from deblend.farrens2022.published import curves

from tests.figures import opens, texts
from tests.unit.farrens2022.conftest import PUBLISHED

LABEL = "toy scale, parametric stamps (made up)"


LEVELS = (5.0, 14.5, 25.0, 30.0, 35.0)


def by_distance():
    rows = []
    for sigma in LEVELS:
        for method, best in (("BlendHunter", 0.9), ("SEP", 0.8)):
            for k in range(4):
                rows.append((0, sigma, method, 5 * k, 5 * k + 5, best * (k + 1) / 4, 0.02, 30 + k))
    names = ["realisation", "noise_sigma", "method", "distance_low_px", "distance_high_px"]
    return pd.DataFrame(rows, columns=[*names, "accuracy", "error", "n"])


def test_one_panel_for_each_noise_level(drawn, tmp_path):
    draw_fig3(by_distance(), [tmp_path / "fig3.png"], LABEL)
    opens(tmp_path / "fig3.png", 1380)
    # 30 + 31 + 32 + 33 blends at each noise level.
    assert drawn[0].get_suptitle() == f"{LABEL}, BlendHunter, n = 126"
    panels = [axis for axis in drawn[0].axes if axis.axison]
    assert len(panels) == len(LEVELS)
    y = panels[0].containers[0][0].get_ydata()
    assert y == pytest.approx([22.5, 45, 67.5, 90])
    # Each column has the axis' name under its lowest panel.
    assert sum(axis.get_xlabel() == "separation (pixels)" for axis in panels) == 4


def test_bins_without_any_or_with_all_correct_have_bars_too(drawn):
    table = by_distance()
    table["accuracy"] = table["accuracy"].where(table["distance_low_px"] > 0, 0.0)
    table["accuracy"] = table["accuracy"].where(table["distance_low_px"] < 15, 1.0)
    draw_fig3(table, [], LABEL)
    segments = drawn[0].axes[0].containers[0][2][0].get_segments()
    # Wilson's interval of one sigma ends at 1 / (n + 1) for none and n / (n + 1) for all of n.
    assert segments[0][:, 1] == pytest.approx([0, 100 / 31])
    assert segments[3][:, 1] == pytest.approx([100 * 33 / 34, 100])


def test_accuracy_against_noise(drawn, tmp_path):
    rows = [
        (sigma, realisation, method, "all", 500, accuracy, np.sqrt(accuracy * (1 - accuracy) / 99))
        for sigma in LEVELS
        for realisation, accuracy in ((0, 0.49), (1, 0.51))
        for method in ("BlendHunter", "SEP")
    ]
    names = ["noise_sigma", "realisation", "method", "subset", "n", "accuracy", "error"]
    accuracies = pd.DataFrame(rows, columns=names)
    published = curves(PUBLISHED)[4]
    draw_fig4(summarise(accuracies), accuracies, [tmp_path / "fig4.png"], LABEL, published)
    opens(tmp_path / "fig4.png", 660)
    names = {"BlendHunter", "SEP", "68 % interval (stamps)", "std. dev. (realisations)"}
    assert names | {"accuracy (%)"} <= set(texts(drawn[0]))
    assert drawn[0].get_suptitle().replace("\n", " ") == f"{LABEL}, BlendHunter, n = 500"
    # Of each method the interval of 99 effective stamps, whose half is 1 / (2 sqrt(n + 1)) for a
    # share of one half, and the scatter of the realisations.
    drawn_curves = drawn[0].axes[0].containers
    theirs = [c for c in drawn_curves if len(c[0].get_xdata()) == 7]
    assert [c[0].get_ydata()[-1] for c in theirs] == pytest.approx([81.8, 78.0])
    assert "published (read off)" in texts(drawn[0])
    containers = [c for c in drawn_curves if len(c[0].get_xdata()) == len(LEVELS)]
    bars = [container[2][0].get_segments()[0][:, 1] for container in containers]
    expected = [pytest.approx((45, 55)), pytest.approx((49, 51))] * 2
    assert [tuple(ends) for ends in bars] == expected
