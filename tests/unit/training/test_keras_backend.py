"""Backend of Keras."""

import logging
import sys
from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.errors import DeblendError


def weights(seed):
    backend.configure("tensorflow", 2, seed)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dropout(0.5)])
    return [*model.get_weights(), np.asarray(model(np.ones((5, 8)), training=True))]


def test_the_seed_sets_weights_and_random_layers():
    first, again, other = weights(3), weights(3), weights(4)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        # Biases start from zero, and the last array counts dropped values of other weights.
        assert not np.array_equal(a, c) or not np.any(a)


def test_versions_are_recorded():
    found = backend.configure("tensorflow", 2, 0)
    assert found["backend"] == keras.backend.backend() == "tensorflow"
    assert found["keras_version"] == metadata.version("keras")
    assert found["device"] in ("cpu", "gpu")


def test_the_environment_variable_overrides_the_configuration(monkeypatch, caplog):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with caplog.at_level(logging.INFO):
        assert backend.configure("jax", 2, 0)["backend"] == "tensorflow"
    assert "KERAS_BACKEND=tensorflow overrides the configured backend jax" in caplog.messages


def test_unknown_backend_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(DeblendError, match=r"'theano'.*; it can be tensorflow, torch, jax"):
        backend.configure("tensorflow", 1, 0)


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(DeblendError, match="jax is not installed: set backend"):
        backend.configure("tensorflow", 1, 0)
