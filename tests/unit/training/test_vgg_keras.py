"""VGG-16 as a feature extractor."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import keras
from deblend.errors import DeblendError
from deblend.training.vgg import VGG16_NAMES, random_weights
from deblend.training.vgg_keras import GreyToImageNet, feature_extractor


def test_the_extractor_is_keras_own_vgg16():
    """The same weights in Keras' own model give the same features."""
    weights = random_weights(1)
    ours = feature_extractor(65, weights)
    theirs = keras.applications.VGG16(weights=None, include_top=False, input_shape=(65, 65, 3))
    for name, pair in zip(VGG16_NAMES, weights.layers, strict=True):
        theirs.get_layer(name).set_weights(pair)
    images = np.random.default_rng(0).uniform(size=(2, 65, 65, 1)).astype(np.float32)
    np.testing.assert_allclose(
        ours.predict(images, verbose=0),
        theirs.predict(np.repeat(images, 3, axis=-1), verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )
    assert ours.output.shape[1:] == (2, 2, 512)
    assert ours.trainable_variables == []
    with pytest.raises(DeblendError, match="images of 31 px"):
        feature_extractor(31, weights)


def test_grey_images_are_scaled_like_equal_colours():
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    grey = np.random.default_rng(0).uniform(size=(2, 5, 5, 1)).astype(np.float32)
    expected = np.concatenate([(grey - m) / s for m, s in zip(mean, std, strict=True)], axis=-1)
    np.testing.assert_allclose(GreyToImageNet(mean, std)(grey), expected, rtol=1e-5, atol=1e-6)
