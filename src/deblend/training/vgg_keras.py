"""Convolutions of VGG-16 in Keras: the feature extractor of BlendHunter (Farrens et al. 2022)."""

import keras
import numpy as np
from deblend.errors import DeblendError
from deblend.training.vgg import BLOCKS, VGG16_NAMES, VggWeights
from keras import layers


@keras.saving.register_keras_serializable(package="deblend")
class GreyToImageNet(layers.Layer):
    """Layer that turns grey images in [0, 1] into three equal channels and scales them."""

    def __init__(self, mean: tuple, std: tuple, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.mean, self.std = tuple(mean), tuple(std)

    def call(self, inputs):
        """Repeat the channel of a batch of images and scale the result."""
        colour = keras.ops.repeat(inputs, 3, axis=-1)
        return (colour - keras.ops.array(self.mean)) / keras.ops.array(self.std)


def feature_extractor(side: int, weights: VggWeights, filters_divisor: int = 1) -> keras.Model:
    """Convolutional part of VGG-16, with weights that are not trained.

    Parameters
    ----------
    side : int
        Side length of the square images, at least 32 pixels.
    weights : VggWeights
    filters_divisor : int
        For tests only: divides the numbers of filters; the weights are then not used.

    Returns
    -------
    keras.Model
        Its input has the shape (n, side, side, 1) and values in [0, 1], its output the shape
        (n, side // 32, side // 32, 512). Where the weights' preprocessing lowers the contrast of
        images, features differ by little from those of an empty image: they are their differences
        from those, divided by the contrast.

    Raises
    ------
    DeblendError
        The images are too small for five poolings by 2.

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
        for name, pair in zip(VGG16_NAMES, weights.layers, strict=True):
            model.get_layer(name).set_weights(pair)
    if weights.contrast < 1:
        # A head learns slowly from features that hardly vary, and float16 has too few digits.
        empty = model.predict(np.zeros((1, side, side, 1), np.float32), verbose=0)[0]
        variance = np.full_like(empty, weights.contrast**2)
        scale = layers.Normalization((1, 2, 3), mean=empty, variance=variance, name="differences")
        model = keras.Model(image, scale(x), name="vgg16")
    model.trainable = False
    return model
