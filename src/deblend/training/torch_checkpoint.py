"""The state of a PyTorch training in one file, and weights in HDF5."""

from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.training import checkpoint
from torch import nn


class Trainee(checkpoint.Trainee, Protocol):
    """What a checkpoint keeps."""

    optimizers: dict[str, torch.optim.Adam]
    panels: list[np.ndarray]

    def networks(self) -> dict[str, nn.Module]:
        """By name."""


class Checkpoint(checkpoint.Checkpoint[Trainee]):
    """The state of a PyTorch training in one file."""

    def _write(self, path: Path, trainee: Trainee, text: str) -> None:
        state = {
            "record": text,
            "networks": {k: v.state_dict() for k, v in trainee.networks().items()},
            "optimizers": {k: v.state_dict() for k, v in trainee.optimizers.items()},
            "panels": [torch.from_numpy(p) for p in trainee.panels],
        }
        torch.save(state, path)

    def _read(self) -> tuple[str, dict[str, Any]]:
        # Tensors and plain values only: no code of the file is run.
        # On the host, whence it is copied: Adam's counts of steps have to stay there.
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        return state["record"], state

    def _restore(self, trainee: Trainee, arrays: dict[str, Any]) -> None:
        for name, network in trainee.networks().items():
            network.load_state_dict(arrays["networks"][name])
        for name, optimizer in trainee.optimizers.items():
            optimizer.load_state_dict(arrays["optimizers"][name])
        trainee.panels = [p.numpy() for p in arrays["panels"]]


def write_weights(path: str | Path, network: nn.Module) -> None:
    """Write a network's weights as HDF5, whole or not at all."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, value in network.state_dict().items():
            file[name] = value.cpu().numpy()


def read_weights(path: str | Path, network: nn.Module) -> None:
    """Load what `write_weights` wrote into a network of the same build.

    Raises
    ------
    DeblendError
        The file is missing, broken or of another network.
    """
    try:
        with h5py.File(path, "r") as file:
            network.load_state_dict(
                {name: torch.from_numpy(np.asarray(file[name])) for name in network.state_dict()}
            )
    except (OSError, KeyError, RuntimeError) as error:
        raise DeblendError(
            f"{path} does not hold the weights of this network ({error}): train it again"
        ) from error
