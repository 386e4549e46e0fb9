"""Record of a run: configuration, versions, backends, devices and the state of the code."""

import logging
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from deblend.checkout import commit_of_code
from deblend.files import public_url, read_json, sha256_once, write_json
from deblend.run.checksums import result_files
from deblend.run.digests import digest_file

log = logging.getLogger(__name__)

#: Name of the record in the folder of results.
NAME = "provenance.json"

#: Packages whose versions can change results.
PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "astropy",
    "galsim",
    "sep",
    "scikit-image",
    "scikit-learn",
    "h5py",
    "keras",
    "tensorflow-cpu",
    "tensorflow",
    "torch",
    "matplotlib",
)


def package_versions() -> dict[str, str]:
    """Versions of those `PACKAGES` that are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def provenance(config: dict[str, Any], networks: dict[str, str | Path]) -> dict[str, Any]:
    """Everything that the results depend on.

    Parameters
    ----------
    config : dict
        The complete configuration.
    networks : dict
        Path of each network's `network.json`, which says how it was trained.

    Returns
    -------
    dict
        Plain values, without dates and paths of this machine.
    """
    keys = ("backend", "backend_version", "keras_version", "device", "threads", "dataset", "scale")
    described = {}
    for name, path in networks.items():
        record = read_json(path)
        described[name] = {key: record[key] for key in keys if key in record}
    return {
        # Asked for here and not in a rule: a commit alone is no reason to run anything again.
        "git": commit_of_code(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": package_versions(),
        "networks": described,
        "seed": config["seed"],
        "config": _without_secrets(config),
    }


def write_provenance(circumstances: str | Path, results: str | Path) -> None:
    """Write the record of a finished run, `NAME`: its circumstances, and digests of its files.

    Parameters
    ----------
    circumstances : path
        From `provenance`, as JSON.
    results : path
        Folder of results. The record has `files` in the order of their names: for each, relative to
        the folder, `n_bytes` and the `sha256` that its job recorded beside it.
    """
    results = Path(results)
    files = {}
    for path in result_files(results):
        digest = _digest_beside(path)
        if digest is not None and path != results / NAME:
            about = {"n_bytes": path.stat().st_size, "sha256": digest}
            files[path.relative_to(results).as_posix()] = about
    write_json(results / NAME, read_json(circumstances) | {"files": files})


def _digest_beside(path: Path) -> str | None:
    """The digest that a job recorded beside its output; None if there is none."""
    record = digest_file(path)
    return record.read_text().split(" ")[0] if record.is_file() else None


def unlike_provenance(results: str | Path) -> dict[str, str]:
    """Files of a finished run that are not those of its record.

    Parameters
    ----------
    results : path

    Returns
    -------
    dict of str
        By the name of the file, relative to the folder: what is wrong.

    Raises
    ------
    DeblendError
        The record is missing or broken.
    """
    results = Path(results)
    record = read_json(results / NAME)
    try:
        files = record.get("files")
        expected = {str(name): str(about["sha256"]) for name, about in (files or {}).items()}
    except (AttributeError, KeyError, TypeError):
        return {NAME: "no record of a run"}
    if files is None:
        log.warning("%s has no digests, as an earlier version wrote it: run again", results / NAME)
        return {}
    found = {}
    for name, digest in expected.items():
        path = results / name
        if not path.is_file():
            found[name] = "gone"
        elif sha256_once(path) != digest:
            found[name] = f"not as in {NAME}"
        elif _digest_beside(path) not in (None, digest):
            found[name] = f"the digest beside it is not that in {NAME}"
    return found


def _without_secrets(value: Any) -> Any:
    """A value of the configuration, with no passwords and signatures in addresses."""
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    is_address = isinstance(value, str) and re.match(r"\w+://\S+$", value)
    return public_url(value) if is_address else value
