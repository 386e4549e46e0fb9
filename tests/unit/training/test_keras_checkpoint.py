"""Checkpoints of a small Keras model with dropout."""

import io
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import keras
from deblend.errors import DeblendError
from deblend.training.config import SteeringConfig
from deblend.training.fingerprints import fingerprint
from deblend.training.keras_checkpoint import (
    Checkpoint,
    Trainee,
    build_network,
    read_weights,
    write_weights,
)
from deblend.training.schedule import Steering

from tests.conftest import ROOT

STEERING = SteeringConfig(epochs=4, learning_rate=1e-3, min_delta=0.0)
X = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)


def trainee():
    layers = [keras.layers.Dense(6, activation="relu"), keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    model.optimizer.build(model.trainable_variables)
    return Trainee(model, Steering(STEERING))


def step(trainee):
    """Train with one batch."""
    trainee.model.train_on_batch(X, X.sum(axis=1, keepdims=True))


def test_the_same_weights_give_the_same_bytes(tmp_path):
    """So digests of two runs can be compared."""
    weights = trainee().model.get_weights()
    first, second = (tmp_path / f"{n}.weights.h5" for n in ("first", "second"))
    # HDF5 asks the C library for the time, which Python cannot change: wait for another second.
    for path, wait_s in ((first, 1.1), (second, 0)):
        # Names of layers count from 0, as in another process.
        keras.utils.clear_session()
        model = trainee().model
        model.set_weights(weights)
        write_weights(path, model)
        time.sleep(wait_s)
    assert first.read_bytes() == second.read_bytes()


def test_a_restored_training_continues_with_the_same_steps(tmp_path):
    """The state of Adam and of random layers is restored too."""
    checkpoint = Checkpoint(tmp_path / "state.npz", {})
    first, other = trainee(), trainee()
    for epoch, loss in enumerate((3.0, 2.0)):
        step(first)
        first.judge(epoch, loss)
    checkpoint.save(first, {"done": 2})
    assert checkpoint.load(other) == {"done": 2}
    for _ in range(3):
        step(first)
        step(other)
    for a, b in zip(first.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_weights_of_the_best_epoch_are_kept(tmp_path):
    first = trainee()
    weights = []
    for epoch, loss in enumerate((3.0, 2.0, 2.5)):
        step(first)
        weights.append(first.model.get_weights())
        assert first.judge(epoch, loss) == (epoch < 2)
    checkpoint = Checkpoint(tmp_path / "state.npz", {})
    checkpoint.save(first, {})
    other = trainee()
    checkpoint.load(other)
    for best, expected, last in zip(other.best, *weights[1:], strict=True):
        np.testing.assert_array_equal(best, expected)
        assert not np.array_equal(best, last)


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path, caplog):
    path = tmp_path / "state.npz"
    begun = trainee()
    begun.judge(0, 3.0)
    first = Checkpoint(path, fingerprint({"learning_rate": 1e-3}, []))
    first.save(begun, {"done": 1})
    other = Checkpoint(path, fingerprint({"learning_rate": 1e-4}, []))
    empty = trainee()
    assert other.load(empty) == {}
    assert "starting afresh" in caplog.text
    assert "config changed" in caplog.text
    assert first.load(empty) == {"done": 1}
    assert empty.steering.best_loss == 3.0
    path.write_bytes(path.read_bytes()[:500])
    empty = trainee()
    assert first.load(empty) == {} and empty.best == []
    assert "unreadable" in caplog.text


def test_a_checkpoint_that_lacks_an_array_changes_nothing(tmp_path, caplog):
    """A flipped bit in the directory of the file hides arrays, and is no error of NumPy's."""
    path, begun = tmp_path / "state.npz", trainee()
    step(begun)
    begun.judge(0, 3.0)
    checkpoint = Checkpoint(path, {})
    checkpoint.save(begun, {"done": 1})
    with np.load(path) as file:
        arrays = dict(file)
    fresh = trainee()
    before = [w.copy() for w in fresh.model.get_weights()]
    for name in arrays.keys() - {"state"}:
        np.savez(path, **{key: value for key, value in arrays.items() if key != name})
        caplog.clear()
        assert checkpoint.load(fresh) == {}
        assert caplog.messages == [f"starting afresh: the checkpoint {path} lacks '{name}'"]
        assert fresh.best == []
        assert fresh.steering.state() == trainee().steering.state()
        for found, expected in zip(fresh.model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["variable0", "best0"])
def test_a_checkpoint_with_a_flipped_bit_changes_nothing(tmp_path, caplog, name):
    """Also one in the shape of an array, of which NumPy then reads less, up to no checksum."""
    path = tmp_path / "state.npz"

    def made():
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.optimizer.build(model.trainable_variables)
        return Trainee(model, Steering(STEERING))

    begun, fresh = made(), made()
    begun.judge(0, 3.0)
    checkpoint = Checkpoint(path, {})
    checkpoint.save(begun, {"done": 1})
    content = path.read_bytes()
    shape = content.index(b"(64, 64)", content.index(f"{name}.npy".encode()))
    before = [w.copy() for w in fresh.model.get_weights()]
    for place in range(shape, shape + 8):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            caplog.clear()
            assert checkpoint.load(fresh) == {}
            assert caplog.messages[0].startswith(f"starting afresh: the checkpoint {path}")
    # Another network's arrays, whose checksums are right.
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {name: np.zeros((24, 64), np.float32)})
    assert checkpoint.load(fresh) == {}
    assert fresh.best == []
    for found, expected in zip(fresh.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def small_model():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])


