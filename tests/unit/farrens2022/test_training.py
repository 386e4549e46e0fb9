"""VGG-16's weights and BlendHunter's head."""

import pickle

import h5py
import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.errors import DeblendError
from deblend.farrens2022.training import cached_features, train_head
from deblend.training.keras_checkpoint import Checkpoint
from deblend.training.schedule import SteeringConfig
from deblend.training.vgg import (
    IMAGENET_MEAN,
    VGG16_NAMES,
    random_weights,
    read_array_pickle,
    read_keras_file,
    read_vgg,
    write_vgg,
)
from deblend.training.vgg_keras import feature_extractor


@pytest.fixture(scope="module")
def weights():
    return random_weights(1)


def tree(weights):
    return {
        "VGG16_0": {
            f"Conv_{i}": {"kernel": k, "bias": b} for i, (k, b) in enumerate(weights.layers)
        }
    }


def test_weights_go_through_their_file(weights, tmp_path):
    write_vgg(tmp_path / "w.h5", weights)
    back = read_vgg(tmp_path / "w.h5")
    assert back.source == "random"
    for (a, b), (c, d) in zip(weights.layers, back.layers, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    (tmp_path / "w.h5").write_bytes((tmp_path / "w.h5").read_bytes()[:1000])
    with pytest.raises(DeblendError, match="does not hold VGG's weights"):
        read_vgg(tmp_path / "w.h5")


def test_pickled_arrays_are_read_and_nothing_else(weights):
    read = read_array_pickle(pickle.dumps(tree(weights)), "test")
    assert read.mean == IMAGENET_MEAN
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


def test_keras_file_is_read_by_names(weights, tmp_path):
    path = tmp_path / "keras.h5"
    with h5py.File(path, "w") as file:
        for name, (kernel, bias) in zip(VGG16_NAMES, weights.layers, strict=True):
            file[f"{name}/{name}_W_1:0"], file[f"{name}/{name}_b_1:0"] = kernel, bias
    read = read_keras_file(path, "test")
    np.testing.assert_array_equal(read.layers[12][0], weights.layers[12][0])
    with h5py.File(path, "a") as file:
        del file["block3_conv1"]
    with pytest.raises(DeblendError, match="does not hold Keras' vgg16"):
        read_keras_file(path, "test")


def test_the_extractor_is_keras_own_vgg16(weights):
    """The same weights in Keras' own model give the same features."""
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
    with pytest.raises(DeblendError, match="images of 31 px"):
        feature_extractor(31, weights)


STEERING = SteeringConfig(
    learning_rate=0.001,
    schedule="plateau",
    drop_factor=0.5,
    drop_patience=5,
    drop_cooldown=0,
    min_learning_rate=0.0,
    stop_patience=10,
    min_delta=0.0,
    epochs=6,
)


def test_a_head_learns_and_resumes(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 20)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.float32)
    parts = (x[:400], y[:400]), (x[400:], y[400:])
    common = {"seed": 1, "batch_size": 50, "dropout": 0.1, "adam_epsilon": 1e-8}

    def run(name, on_epoch=None):
        checkpoint = Checkpoint(tmp_path / name, {"k": "v"})
        options = {"steering_config": STEERING, "checkpoint": checkpoint, "on_epoch": on_epoch}
        return train_head(*parts, **common, **options)

    model, history, summary = run("a.npz")
    assert summary["val_accuracy"] > 0.8

    def die(epochs):
        if epochs == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("b.npz", die)
    again, continued, _ = run("b.npz")
    assert continued.equals(history)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_divergence_is_noticed(tmp_path):
    x, y = np.ones((40, 8), np.float32), np.ones(40, np.float32)
    with pytest.raises(DeblendError, match="of lost has diverged: .* is nan in epoch 1/6"):
        train_head(
            (x, y),
            (x, y),
            seed=1,
            batch_size=20,
            dropout=0.1,
            adam_epsilon=1e-8,
            steering_config=STEERING.model_copy(update={"learning_rate": float("inf")}),
            checkpoint=Checkpoint(tmp_path / "lost.npz", {}),
        )


def test_features_are_kept_while_their_fingerprint_fits(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        yield np.ones((3, 4), np.float32)

    path = tmp_path / "f.h5"
    for fingerprint, n in (("a", 1), ("a", 1), ("b", 2)):
        assert cached_features(path, fingerprint, 3, compute)[0].shape == (3, 4)
        assert len(calls) == n
