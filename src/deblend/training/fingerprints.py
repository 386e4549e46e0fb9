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
        Its key "code", where there is one, is a digest of the code that trains; the rest is what
        the training depends on besides its data.
    files : list of path
        Data files, by their content.

    Returns
    -------
    dict
        Name to digest: "config", "code" where there is one, and each file's name.
    """
    rest = {key: value for key, value in config.items() if key != "code"}
    plain = json.dumps(rest, sort_keys=True).encode()
    digests = {"config": hashlib.sha256(plain).hexdigest()}
    if "code" in config:
        digests["code"] = config["code"]
    for path in files:
        with open(path, "rb") as file:
            digests[Path(path).name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def fits(path: str | Path, old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether a checkpoint's fingerprint is the present one; if not, the log says what changed."""
    changed = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    if changed:
        # "code" and "config" before the data files.
        changed.sort(key=lambda name: (name not in ("code", "config"), name))
        log.warning(
            "starting afresh: since the checkpoint %s was written, %s changed",
            path,
            ", ".join(changed),
        )
    return not changed
