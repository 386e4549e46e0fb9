"""The state of a training in one file: what Keras' and PyTorch's checkpoints share."""

import json
import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from deblend.files import atomic
from deblend.training.fingerprints import fits

log = logging.getLogger(__name__)


class Trainee(Protocol):
    """What is trained: its plain state; its arrays are the framework's to read and write."""

    def state(self) -> dict[str, Any]:
        """Whatever else steers the training, as plain values that JSON can hold."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state written earlier."""


Kind = TypeVar("Kind", bound=Trainee)


class Checkpoint(ABC, Generic[Kind]):
    """The state of a training, in one file that is there whole or not at all.

    Parameters
    ----------
    path : path
        Its name without the suffix is the network's in the log.
    fingerprint : dict
        From `deblend.training.fingerprints.fingerprint`. A file with another one is refused.
    """

    def __init__(self, path: str | Path, fingerprint: dict[str, str]) -> None:
        self.path, self.fingerprint = Path(path), fingerprint

    def save(self, trainee: Kind, record: dict[str, Any]) -> None:
        """Write everything that a continued training needs.

        Parameters
        ----------
        trainee : Trainee
        record : dict
            Of the training so far, as plain values.
        """
        text = json.dumps(
            {"fingerprint": self.fingerprint, "trainee": trainee.state(), "record": record}
        )
        with atomic(self.path) as temporary:
            self._write(temporary, trainee, text)

    def load(self, trainee: Kind) -> dict[str, Any]:
        """Restore a training.

        Returns
        -------
        dict
            The record that was saved; empty when training starts afresh, since there is no file,
            it is unreadable or of another fingerprint.
        """
        if not self.path.exists():
            return {}
        try:
            text, arrays = self._read()
            saved = json.loads(text)
            old, state, record = saved["fingerprint"], saved["trainee"], saved["record"]
        except Exception as error:  # whatever a broken file makes the framework raise
            log.warning("starting afresh: the checkpoint %s is unreadable (%s)", self.path, error)
            return {}
        if not fits(self.path, old, self.fingerprint):
            return {}
        self._restore(trainee, arrays)
        trainee.restore(state)
        return record

    def clear(self) -> None:
        """Remove the file: the training is complete."""
        self.path.unlink(missing_ok=True)

    @abstractmethod
    def _write(self, path: Path, trainee: Kind, text: str) -> None:
        """Write the trainee's arrays and a text to a file."""

    @abstractmethod
    def _read(self) -> tuple[str, Any]:
        """The text of the file, and its arrays as `_restore` takes them."""

    @abstractmethod
    def _restore(self, trainee: Kind, arrays: Any) -> None:
        """Put arrays that were read into the trainee."""
