"""Checkpoints of a Keras training, which can be resumed from them."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from deblend.training import checkpoint
from deblend.training.schedule import Steering


class Trainee:
    """A model, the schedule of its training, and the weights of its best epoch.

    Parameters
    ----------
    model : keras.Model
        Compiled, with the variables of the optimizer created.
    steering : Steering

    Attributes
    ----------
    best : list of ndarray
        Weights of the epoch with the lowest validation loss; empty before the first epoch.
    """

    def __init__(self, model: keras.Model, steering: Steering) -> None:
        self.model, self.steering = model, steering
        self.best: list[np.ndarray] = []

    def judge(self, epoch: int, loss: float) -> bool:
        """Record the validation loss of an epoch (from 0), and keep the weights if it is the best.

        Returns
        -------
        bool
            Whether it is the best epoch so far.
        """
        is_best = self.steering.update(epoch, loss)
        if is_best:
            self.best = self.model.get_weights()
        return is_best

    def state(self) -> dict[str, Any]:
        """State of the schedule."""
        return self.steering.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the state of the schedule."""
        self.steering.restore(state)


class Checkpoint(checkpoint.Checkpoint[Trainee]):
    """The state of a Keras training in one file."""

    def _write(self, path: Path, trainee: Trainee, text: str) -> None:
        arrays = {f"variable{i}": np.asarray(v) for i, v in enumerate(_variables(trainee.model))}
        arrays |= {f"best{i}": v for i, v in enumerate(trainee.best)}
        with open(path, "wb") as file:
            np.savez(file, allow_pickle=False, state=np.array(text), **arrays)

    def _read(self) -> tuple[str, dict[str, np.ndarray]]:
        with open(self.path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        return str(arrays.pop("state")), arrays

    def _restore(self, trainee: Trainee, arrays: dict[str, np.ndarray]) -> None:
        for i, variable in enumerate(_variables(trainee.model)):
            variable.assign(arrays[f"variable{i}"])
        trainee.best = [arrays[f"best{i}"] for i in range(len(trainee.model.weights))]


def _variables(model: keras.Model) -> list:
    """All variables that a step changes: weights, seeds of random layers, optimizer state."""
    return [*model.non_trainable_variables, *model.trainable_variables, *model.optimizer.variables]
