"""VGG-16's convolutions on Keras: the fixed features of BlendHunter (Farrens et al. 2022)."""

import keras
from deblend.errors import DeblendError
from deblend.training.vgg import BLOCKS, NAMES, VggWeights
from keras import layers


@keras.saving.register_keras_serializable(package="deblend")
class GreyToImageNet(layers.Layer):
    """A grey image in [0, 1], three times over, as a weights file's network expects it."""

    def __init__(self, mean: tuple, std: tuple, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.mean, self.std = tuple(mean), tuple(std)

    def call(self, inputs):
        """Repeat and scale a batch of images."""
        colour = keras.ops.repeat(inputs, 3, axis=-1)
        return (colour - keras.ops.array(self.mean)) / keras.ops.array(self.std)


def feature_extractor(side: int, weights: VggWeights, filters_divisor: int = 1) -> keras.Model:
    """VGG-16's convolutional part, its weights fixed.

    Parameters
    ----------
    side : int
        Of the square images, at least 32 pixels.
    weights : VggWeights
    filters_divisor : int
        For tests only: a network of fewer filters, whose weights stay as initialised.

    Returns
    -------
    keras.Model
        From (n, side, side, 1) in [0, 1] to (n, side // 32, side // 32, 512).

    Raises
    ------
    DeblendError
        The images are smaller than five poolings by 2 need.

    References
    ----------
    Farrens et al. 2022, Fig. 1; Simonyan & Zisserman 2014.
    """
    if side < 32:
        raise DeblendError(f"images of {side} px: five poolings by 2 need at least 32")
    image = keras.Input((side, side, 1), name="stamp")
    x = GreyToImageNet(weights.mean, weights.std, name="preprocess")(image)
    for b, block in enumerate(BLOCKS, start=1):
        for c, filters in enumerate(block, start=1):
            x = layers.Conv2D(
                filters // filters_divisor,
                3,
                padding="same",
                activation="relu",
                name=f"block{b}_conv{c}",
            )(x)
        x = layers.MaxPooling2D(2, name=f"block{b}_pool")(x)
    model = keras.Model(image, x, name="vgg16")
    if filters_divisor == 1:
        for name, pair in zip(NAMES, weights.layers, strict=True):
            model.get_layer(name).set_weights(pair)
    model.trainable = False
    return model
