"""Figures 3 and 4 of Farrens et al. 2022, with made-up accuracies."""

import pandas as pd
import pytest
from deblend.farrens2022.figures.fig3_4_accuracy import draw_fig3, draw_fig4

from tests.figures import opens, texts

LABEL = "toy scale, VGG-16 weights: random"


LEVELS = (5.0, 14.5, 25.0, 30.0, 35.0)


def by_distance():
    rows = []
    for sigma in LEVELS:
        for method, best in (("BlendHunter", 0.9), ("SEP", 0.8)):
            for k in range(4):
                rows.append((0, sigma, method, 5 * k, 5 * k + 5, best * (k + 1) / 4, 0.02))
    names = ["realisation", "noise_sigma", "method", "distance_low_px", "distance_high_px"]
    return pd.DataFrame(rows, columns=[*names, "accuracy", "error"])


def test_one_panel_for_each_noise_level(drawn, tmp_path):
    draw_fig3(by_distance(), [tmp_path / "fig3.png"], LABEL)
    opens(tmp_path / "fig3.png", 1440)
    panels = [axis for axis in drawn[0].axes if axis.axison]
    assert len(panels) == len(LEVELS)
    y = panels[0].containers[0][0].get_ydata()
    assert y == pytest.approx([22.5, 45, 67.5, 90])
    # Each column has the axis' name under its lowest panel.
    assert sum(axis.get_xlabel() == "separation (pixels)" for axis in panels) == 4


def test_accuracy_against_noise(drawn, tmp_path):
    table = pd.DataFrame({"noise_sigma": LEVELS, "mean": 0.8, "std": 0.01, "subset": "all"})
    both = pd.concat([table.assign(method=method) for method in ("BlendHunter", "SEP")])
    draw_fig4(both, [tmp_path / "fig4.png"], LABEL)
    opens(tmp_path / "fig4.png", 720)
    assert {"BlendHunter", "SEP", "accuracy (%)", LABEL} <= set(texts(drawn[0]))
