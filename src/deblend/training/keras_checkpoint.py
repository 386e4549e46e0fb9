"""Checkpoints of a Keras training, which can be resumed from them, and weights of networks."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from deblend.errors import DeblendError
from deblend.files import scratch
from deblend.hdf5 import copy_with_checksums
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
        variables = _variables(trainee.model)
        # A flipped bit in the directory of the file can hide arrays: look for all of them first.
        values = [arrays[f"variable{i}"] for i in range(len(variables))]
        best = [arrays[f"best{i}"] for i in range(len(trainee.model.weights))]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        trainee.best = best


def _variables(model: keras.Model) -> list:
    """All variables that a step changes: weights, seeds of random layers, optimizer state."""
    return [*model.non_trainable_variables, *model.trainable_variables, *model.optimizer.variables]


def write_weights(path: str | Path, model: keras.Model) -> None:
    """Write the weights of a model as Keras' HDF5, with checksums, completely or not at all."""
    # Keras requires the suffix .weights.h5.
    with scratch(path, ".weights.h5") as plain:
        model.save_weights(plain)
        copy_with_checksums(plain, path)


def read_weights(
    path: str | Path, model: keras.Model, description: str | Path | None = None
) -> None:
    """Load weights that `write_weights` wrote into a model of the same architecture.

    Parameters
    ----------
    path : path
    model : keras.Model
    description : path, optional
        File that describes the network, for the message.

    Raises
    ------
    DeblendError
        The file is missing or broken, or belongs to another network.
    """
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        # Keras prints whole arrays after its first line.
        reason = str(error).partition("\n")[0]
        what = f"that {description} describes" if description else "of this network"
        raise DeblendError(
            f"{path} does not hold the weights {what} ({reason}): delete "
            f"{'both' if description else 'it'} and train again"
        ) from error
