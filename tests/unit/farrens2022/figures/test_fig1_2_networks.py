"""Figures 1 and 2 of Farrens et al. 2022, with made-up layers and features."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig1_2_networks import (
    CHANNELS,
    FROZEN,
    OUTPUT,
    TRAINED,
    draw_fig1,
    draw_fig2,
)
from deblend.plots.architecture import KERAS_LAYERS
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from tests.figures import opens, texts

LABEL = "toy scale, parametric stamps (made up)"


def layers():
    columns = ["name", "kind", "height", "width", "channels", "kernel", "n_parameters"]
    rows = [
        ("stamp", "InputLayer", 32, 32, 1, 0, 0),
        ("preprocess", "GreyToImageNet", 32, 32, 3, 0, 0),
        ("conv1", "Conv2D", 32, 32, 64, 3, 1792),
        ("conv2", "Conv2D", 32, 32, 64, 3, 36928),
        ("pool", "MaxPooling2D", 16, 16, 64, 2, 0),
        ("dense1", "Dense", 1, 1, 256, 0, 4194560),
        ("dropout", "Dropout", 1, 1, 256, 0, 0),
        ("dense2", "Dense", 1, 1, 1024, 0, 263168),
        ("blend", "Dense", 1, 1, 1, 0, 1025),
    ]
    return pd.DataFrame(rows, columns=columns)


def boxes(figure, colour):
    """Left ends of the boxes of a colour."""
    patches = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    return [p.get_x() for p in patches if p.get_facecolor() == to_rgba(colour)]


def test_the_network_shows_its_layers_and_which_are_trained(drawn, tmp_path):
    draw_fig1(layers(), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1380)
    found = texts(drawn[0])
    assert drawn[0].get_suptitle() == f"{LABEL}, BlendHunter"
    assert {"3×3", "2×2", "convolution", "dense", "dropout"} <= set(found)
    # Channels, sides, features (16 x 16 x 64) and units.
    assert {"1", "3", "64", "32", "16", "16384", "256", "1024"} <= set(found)
    assert "VGG-16, frozen: 0.04 million parameters" in found
    assert "head, trained:\n4.46 million parameters" in found
    assert "probability\nof a blend" in found
    assert len(boxes(drawn[0], CHANNELS[1])) == 3
    assert len(boxes(drawn[0], KERAS_LAYERS["Conv2D"][1])) == 2
    # Of the dense layers the last is the output.
    dense, (output,) = boxes(drawn[0], KERAS_LAYERS["Dense"][1]), boxes(drawn[0], OUTPUT[1])
    assert len(dense) == 2
    (frozen,), (trained,) = boxes(drawn[0], FROZEN), boxes(drawn[0], TRAINED)
    assert frozen < min(boxes(drawn[0], CHANNELS[1])) < trained < min(dense) < max(dense) < output


@pytest.mark.parametrize("rows", [1, 3])
def test_features_of_each_block(drawn, tmp_path, rows):
    rng = np.random.default_rng(1)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["stamp"] = rng.uniform(size=(32, 32))
        for k in (1, 2):
            file[f"block{k}"] = rng.normal(size=(rows, 32 // 2**k, 32 // 2**k))
    draw_fig2(tmp_path / "features.h5", 0.2, [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1380)
    assert {"stamp\n32 px", "block 1\n16 px", "block 2\n8 px"} <= set(texts(drawn[0]))
    assert drawn[0].get_suptitle() == f"{LABEL}, BlendHunter"
    assert sum(bool(axis.images) for axis in drawn[0].axes) == 1 + 2 * rows
    (bar,) = drawn[0].axes[0].lines
    assert np.ptp(bar.get_xdata()) * 32 * 0.2 == pytest.approx(2)  # arcsec
    assert '2"' in texts(drawn[0])
