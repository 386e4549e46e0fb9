"""Checkpoints of a PyTorch training, and weights of networks in HDF5."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import h5py
import numpy as np
import torch
from deblend.errors import DeblendError
from deblend.hdf5 import new_file, open_file, write_array
from deblend.training import checkpoint
from deblend.training.description import building, refuse_large
from torch import nn

#: What Adam remembers of a parameter.
ADAM = ("step", "exp_avg", "exp_avg_sq")


class Trainee(checkpoint.Trainee, Protocol):
    """Networks, optimizers and images that a checkpoint contains."""

    optimizers: dict[str, torch.optim.Adam]
    panels: list[np.ndarray]

    def networks(self) -> dict[str, nn.Module]:
        """Networks by name."""


class Checkpoint(checkpoint.Checkpoint[Trainee]):
    """The state of a PyTorch training in one file."""

    def _write(self, path: Path, trainee: Trainee, text: str) -> None:
        state = {
            "record": text,
            "networks": {k: v.state_dict() for k, v in trainee.networks().items()},
            "optimizers": {k: v.state_dict() for k, v in trainee.optimizers.items()},
            "panels": [torch.from_numpy(p) for p in trainee.panels],
        }
        # To a path, PyTorch does not tell why it cannot write, such as that the disk is full.
        with path.open("wb") as file:
            torch.save(state, file)

    def _read(self) -> tuple[str, dict[str, Any]]:
        # PyTorch does not compare the checksums that it writes.
        with zipfile.ZipFile(self.path) as file:
            broken = file.testzip()
        if broken is not None:
            raise ValueError(f"the checksum of {broken} is another one")
        # weights_only: only tensors and plain values are read, and no code in the file is run.
        # map_location: read to the CPU and copied from there, since Adam's step counts must stay on
        # it.
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        return state["record"], state

    def _restore(self, trainee: Trainee, arrays: dict[str, Any]) -> None:
        networks = [(n, arrays["networks"][name]) for name, n in trainee.networks().items()]
        optimizers = [(o, arrays["optimizers"][name]) for name, o in trainee.optimizers.items()]
        panels = [p.numpy() for p in arrays["panels"]]
        # PyTorch changes a part before it finds that another one is missing.
        for network, values in networks:
            _check_network(network, values)
        for optimizer, values in optimizers:
            _check_optimizer(optimizer, values)
        for network, values in networks:
            network.load_state_dict(values)
        for optimizer, values in optimizers:
            optimizer.load_state_dict(values)
        trainee.panels = panels


def _check_network(network: nn.Module, values: dict[str, torch.Tensor]) -> None:
    """Raise KeyError unless values for all tensors of a network are there."""
    for name, expected in network.state_dict().items():
        if values[name].shape != expected.shape:
            raise KeyError(f"{name} of shape {tuple(expected.shape)}")


def _check_optimizer(optimizer: torch.optim.Adam, values: dict[str, Any]) -> None:
    """Raise KeyError unless the state of all parameters that have one is there."""
    groups, state = values["param_groups"], values["state"]
    expected = [len(group["params"]) for group in optimizer.param_groups]
    found = [len(group["params"]) for group in groups]
    if found != expected:
        raise KeyError(f"groups of {expected} parameters")
    for of_parameter in state.values():
        for name in ADAM:
            of_parameter[name]


NetworkType = TypeVar("NetworkType", bound=nn.Module)


def build_network(
    build: Callable[[], NetworkType], weights: str | Path, description: str | Path
) -> NetworkType:
    """Build a network that a file describes, and load its weights.

    Parameters
    ----------
    build : callable
        Builds the network from the description.
    weights, description : path

    Raises
    ------
    DeblendError
        The network cannot be built, is far larger than its file of weights, or these are not its
        own.
    """
    with building(description):
        # This device knows shapes only, so that no memory is taken for the weights.
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            planned = build().state_dict()
        refuse_large(sum(value.numel() for value in planned.values()), weights)
        network = build()
    read_weights(weights, network)
    return network


def write_weights(path: str | Path, network: nn.Module) -> None:
    """Write the weights of a network as HDF5, completely or not at all."""
    with new_file(path) as file:
        for name, value in network.state_dict().items():
            write_array(file, name, value.cpu().numpy())


def read_weights(path: str | Path, network: nn.Module) -> None:
    """Load weights that `write_weights` wrote into a network of the same architecture.

    Raises
    ------
    DeblendError
        The file is missing or broken, belongs to another network, or has values that are not
        finite.
    """
    try:
        with open_file(path) as file:
            arrays = {name: _array(file, name, v) for name, v in network.state_dict().items()}
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (DeblendError, RuntimeError) as error:
        raise DeblendError(
            f"{path} does not hold the weights of this network ({error}): train it again"
        ) from error


def _array(file: h5py.File, name: str, expected: torch.Tensor) -> np.ndarray:
    """An array of a file, which is read only if it is like a tensor of a network."""
    array = file[name]
    is_array = isinstance(array, h5py.Dataset)
    kinds = "f" if expected.is_floating_point() else "biu"
    if not is_array or array.shape != tuple(expected.shape) or array.dtype.kind not in kinds:
        found = f"of shape {array.shape} and type {array.dtype}" if is_array else "a group"
        raise DeblendError(
            f"{name} is {found}, and the network's has {tuple(expected.shape)} and {expected.dtype}"
        )
    values = np.asarray(array)
    if not np.isfinite(values).all():
        raise DeblendError(f"{name} has NaN or infinite values")
    return values