def test_weights_are_read_as_written(tmp_path):
    model, other = small_model(), small_model()
    other.set_weights([w + 1 for w in other.get_weights()])
    write_weights(tmp_path / "w.weights.h5", model)
    read_weights(tmp_path / "w.weights.h5", other)
    for found, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["w.weights.h5"]


def test_a_flipped_bit_in_weights_is_an_error(tmp_path):
    path, model = tmp_path / "w.weights.h5", small_model()
    write_weights(path, model)
    content = path.read_bytes()
    broken = bytearray(content)
    broken[content.index(model.get_weights()[0].tobytes()) + 5] ^= 8
    path.write_bytes(broken)
    with pytest.raises(
        DeblendError, match=r"w\.weights\.h5 does not hold the weights .*train again"
    ):
        read_weights(path, model)


def test_weights_that_cannot_be_written_leave_nothing(tmp_path):
    class Full:
        def save_weights(self, path):
            path.write_bytes(b"the beginning")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_weights(tmp_path / "net.weights.h5", Full())
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
import h5py
from deblend.training.keras_checkpoint import write_weights

class Killed:
    def save_weights(self, path):
        assert str(path).endswith(".weights.h5"), path
        with h5py.File(path, "w") as file:
            file["vars/0"] = [1.0, 2.0]
        if sys.argv[2] == "at once":
            os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] != "at once":
    sync = os.fsync
    os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
write_weights(Path(sys.argv[1]), Killed())
"""


@pytest.mark.parametrize("when", ["at once", "with checksums"])
def test_what_a_killed_process_left_of_weights_is_removed(tmp_path, when):
    path = tmp_path / "network.weights.h5"
    command = [sys.executable, "-c", KILLED, path, when]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    killed = subprocess.run(command, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(tmp_path.iterdir())) == (1 if when == "at once" else 2)
    write_weights(path, small_model())
    assert list(tmp_path.iterdir()) == [path]


def test_planning_a_network_draws_no_random_numbers(tmp_path):
    """A training from its weights is the same as if it had been built once."""

    def build():
        image = keras.Input((4,), name="image")
        return keras.Model(image, keras.layers.Dropout(0.5)(keras.layers.Dense(2)(image)))

    weights, description = tmp_path / "a.weights.h5", tmp_path / "network.json"
    write_weights(weights, build())
    keras.utils.set_random_seed(3)
    build()
    once = random.random()
    keras.utils.set_random_seed(3)
    build_network(build, weights, description)
    assert random.random() == once
