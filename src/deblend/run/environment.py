"""Places that need care: folders with spaces and brackets, and home folders that cannot be written.

Only the environment of this process and of the jobs that it starts is changed.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from deblend.errors import DeblendError
from deblend.run.parents import announce_run

#: Environment variables of the folders in which packages keep files, and names of our folders.
CACHES = {
    "XDG_CACHE_HOME": "caches",  # astropy, matplotlib, PyTorch
    "MPLCONFIGDIR": "caches/matplotlib",
    "ASTROPY_CONFIG_DIR": "caches/astropy_configuration",
    "KERAS_HOME": "caches/keras",
}


def prepare_environment(project: str | Path, is_main: bool = True) -> None:
    """Make this process and its jobs independent of where the project and the home folder are.

    The jobs also get to know which process started them, see `deblend.run.parents`.

    Parameters
    ----------
    project : path
        Folder of the project.
    is_main : bool
        See `deblend.run.parents.announce_run`.

    Raises
    ------
    DeblendError
        The path of the project has braces.
    """
    if {"{", "}"} & set(str(project)):
        raise DeblendError(
            f"the path of the project, {project}, has braces, which Snakemake takes for names of "
            "wildcards: rename the folder (spaces and other characters are fine)"
        )
    announce_run(is_main)
    sys.executable = shell_word(sys.executable)
    os.environ.update(caches_elsewhere(os.environ, Path.cwd() / ".snakemake"))


def installed_version(package: str) -> str:
    """Version of an optional package in this environment; `absent` without it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def shell_word(path: str) -> str:
    """A path as one word of a shell command; a path that has been quoted before stays as it is.

    Snakemake starts scripts with `sys.executable` in a shell, without quotes, so that a space or a
    bracket in the path of the project would end the word there.
    """
    return shlex.quote(path) if Path(path).exists() else path


def caches_elsewhere(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables for caches in another folder, if the home folder cannot be written.

    Parameters
    ----------
    environment : mapping
        Variables that are set in it are left as they are.
    folder : path
        Where the folders are made.

    Returns
    -------
    dict
        The variables to set: none if the home folder can be written.
    """
    try:
        if Path.home().is_dir() and os.access(Path.home(), os.W_OK):
            return {}
    except RuntimeError:  # there is none
        pass
    missing = {name: folder / part for name, part in CACHES.items() if name not in environment}
    for path in missing.values():
        path.mkdir(parents=True, exist_ok=True)
    return {name: str(path) for name, path in missing.items()}
