"""The state of a training in one file: the common part of checkpoints of Keras and PyTorch."""

import json
import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from deblend.files import atomic
from deblend.training.fingerprints import fingerprints_match

log = logging.getLogger(__name__)


class Trainee(Protocol):
    """Object that is trained. It returns its plain values; a `Checkpoint` handles its arrays."""

    def state(self) -> dict[str, Any]:
        """State besides the arrays, as plain values for JSON."""

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the values that `state` returned."""


TraineeType = TypeVar("TraineeType", bound=Trainee)


class Checkpoint(ABC, Generic[TraineeType]):
    """The state of a training, in one file that is written completely or not at all.

    Parameters
    ----------
    path : path
        The file name without the suffix is the name of the network in the log.
    fingerprint : dict
        From `deblend.training.fingerprints.fingerprint`. A file with another fingerprint is not
        used.
    """

    def __init__(self, path: str | Path, fingerprint: dict[str, str]) -> None:
        self.path, self.fingerprint = Path(path), fingerprint

    def save(self, trainee: TraineeType, record: dict[str, Any]) -> None:
        """Write everything that is needed to resume the training.

        Parameters
        ----------
        trainee : Trainee
        record : dict
            Record of the training so far, as plain values.
        """
        text = json.dumps(
            {"fingerprint": self.fingerprint, "trainee": trainee.state(), "record": record}
        )
        with atomic(self.path) as temporary:
            self._write(temporary, trainee, text)

    def load(self, trainee: TraineeType) -> dict[str, Any]:
        """Restore a training.

        Returns
        -------
        dict
            The record that was saved. It is empty if training starts from the beginning, because
            there is no file, or it is unreadable, incomplete or has another fingerprint.
        """
        if not self.path.exists():
            return {}
        try:
            text, arrays = self._read()
            saved = json.loads(text)
            old, state, record = saved["fingerprint"], saved["trainee"], saved["record"]
        except Exception as error:  # a broken file can raise any error
            log.warning("starting afresh: the checkpoint %s is unreadable (%s)", self.path, error)
            return {}
        if not fingerprints_match(self.path, old, self.fingerprint):
            return {}
        try:
            self._restore(trainee, arrays)
        except KeyError as error:
            log.warning("starting afresh: the checkpoint %s lacks %s", self.path, error)
            return {}
        trainee.restore(state)
        return record

    @abstractmethod
    def _write(self, path: Path, trainee: TraineeType, text: str) -> None:
        """Write the arrays of the trainee, and a text, to a file."""

    @abstractmethod
    def _read(self) -> tuple[str, Any]:
        """Read the text of the file, and its arrays for `_restore`."""

    @abstractmethod
    def _restore(self, trainee: TraineeType, arrays: Any) -> None:
        """Set the arrays of the trainee to those that were read.

        If one is missing, this raises KeyError before it changes anything.
        """
