"""The git checkout that the code is in."""

import logging
import os
import subprocess
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def git_state(folder: str | Path) -> dict[str, Any]:
    """State of a git checkout.

    Parameters
    ----------
    folder : path

    Returns
    -------
    dict
        The commit, and whether files differ from it (modified). If git cannot say, both are None,
        and unknown_because has the reason, which is also logged.
    """
    command = ["git", "-C", str(folder)]
    # The reason is looked for in git's messages, which are translated otherwise.
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": True}
    options["env"] = os.environ | {"LC_ALL": "C"}
    try:
        commit = subprocess.run([*command, "rev-parse", "HEAD"], **options)
        status = subprocess.run(
            [*command, "status", "--porcelain", "--untracked-files=no"], **options
        )
    except OSError:
        reason = "git is not installed"
    except subprocess.CalledProcessError as error:
        reason = _why_unknown(error.stderr)
    else:
        return {"commit": commit.stdout.strip(), "modified": bool(status.stdout.strip())}
    log.warning("the commit of %s is unknown, and provenance.json has none: %s", folder, reason)
    return {"commit": None, "modified": None, "unknown_because": reason}


def commit_of_code() -> dict[str, Any]:
    """State of the checkout that this code is in, as by `git_state`."""
    return git_state(Path(__file__).parents[2])


def _why_unknown(message: str) -> str:
    """Reason why git does not give the commit, without paths of this machine."""
    if "dubious ownership" in message:
        return (
            "the folder belongs to another user, so that git refuses to read it (allow it with: "
            "git config --global --add safe.directory FOLDER)"
        )
    if "not a git repository" in message:
        return "the folder is not a git checkout"
    return "git failed"
