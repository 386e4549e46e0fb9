"""Labels of stamps by trained heads, compared with the network in numpy and Keras' own VGG-16."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.farrens2022.networks import head
from deblend.farrens2022.predict import label_with_heads
from deblend.farrens2022.stamps import noisy_batches
from deblend.farrens2022.training import run_training
from deblend.training.vgg import VGG16_NAMES, random_weights, write_vgg

from tests.unit.farrens2022.conftest import write_stamps

SIGMA, PADDING, SEED = 20.0, 6, 3


@pytest.fixture(scope="module")
def weights():
    return random_weights(1)


@pytest.fixture(scope="module")
def vgg(weights, tmp_path_factory):
    """The file of the weights."""
    path = tmp_path_factory.mktemp("vgg") / "vgg.h5"
    write_vgg(path, weights)
    return path


def features_of_vgg16(sample, weights, item):
    """Features of Keras' own VGG-16, with the same weights."""
    network = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    for name, pair in zip(VGG16_NAMES, weights.layers, strict=True):
        network.get_layer(name).set_weights(pair)
    size = np.abs(np.concatenate([*noisy_batches(sample, SIGMA, PADDING, SEED, item)]))
    grey = np.floor(255 * size / size.max(axis=(1, 2), keepdims=True)) / 255
    colour = np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)
    return network.predict(colour, verbose=0).reshape(len(grey), -1)


def test_probabilities_are_those_of_each_head(weights, vgg, tmp_path):
    sample = write_stamps(tmp_path / "test.h5", 6)
    features = features_of_vgg16(sample, weights, ("mine",))
    expected, files = {}, {}
    for number, name in enumerate(("sigma5_1", "sigma5_0")):
        keras.utils.set_random_seed(number)
        model = head(features.shape[1])
        # Random features are large: weights are made smaller, so that no probability is 0 or 1.
        model.get_layer("dense1").set_weights(
            [w / np.abs(features).max() for w in model.get_layer("dense1").get_weights()]
        )
        files[name] = tmp_path / f"{name}.weights.h5"
        model.save_weights(files[name])
        w1, b1, w2, b2, w3, b3 = model.get_weights()
        logit = np.maximum((features @ w1 + b1) @ w2 + b2, 0) @ w3 + b3
        expected[name] = 1 / (1 + np.exp(-logit[:, 0]))
    found = label_with_heads(
        sample,
        vgg,
        files,
        dropout=0.5,
        noise_sigma=SIGMA,
        item=("mine",),
        padding=PADDING,
        seed=SEED,
    )
    assert list(found) == ["sigma5_1", "sigma5_0"]
    assert found.to_numpy().std() > 0.01
    for name, probability in expected.items():
        np.testing.assert_allclose(found[name], probability, atol=1e-4)


def test_a_saved_head_labels_as_after_its_training(vgg, tmp_path):
    samples = {
        split: write_stamps(tmp_path / f"{split}.h5", n, seed)
        for seed, (split, n) in enumerate({"train": 8, "validation": 4, "test": 6}.items())
    }
    network = {
        "batch_size": 4,
        "dropout": 0.1,
        "augment": True,
        "adam_epsilon": 1e-8,
        "learning_rate": 1e-5,
        "schedule": "plateau",
        "drop_factor": 0.5,
        "drop_patience": 5,
        "drop_cooldown": 0,
        "min_learning_rate": 0.0,
        "stop_patience": 10,
        "min_delta": 0.0,
        "epochs": 1,
    }
    model, history, summary, probability = run_training(
        samples,
        vgg,
        noise_sigma=SIGMA,
        realisation=1,
        padding=PADDING,
        network=network,
        seed=SEED,
        checkpoint=tmp_path / "c.npz",
        fingerprinted={"code": "1"},
    )
    assert len(history) == 1
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (8, 4, 6)
    is_blend = np.arange(6) % 2 == 1
    assert summary["test_accuracy"] == np.mean((probability >= 0.5) == is_blend)
    model.save_weights(tmp_path / "head.weights.h5")
    found = label_with_heads(
        samples["test"],
        vgg,
        {"head": tmp_path / "head.weights.h5"},
        dropout=0.1,
        noise_sigma=SIGMA,
        item=("parametric", "test", SIGMA, 1),
        padding=PADDING,
        seed=SEED,
    )
    np.testing.assert_allclose(found["head"], probability, atol=1e-6)
