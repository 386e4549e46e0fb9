"""Whether the files and folders that the configuration names are there.

Snakemake takes finished results for given ones where what they are made from is missing. A misspelt
path would thus leave the old figures in place without a word.
"""

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from deblend.data.listing import is_pattern, matching_files
from deblend.errors import DeblendError

#: Keys of paths, in entries of data sets, fields, cut-outs and bands.
PATH_KEYS = (
    *("images", "segmaps", "catalog", "fits_catalog", "redshift_catalog"),
    *("mosaic", "morphology", "psf", "weight", "positions"),
)
#: Keys of maps of entries that need not be used.
NAMED_ENTRIES = ("datasets", "samples", "image_sets", "cutouts", "scenes")
#: Beginnings of the names of tables that are fetched from VizieR or unpacked from an archive.
FETCHED = ("vizier:", "archive:")


def check_inputs(
    config: dict[str, Any], archives: Collection[str], project: str | Path, where: str
) -> list[str]:
    """Check that the local files and folders that the configuration names exist.

    A missing one is an error where finished results hide that it is missing. Else it is a warning:
    a configuration can have entries that are not used, and Snakemake stops where one is.

    Parameters
    ----------
    config : dict
        The complete configuration (`deblend.run.config.validated`).
    archives : collection of str
        Names of archives, which stand for downloads.
    project : path
        Folder of the project. The table of rejected galaxies is relative to it, all other paths to
        the working directory.
    where : str
        What messages call the configuration.

    Returns
    -------
    list of str
        Warnings, each in one line: the key, its value, and the nearest name that exists.

    Raises
    ------
    DeblendError
        In such a line.
    """
    results, warnings = Path(config["pathvars"]["results"]), []
    for keys, path in local_inputs(config, archives):
        problem = _problem_of(path, keys[-1], Path(project if keys[-1] == "rejected" else ""))
        if problem is None:
            continue
        message = f"{' > '.join([where, *keys])}: {problem}"
        if has_results(keys, results):
            raise DeblendError(message)
        warnings.append(message)
    return warnings


def has_results(keys: tuple[str, ...], results: Path) -> bool:
    """Whether there are results that may have been made from the input of a key.

    Parameters
    ----------
    keys : tuple of str
        From `local_inputs`.
    results : pathlib.Path
        Folder of the results. Those of a data set, image set, set of cut-outs or sample are in
        folders of its name; those of other inputs are among the figures.
    """
    section = next((n for n, key in enumerate(keys) if key in NAMED_ENTRIES), None)
    if section is None:
        return (results / "figures").exists()
    name = keys[section + 1]
    patterns = (f"*/{name}", f"boucaud2020/*/{name}")
    return any(True for pattern in patterns for _ in results.glob(pattern))


def _problem_of(path: str, key: str, folder: Path) -> str | None:
    """Message about a path, or None if it exists."""
    try:
        if key in ("images", "segmaps") and is_pattern(path):
            if matching_files(path):
                return None
            return f"no file matches {path}; correct the pattern, or put the files there"
        return None if (folder / path).exists() else missing_path(path, folder)
    # For example: the folder that it is in cannot be read.
    except OSError as error:
        return f"{path} cannot be looked up ({error})"


def local_inputs(
    config: dict[str, Any], archives: Collection[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys and values of all paths of local inputs; addresses and archives are left out."""
    for keys, path in _named_inputs(config):
        if path and "://" not in path and not path.startswith(FETCHED) and path not in archives:
            yield keys, path


def _named_inputs(config: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Keys and values of all inputs, which can also be addresses, archives or None."""
    for name, entry in config["datasets"].items():
        yield from _paths_of(entry, "datasets", name)
    paper = config["boucaud2020"]
    yield ("boucaud2020", "cleaning", "rejected"), paper["cleaning"]["rejected"]
    yield ("boucaud2020", "published_catalogue"), paper["published_catalogue"]
    paper = config["farrens2022"]
    for name, entry in paper["samples"].items():
        if entry["source"] == "files":
            yield ("farrens2022", "samples", name, "catalog"), entry["catalog"]
    yield ("farrens2022", "published_predictions"), paper["published_predictions"]
    for name, entry in config["reiman2019"]["image_sets"].items():
        if entry["source"] == "files":
            yield ("reiman2019", "image_sets", name, "folder"), entry["folder"]
    paper = config["hemmati2022"]
    for name, entry in paper["cutouts"].items():
        yield from _paths_of(entry, "hemmati2022", "cutouts", name)
    for name, entry in config.get("scenes", {}).items():
        yield from _paths_of(entry, "scenes", name)
        yield ("scenes", name, "weights"), entry["weights"]
    yield ("hemmati2022", "hsc_pairs", "folder"), paper["hsc_pairs"]["folder"]


def _paths_of(entry: dict[str, Any], *keys: str) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Paths in an entry and in those of its fields or bands."""
    for key in PATH_KEYS:
        if isinstance(entry.get(key), list):
            for number, path in enumerate(entry[key]):
                yield (*keys, key, str(number)), path
        elif key in entry:
            yield (*keys, key), entry[key]
    for part in ("fields", "bands"):
        for number, section in enumerate(entry.get(part, ())):
            yield from _paths_of(section, *keys, part, str(number))


def missing_path(path: str, folder: str | Path = ".") -> str:
    """Message about a path that does not exist, with the nearest name that does.

    Parameters
    ----------
    path : str
    folder : path
        What a relative path is relative to.
    """
    parts = Path(path).parts
    # The longest part of the path that exists: the next name is the one that is wrong.
    root = Path(folder)
    known = next(n for n in range(len(parts) - 1, -1, -1) if root.joinpath(*parts[:n]).is_dir())
    parent = Path(*parts[:known])
    text = f"there is no {path}"
    if not Path(path).is_absolute():
        text += f" in {root.resolve()}"
    if parts[0] == "~":
        return f"{text}; ~ does not stand for your home folder here: write the whole path"
    names = {name.casefold(): name for name in _names_in(root / parent)}
    for close in difflib.get_close_matches(parts[known].casefold(), names, n=1):
        return f"{text}; did you mean {parent / names[close]}?"
    return f"{text}; correct the path, or put the file there"


def _names_in(folder: Path) -> list[str]:
    """Names in a folder; none if it cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
