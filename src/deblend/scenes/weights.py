"""Trained networks for scenes, found in a folder or made by the workflow.

A folder of weights has the layout of `results/networks`: a folder for each network, at any depth,
with its description, `network.json`, and its weights. See `docs/scenes.md`. No large packages are
imported here, since the rules of the workflow use this module.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblend.errors import DeblendError, UnsuitedError
from deblend.training.description import read_description

log = logging.getLogger(__name__)

#: File of weights of each kind of network.
WEIGHTS = {
    "boucaud2020": "network.weights.h5",
    "farrens2022": "head.weights.h5",
    "hemmati2022": "network.h5",
    "reiman2019": "network.h5",
    "benchmark": "network.h5",
}

#: What a description has to have.
NEEDED = {
    "boucaud2020": ("pixel_scale_arcsec", "stamp_size", "zero_point"),
    "farrens2022": ("pixel_scale_arcsec", "stamp_size", "padding_px"),
    "hemmati2022": ("bands", "images"),
    "reiman2019": ("perturbation", "generator"),
    "benchmark": (),
}

#: What only descriptions of the networks of the benchmark have, by their kind. Scenes do not use
#: them.
OF_BENCHMARK = {
    "blend2posterior": {"blocks", "shares", "n_profiles"},
    "separator": {"levels", "softening", "limit"},
}

#: Papers of the networks that each job of the workflow applies.
JOBS = {
    "keras": ("boucaud2020", "farrens2022"),
    "torch": ("hemmati2022",),
    "separator": ("reiman2019",),
}

#: Weights of VGG-16, which heads of BlendHunter need: beside the networks, or in the results.
VGG_NAMES = ("vgg16.h5", "../farrens2022/vgg16.h5")


class UnsuitedNetworkError(UnsuitedError):
    """Scenes do not have the PSF or the pixels of a network's training."""


class OtherImagesError(UnsuitedNetworkError):
    """A network is for pictures, which scenes are not."""


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes
    ----------
    name : str
        With _ between the parts of the name of its folder.
    kind : str
        The paper that it is of.
    record : dict
        Its description.
    weights, description : Path
    vgg : Path or None
        Weights of VGG-16, for BlendHunter.
    """

    name: str
    kind: str
    record: dict[str, Any]
    weights: Path
    description: Path
    vgg: Path | None = None

    def provenance(self) -> dict[str, Any]:
        """Which network this is, for the header of a catalogue."""
        keys = ("architecture", "kind", "dataset", "band", "bands", "commit", "scale", "problem")
        return {"paper": self.kind} | {k: self.record[k] for k in keys if k in self.record}


def kind_of(record: dict[str, Any]) -> str | None:
    """Which paper's network a description is of; None if it is of none that is known."""
    if record.get("architecture") in ("blend2flux", "unet", "blend2mask2flux"):
        return "boucaud2020"
    if "padding_px" in record and "stamp_size" in record:
        return "farrens2022"
    if record.get("kind") == "super_resolution":
        return "hemmati2022"
    if "generator" in record and "perturbation" in record:
        return "reiman2019"
    if benchmark_kind(record):
        return "benchmark"
    return None


def benchmark_kind(record: dict[str, Any]) -> str | None:
    """Which network of the benchmark a description is of, or None."""
    return next((kind for kind, keys in OF_BENCHMARK.items() if keys <= set(record)), None)


def read_network(
    description: str | Path,
    name: str,
    weights: str | Path | None = None,
    vgg: str | Path | None = None,
) -> Network | None:
    """Read the description of a network.

    Parameters
    ----------
    description : path
        `network.json`.
    name : str
    weights : path, optional
        By default the file beside the description.
    vgg : path, optional

    Returns
    -------
    Network or None
        None for a network of no known kind, which is logged.

    Raises
    ------
    DeblendError
        The description is broken, or its weights are missing.
    """
    description = Path(description)
    record = read_description(description)
    kind = kind_of(record)
    if kind is None:
        log.warning("%s is not of a network that can be applied to scenes: left out", description)
        return None
    names = (WEIGHTS[kind], "network.weights.h5")
    found = (
        Path(weights)
        if weights
        else next(
            (p for p in (description.with_name(n) for n in names) if p.exists()),
            description.with_name(names[0]),
        )
    )
    if not found.exists():
        raise DeblendError(
            f"{description} is there and {found.name} beside it is not: copy the weights too"
        )
    return Network(name, kind, record, found, description, None if vgg is None else Path(vgg))


def find_networks(folder: str | Path, *, of_benchmark: bool = False) -> list[Network]:
    """All networks in a folder of weights.

    Parameters
    ----------
    folder : path
    of_benchmark : bool
        Whether those that only the benchmark takes are among them; else they are left out, which
        is logged.

    Raises
    ------
    DeblendError
        There is none, or one is not complete.
    """
    folder = Path(folder)
    paths = sorted(folder.rglob("network.json"))
    if not paths:
        raise DeblendError(
            f"weights is {folder}, in which there is no network.json: give a folder such as "
            "results/networks, with a folder for each network"
        )
    vgg = next((folder / n for n in VGG_NAMES if (folder / n).exists()), None)
    found = []
    for path in paths:
        parts = path.parent.relative_to(folder).parts
        network = read_network(path, "_".join(parts) or folder.name, vgg=vgg)
        if network is None:
            continue
        if network.kind == "benchmark" and not of_benchmark:
            log.warning("%s is of a network that only the benchmark takes: left out", path)
        else:
            found.append(network)
    return found


def check_description(network: Network) -> None:
    """Check that a network's description has what is needed to apply it.

    Raises
    ------
    DeblendError
        It lacks a key.
    """
    missing = [key for key in NEEDED[network.kind] if network.record.get(key) is None]
    if missing:
        raise DeblendError(
            f"{network.description} lacks {', '.join(missing)}: add what the network was trained "
            "with, or leave it out"
        )


def missing_bands(network: Network, bands: Collection[str]) -> list[str]:
    """Bands of a network's training that are none of those given."""
    one = network.record.get("band")
    trained = network.record.get("bands", [] if one is None else [one])
    return [band for band in trained if band not in bands]


def select(networks: list[Network], kinds: tuple[str, ...]) -> list[Network]:
    """The networks of some papers."""
    return [network for network in networks if network.kind in kinds]
