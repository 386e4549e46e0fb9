"""Progress of Keras within an epoch."""

import logging
import re

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import keras
from deblend.training.keras_progress import progress_callback
from deblend.training.loop import Loop

from tests.unit.training.conftest import Checkpoint, Sum


def test_a_long_epoch_reports_each_batch_and_the_last_loss(path, caplog):
    """With a clock that is a minute later at each look, every step is reported."""
    caplog.set_level(logging.INFO, "deblend.training.loop")
    minutes = iter(range(0, 100_000, 60))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.ones((6, 4), np.float32)
    options = {"total": 2, "images": 6, "steps": 3, "clock": minutes.__next__}
    losses = []
    loop = Loop(Checkpoint(path, {}), Sum(), **options)
    for _ in loop:
        fitted = model.fit(x, x[:, 0], 2, verbose=0, callbacks=[progress_callback(loop)])
        losses.append(fitted.history["loss"][0])
    shown = [re.findall(r", step (\d)/3(?:, loss ([\d.]+))?", text) for text in caplog.messages]
    first, second = (f"{loss:.4g}" for loss in losses)
    # Within an epoch, the loss of the one before is shown; at its end, its own.
    assert shown == [
        *[[("0", "")], [("1", "")], [("2", "")], [("3", first)]],
        *[[("0", first)], [("1", first)], [("2", first)], [("3", second)]],
    ]
