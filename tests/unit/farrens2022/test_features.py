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
    augment,
    feature_examples,
    to_eight_bits,
    write_features,
)
from deblend.training.vgg import NO_SCALING, VggWeights
from deblend.training.vgg_keras import feature_extractor

from tests.unit.farrens2022.conftest import write_stamps


def test_eight_bits_are_as_in_the_authors_files():
    images = np.array([[[-4.0, 2.0], [0.0, 1.0]]])
    assert to_eight_bits(images).tolist() == [[[255, 127], [0, 63]]]
    with pytest.raises(DeblendError, match=r"1 stamps have no signal .* \(the first is number 1"):
        to_eight_bits(np.stack([np.ones((4, 4)), np.zeros((4, 4))]))


def test_augmentation_zooms_and_flips_about_the_centre():
    image = np.zeros((1, 65, 65), np.uint8)
    image[0, 30:35, 40:50] = 200
    rng = np.random.default_rng(0)
    out = np.concatenate([augment(image, rng) for _ in range(200)])
    x = np.indices((65, 65))[1]
    centres = np.array([np.average(x, weights=o) for o in out])
    # The blob's centre is at 44.5, 12.5 from the middle: zoomed by 0.8 to 1.2, either side.
    assert np.abs(centres - 32).min() == pytest.approx(12.5 / 1.2, abs=0.5)
    assert np.abs(centres - 32).max() == pytest.approx(12.5 / 0.8, abs=0.5)
    assert 0.35 < np.mean(centres < 32) < 0.65
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(augment(image, rng)[0], out[0])


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
