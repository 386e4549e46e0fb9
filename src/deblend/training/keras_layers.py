"""Tables of the layers of Keras networks."""

import keras
import pandas as pd
from keras import layers


def layer_table(model: keras.Model) -> pd.DataFrame:
    """Table of the layers of a network, for drawing it.

    Returns
    -------
    DataFrame
        One row per layer, in order: `name`, `kind`, `height`, `width` (pixels; 1 for vectors),
        `channels`, `kernel` (side length of the window of a convolution or pooling, pixels; 0 for
        others), `n_parameters`, `inputs` (names of the layers that are its input, separated by
        spaces).
    """
    rows = []
    for layer in model.layers:
        shape = layer.output.shape[1:]
        height, width = shape[:2] if len(shape) == 3 else (1, 1)
        sources = [tensor._keras_history.operation.name for tensor in _inputs(layer)]
        rows.append(
            (
                layer.name,
                type(layer).__name__,
                height,
                width,
                shape[-1],
                getattr(layer, "kernel_size", getattr(layer, "pool_size", (0,)))[0],
                layer.count_params(),
                " ".join(sources),
            )
        )
    columns = ["name", "kind", "height", "width", "channels", "kernel", "n_parameters", "inputs"]
    return pd.DataFrame(rows, columns=columns)


def _inputs(layer: layers.Layer) -> list:
    """Tensors that a layer takes."""
    if isinstance(layer, layers.InputLayer):
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]
