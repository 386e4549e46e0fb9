"""Table of the layers of a network with a skip connection."""

import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import keras
from deblend.training.keras_layers import layer_table
from keras import layers


def test_the_layer_table_is_the_network():
    image = keras.Input((16, 12, 1), name="stamp")
    convolved = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = layers.MaxPooling2D(2, name="pool")(convolved)
    x = layers.Conv2DTranspose(4, 2, strides=2, name="up")(x)
    x = layers.Concatenate(name="copy")([convolved, x])
    x = layers.Dense(2, name="output")(layers.Flatten(name="flat")(x))
    table = layer_table(keras.Model(image, x)).set_index("name")
    columns = ["kind", "height", "width", "channels", "kernel", "n_parameters", "inputs"]
    assert table[columns].to_numpy().tolist() == [
        ["InputLayer", 16, 12, 1, 0, 0, ""],
        ["Conv2D", 16, 12, 4, 3, 9 * 4 + 4, "stamp"],
        ["MaxPooling2D", 8, 6, 4, 2, 0, "conv"],
        ["Conv2DTranspose", 16, 12, 4, 2, 4 * 4 * 4 + 4, "pool"],
        ["Concatenate", 16, 12, 8, 0, 0, "conv up"],
        ["Flatten", 1, 1, 16 * 12 * 8, 0, 0, "copy"],
        ["Dense", 1, 1, 2, 0, 16 * 12 * 8 * 2 + 2, "flat"],
    ]
    assert list(table.index) == ["stamp", "conv", "pool", "up", "copy", "flat", "output"]
