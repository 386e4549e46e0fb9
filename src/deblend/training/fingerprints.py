"""Fingerprints, which show whether a checkpoint belongs to the training that is requested."""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def fingerprint(config: dict[str, Any], files: list[str | Path]) -> dict[str, str]:
    """Digests of a configuration and of files, to check whether a checkpoint can be used.

    Parameters
    ----------
    config : dict
        Everything that the training depends on besides its data. The key "code", if given, is a
        digest of the code.
    files : list of path
        Data files, whose content counts.

    Returns
    -------
    dict
        Digests of "config", of "code" if given, and of each file under its path in the folder that
        holds all of them: where that folder is does not count.
    """
    settings = {key: value for key, value in config.items() if key != "code"}
    plain = json.dumps(settings, sort_keys=True).encode()
    digests = {"config": hashlib.sha256(plain).hexdigest()}
    if "code" in config:
        digests["code"] = config["code"]
    paths = [Path(path).absolute() for path in files]
    folder = os.path.commonpath([path.parent for path in paths]) if paths else ""
    for path in paths:
        with open(path, "rb") as file:
            name = path.relative_to(folder).as_posix()
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def fingerprints_match(path: str | Path, old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether a checkpoint has the current fingerprint; if not, the log says what has changed."""
    changed = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    if changed:
        # List "code" and "config" before the data files.
        changed.sort(key=lambda name: (name not in ("code", "config"), name))
        log.warning(
            "starting afresh: since the checkpoint %s was written, %s changed",
            path,
            ", ".join(changed),
        )
    return not changed
