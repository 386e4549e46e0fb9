"""The figures of Farrens et al. 2022, drawn from made-up tables."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig1_2_networks import draw_fig1, draw_fig2
from deblend.farrens2022.figures.fig3_4_accuracy import draw_fig3, draw_fig4
from deblend.farrens2022.figures.fig5_6_realistic import draw_fig5, draw_fig6

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


def test_the_network_shows_its_layers(drawn, tmp_path):
    columns = ["name", "kind", "height", "channels", "kernel", "n_parameters"]
    layers = [
        ("input", "InputLayer", 32, 3, 0, 0),
        ("conv", "Conv2D", 32, 64, 3, 1792),
        ("pool", "MaxPooling2D", 16, 64, 2, 0),
        ("flatten", "Flatten", 1, 16384, 0, 0),
        ("dense", "Dense", 1, 256, 0, 4194560),
    ]
    draw_fig1(pd.DataFrame(layers, columns=columns), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1440)
    found = texts(drawn[0])
    assert {"64", "256", "3×3", "2×2", "32", "16", "convolution", "dense", LABEL} <= set(found)
    assert any("BlendHunter, 4.20 million parameters" in t for t in found)
    assert len(drawn[0].axes[0].patches) == 4  # all but the flatten


@pytest.mark.parametrize("rows", [1, 3])
def test_features_of_each_block(drawn, tmp_path, rows):
    rng = np.random.default_rng(1)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["stamp"] = rng.normal(size=(32, 32))
        for k in (1, 2):
            file[f"block{k}"] = rng.normal(size=(rows, 32 // 2**k, 32 // 2**k))
    draw_fig2(tmp_path / "features.h5", [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1440)
    assert {"stamp", "block1\n16 px", "block2\n8 px", LABEL} <= set(texts(drawn[0]))
    assert sum(bool(axis.images) for axis in drawn[0].axes) == 1 + 2 * rows


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
    parts = [table.assign(subset=subset) for subset in ("all", "close", "distant")]
    draw_fig5(pd.concat(parts), 14.5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 720)
    assert {"all stamps", "distant blends", LABEL} <= set(texts(drawn[1]))
    assert drawn[1].axes[0].containers[0][0].get_ydata() == pytest.approx(80)


def test_shares_of_blends_and_of_isolated_stamps(drawn, tmp_path):
    rows = [
        (sigma, method, panel, realisation, 0.6 + 0.1 * realisation, 0.9)
        for sigma in LEVELS
        for method in ("BlendHunter", "SEP")
        for panel in ("close", "distant", "all")
        for realisation in (0, 1)
    ]
    names = ["noise_sigma", "method", "panel", "realisation", "true_positive", "true_negative"]
    draw_fig6(pd.DataFrame(rows, columns=names), [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1440)
    assert {"close", "distant", "all", "SEP, isolated", LABEL} <= set(texts(drawn[0]))
    curve = drawn[0].axes[0].containers[0]
    assert curve[0].get_ydata() == pytest.approx(65)
    # Error bars of one standard deviation, of 60 and 70 %.
    ends = curve[2][0].get_segments()[0][:, 1]
    assert ends == pytest.approx([60, 70])
