"""BlendHunter's head."""

import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

import keras
from deblend.farrens2022.networks import head


def test_head_has_the_papers_layers():
    model = head(2048)
    assert [layer.name for layer in model.layers[1:]] == ["dense1", "dropout", "dense2", "blend"]
    assert model.get_layer("dense1").activation is keras.activations.linear
    assert model.get_layer("dropout").rate == 0.1
    assert model.count_params() == 2049 * 256 + 257 * 1024 + 1025
