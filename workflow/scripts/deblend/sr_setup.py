"""Cut-outs, their splits and trained networks, read from files (Hemmati et al. 2022)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from .errors import DeblendError
from .gan_training import read_weights
from .sr_data import LowConfig, PairMaker
from .sr_detect import Network
from .sr_training import SrConfig, build_generator
from .stamps import Stamps, read_stamps
from .torch_backend import place

SPLITS = ("train", "validation", "test")


def read_cutouts(cutouts: str | Path, split: str | Path) -> tuple[Stamps, dict[str, np.ndarray]]:
    """Cut-outs, and which of them belong to each split.

    Raises
    ------
    DeblendError
        The table of splits is not that of the cut-outs, or a split has fewer than two galaxies.
    """
    stamps = read_stamps(cutouts)
    table = pd.read_csv(split, dtype={"id": str}).set_index("id")["split"]
    ids = stamps.galaxies["id"].astype(str)
    unknown = [i for i in ids if i not in table.index]
    if unknown:
        raise DeblendError(f"{split} has no galaxy {unknown[0]} of {cutouts}: make both anew")
    mine = table.loc[ids].to_numpy()
    rows = {name: np.flatnonzero(mine == name) for name in SPLITS}
    for name, found in rows.items():
        if len(found) < 2:
            raise DeblendError(
                f"the split {name} of {cutouts} has {len(found)} galaxies: a blend needs two; give "
                "more galaxies, or wider cuts"
            )
    return stamps, rows


def make(
    stamps: Stamps,
    rows: dict[str, np.ndarray],
    *,
    bands: list[str],
    detection_band: str,
    low: dict[str, float],
    seed: int,
    name: str,
) -> PairMaker:
    """A `PairMaker` of some bands, scaled on the training galaxies."""
    return PairMaker(
        stamps,
        bands,
        LowConfig(**low),
        seed=seed,
        train_rows=rows["train"],
        name=name,
        detection_band=detection_band,
    )


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
