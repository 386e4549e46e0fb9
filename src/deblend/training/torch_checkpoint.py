"""The state of a PyTorch training in one file, and weights in HDF5."""

import json
import logging
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import torch
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.training.fingerprints import fits
from torch import nn

log = logging.getLogger(__name__)


class Trainee(Protocol):
    """What a checkpoint keeps."""

    device: torch.device
    optimizers: dict[str, torch.optim.Adam]

    def networks(self) -> dict[str, nn.Module]:
        """By name."""


class Checkpoint:
    """The state of a training in one file.

    Parameters
    ----------
    path : path
    fingerprint : dict
        From `deblend.training.fingerprints.fingerprint`. A file with another one is refused.
    """

    def __init__(self, path: str | Path, fingerprint: dict[str, str]) -> None:
        self.path, self.fingerprint = Path(path), fingerprint

    def save(self, trainer: Trainee, record: dict[str, Any], panels: list[np.ndarray]) -> None:
        """Write everything that a continued training needs, whole or not at all."""
        state = {
            "record": json.dumps({"fingerprint": self.fingerprint, **record}),
            "networks": {k: v.state_dict() for k, v in trainer.networks().items()},
            "optimizers": {k: v.state_dict() for k, v in trainer.optimizers.items()},
            "panels": [torch.from_numpy(p) for p in panels],
        }
        with atomic(self.path) as temporary:
            torch.save(state, temporary)

    def load(self, trainer: Trainee) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Restore a training.

        Returns
        -------
        record : dict
            As saved; empty when training starts afresh.
        panels : list of ndarray
        """
        if not self.path.exists():
            return {}, []
        try:
            # Tensors and plain values only: no code of the file is run.
            # On the host, whence it is copied: Adam's counts of steps have to stay there.
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            record = json.loads(state["record"])
        except Exception as error:  # whatever a broken file makes torch raise
            log.warning("starting afresh: the checkpoint %s is unreadable (%s)", self.path, error)
            return {}, []
        old = record.pop("fingerprint")
        if not fits(self.path, old, self.fingerprint):
            return {}, []
        for name, network in trainer.networks().items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in trainer.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        log.info("resuming after iteration %d of %s", record["iteration"], self.path)
        return record, [p.cpu().numpy() for p in state["panels"]]

    def clear(self) -> None:
        """Remove the file: the training is complete."""
        self.path.unlink(missing_ok=True)


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
