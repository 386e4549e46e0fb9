"""Drawings of networks."""

import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.plots.architecture import (
    TORCH_LAYERS,
    block_numbers,
    check_layers,
    convolution_text,
    draw_arrow,
    draw_legend,
    draw_sequence,
    in_millions,
    split_units,
)
from deblend.plots.style import ONE_COLUMN_IN, paper_figure
from matplotlib.patches import Rectangle

from tests.figures import texts

NAMES = ["in", "root.block0.conv", "root.block0.add", "root.block1.conv", "root.block1.add", "out"]


@pytest.fixture
def layers():
    kinds = ["Input", "Conv2d", "Add", "Conv2d", "Add", "Tanh"]
    return pd.DataFrame({"name": NAMES, "kind": kinds, "n_parameters": 500_000})


def test_whole_blocks_are_one_box(layers):
    assert block_numbers(layers) == [None, 0, 0, 1, 1, None]
    units = split_units(layers, {1})
    assert [unit.block for unit in units] == [None, 0, 0, 1, None]
    assert [unit.is_whole_block for unit in units] == [False, False, False, True, False]
    assert [unit.has_sum for unit in units] == [False, False, True, True, False]
    assert units[3].last["name"] == "root.block1.add"
    assert len(split_units(layers, set())) == len(layers)
    assert [len(unit.layers) for unit in split_units(layers, {0, 1})] == [1, 2, 2, 1]


def test_numbers_as_text(layers):
    assert in_millions(layers) == "3.00 million"
    layer = pd.Series({"kernel": 3.0, "out_channels": 64.0, "stride": 1.0})
    assert convolution_text(layer, "/") == "3×3, 64"
    assert convolution_text(layer.replace(1.0, 2.0), "/") == "3×3, 64, /2"


def test_the_legend_names_what_is_drawn(drawn, layers):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0) as figure:
        kinds = set(layers["kind"])
        draw_legend(figure, TORCH_LAYERS, kinds, ("further block", "0.9"), loc="lower center")
    names = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert names == [
        "input",
        "convolution",
        "sum with the skip connection",
        "tanh",
        "further block",
    ]


def test_an_unknown_kind_is_named(layers):
    assert check_layers(layers) is layers
    with pytest.raises(DeblendError, match="kind Mish; only Input, "):
        check_layers(layers.replace("Tanh", "Mish"))


def test_a_sequence_names_its_network_and_its_ends(drawn):
    columns = ["name", "kind", "height", "channels", "kernel", "n_parameters"]
    table = pd.DataFrame(
        [
            ("stamp", "InputLayer", 64, 1, 0, 0),
            ("conv1", "Conv2D", 64, 16, 3, 160),
            ("pool1", "MaxPooling2D", 32, 16, 2, 0),
            ("dense", "Dense", 1, 2, 0, 34),
        ],
        columns=columns,
    )
    draw_sequence(table, "network", [], "toy", ends=("stamp", "blended?"))
    assert {"toy, network", "stamp", "blended?"} <= set(texts(drawn[0]))


def test_arrows_are_in_front_of_boxes(drawn):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0) as figure:
        axis = figure.subplots()
        draw_arrow(axis, (0, 0), (1, 0), "k", 5)
        box = axis.add_patch(Rectangle((0, 0), 1, 1))
    assert axis.patches[0].get_zorder() > box.get_zorder()
