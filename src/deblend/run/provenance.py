"""Record of a run: configuration, versions, backends, devices and the state of the code."""

import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from deblend.checkout import commit_of_code
from deblend.files import public_url, read_json

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


def _without_secrets(value: Any) -> Any:
    """A value of the configuration, with no passwords and signatures in addresses."""
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    is_address = isinstance(value, str) and re.match(r"\w+://\S+$", value)
    return public_url(value) if is_address else value
