"""Trained networks, read from files (Hemmati et al. 2022)."""

import json
from pathlib import Path
from typing import Any

import torch

from .errors import DeblendError
from .gan_training import read_weights
from .sr_data import PairMaker
from .sr_detect import Network
from .sr_training import SrConfig, build_generator
from .torch_backend import place


def config_of(record: dict[str, Any]) -> SrConfig:
    """The configuration that a network's record has."""
    return SrConfig(**{name: record[name] for name in SrConfig.__dataclass_fields__})


def load(
    weights: str | Path,
    description: str | Path,
    maker: PairMaker,
    detection_band: str,
    device: torch.device,
) -> Network:
    """A trained network, built as its record says.

    Raises
    ------
    DeblendError
        It was trained on other bands.
    """
    record = json.loads(Path(description).read_text())
    if record["bands"] != maker.bands:
        raise DeblendError(
            f"{weights} is a network of the bands {', '.join(record['bands'])}, not of "
            f"{', '.join(maker.bands)}: train it again"
        )
    generator = build_generator(config_of(record), len(maker.bands))
    read_weights(weights, generator)
    place(generator, device)
    return Network(generator, maker, maker.bands.index(detection_band))
