"""Checkpoints of a Keras training, which can be resumed from them, and weights of networks."""

import math
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from deblend.errors import DeblendError
from deblend.files import scratch
from deblend.hdf5 import arrays_in, copy_with_checksums, open_file
from deblend.training import checkpoint
from deblend.training.description import BROKEN, building, refuse_large
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
        with open(self.path, "rb") as raw:
            # NumPy reads what an array's header asks for: the zip's checksum is behind it.
            with zipfile.ZipFile(raw) as archive:
                if broken := archive.testzip():
                    raise DeblendError(f"the checksum of {broken} is wrong")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                arrays = dict(file)
        return str(arrays.pop("state")), arrays

    def _restore(self, trainee: Trainee, arrays: dict[str, np.ndarray]) -> None:
        variables = _variables(trainee.model)
        # A flipped bit in the directory of the file can hide arrays: look for all of them first.
        values = [arrays[f"variable{i}"] for i in range(len(variables))]
        best = [arrays[f"best{i}"] for i in range(len(trainee.model.weights))]
        known = [*variables, *trainee.model.weights]
        for i, (variable, value) in enumerate(zip(known, [*values, *best], strict=True)):
            if tuple(variable.shape) != value.shape:
                raise KeyError(f"array {i} of the shape {tuple(variable.shape)}")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        trainee.best = best


def _variables(model: keras.Model) -> list:
    """All variables that a step changes: weights, seeds of random layers, optimizer state."""
    return [*model.non_trainable_variables, *model.trainable_variables, *model.optimizer.variables]


def build_network(
    build: Callable[[], keras.Model], weights: str | Path, description: str | Path
) -> keras.Model:
    """Build a model that a file describes, and load its weights.

    Parameters
    ----------
    build : callable
        Builds the model from the description.
    weights, description : path

    Raises
    ------
    DeblendError
        The model cannot be built, is far larger than its file of weights, or these are not its
        own.
    """
    with building(description):
        # Seeds of layers are drawn from Python's generator, and a training may follow.
        state = random.getstate()
        # No memory is taken for the weights here.
        with keras.StatelessScope(initialize_variables=False):
            n_parameters = build().count_params()
        random.setstate(state)
        refuse_large(n_parameters, weights)
        model = build()
    read_weights(weights, model, description)
    return model


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
        The file is missing or broken, belongs to another network, or has values that are not
        finite.
    """
    try:
        with open_file(path) as file:
            _check_arrays(file, model)
        with warnings.catch_warnings():
            # Keras only warns of layers that the file lacks, and leaves them as they were.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (DeblendError, ValueError, OSError, UserWarning, *BROKEN) as error:
        # Keras prints whole arrays after its first line.
        reason = str(error).partition("\n")[0]
        what = f"that {description} describes" if description else "of this network"
        raise DeblendError(
            f"{path} does not hold the weights {what} ({reason}): delete "
            f"{'both' if description else 'it'} and train again"
        ) from error


def _check_arrays(file: h5py.File, model: keras.Model) -> None:
    """Check that the arrays of a file can be weights of a model: Keras reads them whole."""
    largest = max((math.prod(value.shape) for value in model.weights), default=0)
    for array in arrays_in(file):
        if array.size is None or array.size > largest or array.dtype.kind not in "fiu":
            raise DeblendError(
                f"{array.name} has shape {array.shape} and type {array.dtype}, as no weights of "
                "the network have"
            )
        if not np.isfinite(array[()]).all():
            raise DeblendError(f"{array.name} has NaN or infinite values")
