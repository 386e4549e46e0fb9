"""What the trainings of all papers leave: timing and description, but no checkpoint."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deblend.checkout import commit_of_code
from deblend.files import write_json

log = logging.getLogger(__name__)


#: Paths of a training's outputs by name. All trainings have `weights`, `description` (JSON),
#: `history` (CSV) and `timing` (JSON).
Outputs = Mapping[str, str | Path]


@contextlib.contextmanager
def training_outputs(
    timing: str | Path,
    record: Mapping[str, Any],
    recorded: Mapping[str, Any],
    checkpoints: Iterable[str | Path],
) -> Iterator[dict[str, Any]]:
    """Write the timing of a training, and delete its checkpoints when the block succeeds.

    The block writes all other outputs. If it raises or is killed, the checkpoints stay, so that the
    next attempt resumes from them.

    Parameters
    ----------
    timing : path
        JSON file for the duration in seconds and the number of epochs or iterations.
    record : dict
        Record of the training, with `seconds` and `n_epochs` or `n_iterations`, and `problem`, the
        reason why the network has learnt nothing, or None; the last line of the log states it.
    recorded : dict
        Other values for the description: `scale`, `threads`, versions.
    checkpoints : iterable of path
        Files from which the training resumes.

    Yields
    ------
    dict
        The description of the network: `record` without `seconds`, which differ in every run,
        `recorded`, and the `commit` of the code, None where it is unknown.
    """
    counts = {name: record[name] for name in ("n_epochs", "n_iterations") if name in record}
    write_json(timing, {"seconds": record["seconds"], **counts})
    description = {name: value for name, value in record.items() if name != "seconds"}
    yield description | dict(recorded) | {"commit": commit_of_code()["commit"]}
    for path in checkpoints:
        Path(path).unlink(missing_ok=True)
    # The last line of the log.
    if record.get("problem"):
        log.warning("the network has not learnt: %s", record["problem"])
