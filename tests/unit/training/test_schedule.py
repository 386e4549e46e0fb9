"""Learning rate, best epoch and early stopping."""

import json

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import keras
from deblend.training.schedule import Steering, SteeringConfig

STEERING = SteeringConfig(
    learning_rate=1e-3,
    schedule="plateau",
    drop_factor=0.5,
    drop_patience=2,
    drop_cooldown=1,
    min_learning_rate=0.0,
    stop_patience=6,
    min_delta=0.0,
    epochs=4,
)


def steered(losses, **changes):
    """A schedule after epochs with these losses, and the learning rate of each epoch."""
    steering, rates = Steering(STEERING.model_copy(update=changes)), []
    for epoch, loss in enumerate(losses):
        rates.append(steering.rate(epoch))
        steering.update(epoch, loss)
    return steering, rates


def test_plateau_drops_waits_and_stops():
    steering, rates = steered([10, 9, 9, 9, 9, 9, 9, 9])
    # A drop after two epochs without improvement. An epoch of cooldown counts again, as in Keras.
    assert rates == [1e-3] * 4 + [5e-4] * 2 + [2.5e-4] * 2
    assert steering.stopped
    assert steering.best_epoch == 1
    copy = Steering(STEERING)
    copy.restore(json.loads(json.dumps(steering.state())))
    assert copy.state() == steering.state()


@pytest.mark.parametrize("cooldown", [0, 1, 2, 3])
def test_the_plateau_is_that_of_keras(cooldown):
    """With the same losses, ReduceLROnPlateau drops at the same epochs."""
    config = STEERING.model_copy(
        update={"drop_cooldown": cooldown, "stop_patience": 99, "epochs": 60}
    )
    losses = np.round(np.random.default_rng(cooldown).uniform(1, 2, 60), 2).tolist()
    steering = Steering(config)
    theirs = keras.callbacks.ReduceLROnPlateau(
        factor=config.drop_factor, patience=config.drop_patience, cooldown=cooldown, min_delta=0.0
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(config.learning_rate), "mse")
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        assert steering.rate(epoch) == pytest.approx(float(model.optimizer.learning_rate)), epoch
        steering.update(epoch, loss)
        theirs.on_epoch_end(epoch, {"val_loss": loss})
    assert steering.learning_rate < 0.1 * config.learning_rate


def test_the_cosine_is_that_of_keras():
    """It ends at a hundredth of the first learning rate, in the last epoch."""
    losses = np.random.default_rng(1).uniform(1, 2, 9)
    _, rates = steered(losses, schedule="cosine", epochs=9)
    theirs = keras.optimizers.schedules.CosineDecay(1e-3, decay_steps=8, alpha=0.01)
    assert rates == pytest.approx([float(theirs(epoch)) for epoch in range(9)], rel=1e-5)
    assert (rates[0], rates[-1]) == pytest.approx((1e-3, 1e-5))


def test_the_learning_rate_has_a_floor():
    rates = steered([1.0] * 9, drop_patience=1, drop_cooldown=0, min_learning_rate=3e-4)[1]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4] + [3e-4] * 6)


def test_a_small_improvement_is_kept_but_does_not_prolong_the_training():
    steering, _ = steered([10, 9.9, 9.8, 9.7], min_delta=1.0, stop_patience=3)
    assert (steering.best_epoch, steering.best_loss) == (3, 9.7)
    assert steering.stopped


@pytest.mark.parametrize(
    ("schedule", "patience", "converged"),
    [
        ("plateau", 2, True),
        # The learning rate is still the first one, and the loss could improve at a lower one.
        ("plateau", 9, False),
        # The cosine would have lowered the learning rate further.
        ("cosine", 2, False),
    ],
)
def test_a_stop_means_convergence_on_a_plateau_with_a_lower_rate_only(
    schedule, patience, converged
):
    changes = {"schedule": schedule, "drop_patience": patience, "stop_patience": 4}
    steering, _ = steered([1.0] * 5, **changes)
    assert steering.stopped
    assert steering.converged is converged
    assert not steered([1.0] * 4, **changes)[0].converged


def test_a_rate_that_cannot_drop_does_not_converge():
    steering, _ = steered([1.0] * 5, min_learning_rate=1e-3, stop_patience=4)
    assert steering.stopped
    assert not steering.converged


def test_no_early_stop_if_not_asked_for():
    steering, _ = steered([1.0] * 50, stop_patience=None)
    assert not steering.stopped
    assert steering.waited_to_stop == 49
