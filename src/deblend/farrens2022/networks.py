"""BlendHunter's head, the part that is trained."""

import keras
from keras import layers


def head(
    n_features: int, units: tuple[int, int] = (256, 1024), dropout: float = 0.1
) -> keras.Model:
    """Build the head: dense linear layer, dropout, dense ReLU layer, sigmoid output (Sect. 3.2.2).

    Returns
    -------
    keras.Model
        From features (n, n_features) to the probability of a blend (n, 1).
    """
    inputs = keras.Input((n_features,), name="features")
    x = layers.Dense(units[0], name="dense1")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(units[1], activation="relu", name="dense2")(x)
    x = layers.Dense(1, activation="sigmoid", name="blend")(x)
    return keras.Model(inputs, x, name="head")
