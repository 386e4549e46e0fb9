"""Whether a checkpoint still fits what is to be trained."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def fingerprint(config: dict[str, Any], files: list[str | Path]) -> dict[str, str]:
    """Digest of a configuration and of files, to tell whether a checkpoint still fits.

    Parameters
    ----------
    config : dict
    files : list of path
        Data and source files, by their content.

    Returns
    -------
    dict
        Name to SHA-256 digest: "config", and each file's name.
    """
    plain = json.dumps(config, sort_keys=True).encode()
    digests = {"config": hashlib.sha256(plain).hexdigest()}
    for path in files:
        with open(path, "rb") as file:
            digests[Path(path).name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def fits(path: str | Path, old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether a checkpoint's fingerprint is the present one; if not, the log says what changed."""
    changed = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k))
    if changed:
        log.warning(
            "starting afresh: since the checkpoint %s was written, %s changed",
            path,
            ", ".join(changed),
        )
    return not changed
