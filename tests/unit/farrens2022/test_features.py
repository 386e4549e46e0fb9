"""From stamps to features of VGG-16."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import h5py
import keras
from deblend.errors import DeblendError
from deblend.farrens2022.features import (
    ASINH_RANGE,
    extract_features,
    feature_examples,
    features_of,
    scaled,
    to_eight_bits,
    write_features,
)
from deblend.farrens2022.stamps import noisy_batches
from deblend.training.vgg import NO_SCALING, VggWeights
from deblend.training.vgg_keras import feature_extractor

from tests.unit.farrens2022.conftest import write_stamps


def test_eight_bits_are_as_in_the_authors_files():
    images = np.array([[[-4.0, 2.0], [0.0, 1.0]]])
    assert to_eight_bits(images).tolist() == [[[255, 127], [0, 63]]]
    with pytest.raises(DeblendError, match="1 stamps have no signal .* the first is number 1"):
        to_eight_bits(np.stack([np.ones((4, 4)), np.zeros((4, 4))]))


@pytest.mark.parametrize("augmented", [False, True])
def test_features_are_of_the_stamps_and_with_augmentation_of_turned_ones_too(tmp_path, augmented):
    """The features here are the pixels: augmentation turns stamps, and their noise stays white."""
    sample = write_stamps(tmp_path / "train.h5", 50)
    pixels = keras.Input((32, 32, 1))
    plain = keras.Model(pixels, keras.layers.Flatten()(pixels))
    options = {"noise_sigma": 10.0, "padding": 6, "seed": 1, "item": ("a",)}
    batches = extract_features(plain, sample, **options, augmented=augmented)
    found = np.concatenate(list(batches)).reshape(-1, 32, 32)
    assert found.dtype == np.float16
    assert len(found) == 50 * (1 + augmented)
    with h5py.File(sample) as file:
        clean = np.pad(file["images"][:], [(0, 0), (6, 6), (6, 6)])
    frames = np.abs(next(noisy_batches(sample, 10.0, 6, 1, ("a",))))
    expected = np.floor(255 * frames / frames.max(axis=(1, 2), keepdims=True)) / 255
    np.testing.assert_allclose(found[:50], expected, atol=1.1 / 255)
    for stamp, second in zip(clean, found[50:].astype(float), strict=False):
        turns = [np.rot90(s, k) for s in (stamp, stamp.T) for k in range(4)]
        assert max(np.corrcoef(t.ravel(), second.ravel())[0, 1] for t in turns) > 0.9
    # Neighbouring pixels of the border, which has noise alone, are not correlated.
    border = found[:, :5, :].astype(float)
    border -= border.mean(axis=(1, 2), keepdims=True)
    neighbours = np.mean(border[:, :, 1:] * border[:, :, :-1]) / np.mean(border**2)
    assert abs(neighbours) < 0.05


def test_features_too_large_for_their_type_are_refused():
    pixels = keras.Input((32, 32, 1))
    large = keras.Model(pixels, keras.layers.Rescaling(1e5)(pixels))
    with pytest.raises(DeblendError, match="a feature of VGG-16 is 100000, but .* ends at 65504"):
        features_of(large, np.ones((2, 32, 32)))


def test_examples_are_the_strongest_maps_of_the_first_blend(tmp_path):
    sample = write_stamps(tmp_path / "test.h5", 4)
    keras.utils.set_random_seed(1)
    small = feature_extractor(32, VggWeights([], "none", *NO_SCALING), filters_divisor=16)
    write_features(tmp_path / "f.h5", feature_examples(small, sample, 0.0, 6, seed=1, n_maps=2))
    with h5py.File(tmp_path / "f.h5") as file, h5py.File(sample) as stamps:
        found = {name: file[name][:] for name in file}
        blend = np.pad(stamps["images"][1], 6)
    assert list(found) == ["block1", "block2", "block3", "block4", "block5", "stamp"]
    np.testing.assert_allclose(found["stamp"], blend / blend.max(), atol=1 / 255)
    for number, convolutions in enumerate((2, 2, 3, 3, 3), start=1):
        layer = small.get_layer(f"block{number}_conv{convolutions}")
        maps = keras.Model(small.input, layer.output)(found["stamp"][None, ..., None]).numpy()[0]
        light = np.sort(maps.sum(axis=(0, 1)))[::-1]
        side = 32 // 2 ** (number - 1)
        assert found[f"block{number}"].shape == (2, side, side)
        assert found[f"block{number}"].sum(axis=(1, 2)) == pytest.approx(light[:2], rel=1e-4)


def test_examples_are_what_a_stamp_adds_to_an_empty_one(tmp_path):
    sample = write_stamps(tmp_path / "test.h5", 4)
    keras.utils.set_random_seed(1)
    small = feature_extractor(32, VggWeights([], "none", *NO_SCALING), filters_divisor=16)
    plain = feature_examples(small, sample, 0.0, 6, seed=1, n_maps=2)
    # So large a bias of the last layer hides every stamp, but it is there without one as well.
    last = small.get_layer("block5_conv3")
    last.set_weights([last.get_weights()[0], np.full_like(last.get_weights()[1], 50.0)])
    biased = feature_examples(small, sample, 0.0, 6, seed=1, n_maps=2)
    assert np.abs(biased["block5"]).max() < 10
    np.testing.assert_allclose(biased["block4"], plain["block4"])


def test_asinh_keeps_the_ratio_of_signal_to_noise_and_eight_bits_do_not():
    images = np.random.default_rng(0).normal(0, 100, (3, 8, 8))
    sigma = np.array([5.0, 15.0, 35.0])
    found = scaled(images, "asinh", sigma)
    counts = np.sinh(ASINH_RANGE * found.astype(float)) * sigma[:, None, None]
    np.testing.assert_allclose(counts, images, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(scaled(7 * images, "asinh", 7 * sigma), found, rtol=1e-5)
    eight = scaled(images, "paper", sigma)
    assert np.all(eight.max(axis=(1, 2)) >= 254 / 255)
    np.testing.assert_allclose(scaled(7 * images, "paper", sigma), eight, atol=1.001 / 255)
