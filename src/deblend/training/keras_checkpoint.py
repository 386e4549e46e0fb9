"""The state of a Keras training in one file."""

import json
import logging
import zipfile
from pathlib import Path

import keras
import numpy as np
from deblend.files import atomic
from deblend.training.fingerprints import fits
from deblend.training.schedule import Steering

log = logging.getLogger(__name__)


class Checkpoint:
    """The state of a training after its last complete epoch, in one file.

    Parameters
    ----------
    path : path
    fingerprint : dict
        From `fingerprint`. A file with another one is refused.
    """

    def __init__(self, path: str | Path, fingerprint: dict[str, str]) -> None:
        self.path, self.fingerprint = Path(path), fingerprint

    def save(
        self, model: keras.Model, steering: Steering, history: list[dict], best: list[np.ndarray]
    ) -> None:
        """Write everything that a continued training needs, whole or not at all."""
        state = {
            "fingerprint": self.fingerprint,
            "steering": steering.state(),
            "history": history,
        }
        arrays = {f"variable{i}": np.asarray(v) for i, v in enumerate(_variables(model))}
        arrays |= {f"best{i}": v for i, v in enumerate(best)}
        with atomic(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **arrays)

    def load(self, model: keras.Model, steering: Steering) -> tuple[list[dict], list[np.ndarray]]:
        """Restore a training into `model` and `steering`.

        Returns
        -------
        history : list of dict
            A dict an epoch; empty when training starts afresh.
        best : list of ndarray
            Weights of the best epoch so far.
        """
        if not self.path.exists():
            return [], []
        try:
            with open(self.path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = dict(file)
            state = json.loads(str(arrays["state"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.warning("starting afresh: the checkpoint %s is unreadable (%s)", self.path, error)
            return [], []
        old = state["fingerprint"]
        if not fits(self.path, old, self.fingerprint):
            return [], []
        for i, variable in enumerate(_variables(model)):
            variable.assign(arrays[f"variable{i}"])
        steering.restore(state["steering"])
        best = [arrays[f"best{i}"] for i in range(len(model.weights))]
        log.info("resuming after epoch %d of %s", len(state["history"]), self.path)
        return state["history"], best

    def clear(self) -> None:
        """Remove the file: the training is complete."""
        self.path.unlink(missing_ok=True)


def _variables(model: keras.Model) -> list:
    """Everything that a step changes: weights, seeds of random layers, the optimizer's state."""
    return [*model.non_trainable_variables, *model.trainable_variables, *model.optimizer.variables]
