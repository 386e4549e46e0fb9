"""Figures 5 and 6 of Farrens et al. 2022, with made-up accuracies."""

import pandas as pd
import pytest
from deblend.farrens2022.figures.fig5_6_realistic import PANELS, draw_fig5, draw_fig6

from tests.figures import opens, texts

LABEL = "toy scale, realistic stamps (made up)"


LEVELS = (5.0, 14.5, 25.0, 30.0, 35.0)


def test_relative_accuracy_against_noise(drawn, tmp_path):
    table = pd.DataFrame({"noise_sigma": LEVELS, "mean": 0.8, "std": 0.01})
    parts = [table.assign(subset=subset) for subset in ("all", "close", "distant")]
    numbers = pd.DataFrame({"subset": ["all", "close", "distant"], "n": [8000, 480, 3520]})
    draw_fig5(pd.concat(parts), numbers, 14.5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 660)
    assert {"all stamps, n = 8,000", "distant blends, n = 3,520"} <= set(texts(drawn[0]))
    assert drawn[0].get_suptitle().replace("\n", " ") == f"{LABEL}, BlendHunter, n = 8,000"
    assert drawn[0].axes[0].containers[0][0].get_ydata() == pytest.approx(80)


def test_shares_of_blends_and_of_isolated_stamps(drawn, tmp_path):
    rows = [
        (sigma, method, panel, realisation, 0.6 + 0.1 * realisation, 0.9, 40, 60)
        for sigma in LEVELS
        for method in ("BlendHunter", "SEP")
        for panel in ("close", "distant", "all")
        for realisation in (0, 1)
    ]
    names = ["noise_sigma", "method", "panel", "realisation", "true_positive", "true_negative"]
    names += ["n_blends", "n_isolated"]
    draw_fig6(pd.DataFrame(rows, columns=names), [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1380)
    titles = {f"{panel}\n40 blends, 60 isolated" for panel in PANELS.values()}
    assert titles | {"SEP, isolated", f"{LABEL}, BlendHunter, n = 100"} <= set(texts(drawn[0]))
    curve = drawn[0].axes[0].containers[0]
    assert curve[0].get_ydata() == pytest.approx(65)
    # Error bars of one standard deviation, of 60 and 70 %.
    ends = curve[2][0].get_segments()[0][:, 1]
    assert ends == pytest.approx([60, 70])
