"""Trained networks for scenes: found in a folder, checked against the scenes.

A folder of weights has the layout of `results/networks`: a folder for each network, at any depth,
with its description, `network.json`, and its weights. See `docs/scenes.md`.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import psf_fwhm
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)

#: File of weights of each kind of network.
WEIGHTS = {
    "boucaud2020": "network.weights.h5",
    "farrens2022": "head.weights.h5",
    "hemmati2022": "network.h5",
    "reiman2019": "network.h5",
}

#: Networks that run on Keras; the others on PyTorch.
KERAS_KINDS = ("boucaud2020", "farrens2022")

#: Weights of VGG-16, which heads of BlendHunter need: beside the networks, or in the results.
VGG_NAMES = ("vgg16.h5", "../farrens2022/vgg16.h5")

#: Largest relative difference between the widths of the PSF, and that from which a flag is set.
PSF_TOLERANCE, PSF_FLAG = 0.15, 0.05

#: Factor by which the half-light radius by SEP may be outside the training's range: it is measured
#: on a blend.
SIZE_TOLERANCE = 1.25

#: Factor by which noise may differ from that of the training.
NOISE_TOLERANCE = 2.0

#: Magnitudes of a network that are this near to the ends of the training's range are flagged: it
#: puts there what is beyond.
EDGE_MAG = 0.05


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
    """Which paper's network a description is of; None if it is of none that scenes can use."""
    if record.get("architecture") in ("blend2flux", "unet", "blend2mask2flux"):
        return "boucaud2020"
    if "padding_px" in record and "stamp_size" in record:
        return "farrens2022"
    if record.get("kind") == "super_resolution":
        return "hemmati2022"
    return None


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
        None for a network that scenes cannot use, which is logged.

    Raises
    ------
    DeblendError
        The description is no JSON, or its weights are missing.
    """
    description = Path(description)
    try:
        record = json.loads(description.read_text())
    except (OSError, ValueError) as error:
        raise DeblendError(
            f"{description} cannot be read as JSON ({error}): copy it again"
        ) from error
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


def find_networks(folder: str | Path) -> list[Network]:
    """All networks in a folder of weights.

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
        if network is not None:
            found.append(network)
    return found


def select(networks: list[Network], kinds: tuple[str, ...]) -> list[Network]:
    """The networks of some papers."""
    return [network for network in networks if network.kind in kinds]


def check_psf(scenes: Scenes, band: int, trained: float | None, name: str) -> tuple[int, str]:
    """Compare the PSF of a band with that of a training.

    Returns
    -------
    flags : int
        0, or the flag `psf`.
    note : str
        What was compared, for the header of the catalogue.

    Raises
    ------
    DeblendError
        They differ by more than `PSF_TOLERANCE`.
    """
    found = psf_fwhm(scenes, band)
    if found is None or trained is None:
        lacks = "scenes" if found is None else "training"
        return int(flagged("psf", True)), f"the PSF of the {lacks} is unknown: not compared"
    difference = found / trained - 1
    if abs(difference) > PSF_TOLERANCE:
        remedy = (
            f"smooth the images to {trained:.3g} arcsec"
            if difference < 0
            else "train a network on galaxies with the PSF of the images"
        )
        raise DeblendError(
            f"the PSF of band {scenes.bands[band]} has a FWHM of {found:.3g} arcsec, and {name} "
            f"was trained at {trained:.3g} (they may differ by {PSF_TOLERANCE:.0%}): {remedy}"
        )
    note = f"FWHM of the PSF {found:.3g} arcsec, of the training {trained:.3g}"
    return int(flagged("psf", abs(difference) > PSF_FLAG)), note


def range_flags(
    record: dict[str, Any],
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    flux: np.ndarray | None = None,
) -> np.ndarray:
    """Flags of sources whose magnitude or size is outside the range of a training.

    A network says little about what it has not seen: it puts a faint galaxy at the faint end of its
    training. So SEP's magnitudes are compared as well as its own, and a source that SEP does not
    find counts as too faint.

    Parameters
    ----------
    record : dict
        `mag_range`, AB, and `radius_range_arcsec`, half-light radii, of the galaxies of the
        training. Without one it is not compared.
    scenes : Scenes
    band : int
    sources : DataFrame
        Rows of `deblend.scenes.sources.find_sources`.
    flux : ndarray, shape (n,), optional
        Fluxes of the network, counts/s.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    zero_point = float(scenes.zero_points[band])
    auto = sources[f"flux_auto_{band}"].fillna(sources["brightness"]).to_numpy(float)
    flags = np.zeros(len(sources), int)
    mag_range, radii = record.get("mag_range"), record.get("radius_range_arcsec")
    if mag_range is None or radii is None:
        flags |= flagged("range_unknown", True)
    if mag_range is not None:
        low, high = mag_range
        mag = mag_from_flux(auto, zero_point)
        # A magnitude that is not known, of a flux that is not positive, is not within the range.
        outside = ~((mag >= low) & (mag <= high))
        if flux is not None:
            own = mag_from_flux(flux, zero_point)
            outside |= ~((own >= low + EDGE_MAG) & (own <= high - EDGE_MAG))
        flags |= flagged("magnitude", outside)
    if radii is not None:
        radius = intrinsic_radius_arcsec(scenes, band, sources["radius_px"].to_numpy(float))
        small, large = radii[0] / SIZE_TOLERANCE, radii[1] * SIZE_TOLERANCE
        # Where SEP finds nothing there is no size; the magnitude says so already.
        flags |= flagged("size", (radius < small) | (radius > large))
    return flags


def intrinsic_radius_arcsec(scenes: Scenes, band: int, radius_px: np.ndarray) -> np.ndarray:
    """Half-light radii without the PSF, roughly: widths are subtracted in quadrature.

    Half of the light of a Gaussian is within half of its FWHM.
    """
    fwhm = psf_fwhm(scenes, band) or 0.0
    squared = (radius_px * scenes.pixel_scale_arcsec) ** 2 - (fwhm / 2) ** 2
    return np.sqrt(np.maximum(squared, 0))
