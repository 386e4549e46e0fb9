"""VGG-16 as a feature extractor."""

from dataclasses import replace

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


def test_features_of_faint_images_are_differences_from_an_empty_one():
    rng = np.random.default_rng(0)
    plain = random_weights(1)
    # Without biases features are proportional to the contrast, and an empty image has none.
    biased = [(kernel, rng.normal(0, 0.1, len(b)).astype(np.float32)) for kernel, b in plain.layers]
    std = (50.0, 60.0, 64.0)
    faint = replace(plain, layers=biased, mean=(0.0,) * 3, std=std)
    images = rng.uniform(size=(2, 40, 40, 1)).astype(np.float32)
    empty = np.zeros_like(images[:1])
    features = feature_extractor(40, faint)
    assert not features.predict(empty, verbose=0).any()
    reference = keras.applications.VGG16(weights=None, include_top=False, input_shape=(40, 40, 3))
    for name, pair in zip(VGG16_NAMES, biased, strict=True):
        reference.get_layer(name).set_weights(pair)
    given, nothing = (
        reference.predict((grey / np.array(std)).astype(np.float32), verbose=0)
        for grey in (images, empty)
    )
    expected = (given - nothing) * 58
    assert expected.std() > 0.01
    np.testing.assert_allclose(features.predict(images, verbose=0), expected, rtol=1e-3, atol=1e-3)


def test_grey_images_are_scaled_like_equal_colours():
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    grey = np.random.default_rng(0).uniform(size=(2, 5, 5, 1)).astype(np.float32)
    expected = np.concatenate([(grey - m) / s for m, s in zip(mean, std, strict=True)], axis=-1)
    np.testing.assert_allclose(GreyToImageNet(mean, std)(grey), expected, rtol=1e-5, atol=1e-6)
