"""BlendHunter's head, the part that is trained, and a small network without VGG-16."""

import keras
from keras import layers


def head(
    n_features: int, units: tuple[int, int] = (256, 1024), dropout: float = 0.1, l2: float = 0.0
) -> keras.Model:
    """Build the head: dense linear layer, dropout, dense ReLU layer, sigmoid output (Sect. 3.2.2).

    Parameters
    ----------
    n_features : int
    units : (int, int)
        Of the two dense layers.
    dropout : float
    l2 : float
        Weight of the sum of the squares of the dense layers' kernels in the training loss; 0 for
        the paper's head.

    Returns
    -------
    keras.Model
        From features (n, n_features) to the probability of a blend (n, 1).
    """
    inputs = keras.Input((n_features,), name="features")
    penalty = keras.regularizers.L2(l2) if l2 else None
    x = layers.Dense(units[0], kernel_regularizer=penalty, name="dense1")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(units[1], activation="relu", kernel_regularizer=penalty, name="dense2")(x)
    x = layers.Dense(1, activation="sigmoid", name="blend")(x)
    return keras.Model(inputs, x, name="head")


def small_network(
    side: int,
    filters: tuple[int, ...] = (16, 32, 64, 64),
    units: int = 64,
    dropout: float = 0.1,
    l2: float = 0.0,
) -> keras.Model:
    """Build a small network that is trained from scratch: not in the paper.

    Each of its 3x3 convolutions with ReLU is followed by a 2x2 maximum; then a dense ReLU layer,
    dropout and a sigmoid output.

    Parameters
    ----------
    side : int
        Side length of the stamps.
    filters : tuple of int
        Of the convolutions.
    units : int
        Of the dense layer.
    dropout, l2 : float
        See `head`.

    Returns
    -------
    keras.Model
        From scaled stamps (n, side, side, 1) to the probability of a blend (n, 1).
    """
    penalty = keras.regularizers.L2(l2) if l2 else None
    inputs = keras.Input((side, side, 1), name="stamp")
    x = inputs
    for number, n in enumerate(filters, start=1):
        x = layers.Conv2D(
            n,
            3,
            padding="same",
            activation="relu",
            kernel_regularizer=penalty,
            name=f"convolution{number}",
        )(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", kernel_regularizer=penalty, name="dense")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(1, activation="sigmoid", name="blend")(x)
    return keras.Model(inputs, x, name="small_network")
