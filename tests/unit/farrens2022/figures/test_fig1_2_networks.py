"""Figures 1 and 2 of Farrens et al. 2022, with made-up layers and features."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig1_2_networks import draw_fig1, draw_fig2

from tests.figures import opens, texts

LABEL = "toy scale, VGG-16 weights: random"


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
