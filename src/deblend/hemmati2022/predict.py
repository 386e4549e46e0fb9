"""Trained networks, read from files (Hemmati et al. 2022)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.hemmati2022.networks import SrConfig, build_generator
from deblend.hemmati2022.pairs import PairMaker
from deblend.seeds import generator as random_generator
from deblend.training.torch_backend import move_to_device
from deblend.training.torch_checkpoint import read_weights
from deblend.training.torch_gan import generate_in_batches
from torch import nn
from tqdm.auto import tqdm


@dataclass(frozen=True)
class Network:
    """A trained generator and what it was trained on.

    Attributes
    ----------
    generator : Module
    maker : PairMaker
        Of its bands.
    band : int
        Where peaks are looked for.
    """

    generator: nn.Module
    maker: PairMaker
    band: int

    @property
    def n_latent(self) -> int:
        """Length of a vanilla GAN's noise vectors."""
        return int(self.generator.n_latent)  # type: ignore[arg-type]


def views(
    networks: dict[str, Network], blends: pd.DataFrame, split: str, device: torch.device
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Images of blends in every resolution, batch by batch, in the detection band.

    Parameters
    ----------
    networks : dict
        Name of a resolution ("gan" first) to network.
    blends : DataFrame
    split : str
    device : torch.device

    Yields
    ------
    rows : slice
    images : dict
        Resolution to (n, y, x): in flux, a network's in the asinh scale.
    """
    first = networks["gan"]
    for start in tqdm(range(0, len(blends), BLENDS), desc=split, disable=None):
        part = blends.iloc[start : start + BLENDS]
        high, low = first.maker.pairs(part, split)
        images = {"high": high[:, first.band], "low": low[:, first.band]}
        images |= {f"{name}_best": images[name] for name in ("high", "low")}
        for name, network in networks.items():
            mine = low if network.maker is first.maker else network.maker.pairs(part, split)[1]
            made = generated(network.generator, network.maker.scale_low.scaled(mine), device)
            images[name] = made[:, network.band]
        yield slice(start, start + len(part)), images


def whole(
    networks: dict[str, Network], blends: pd.DataFrame, split: str, device: torch.device
) -> dict[str, np.ndarray]:
    """The same of all blends at once: one band of thousands of stamps is small."""
    parts = [images for _, images in views(networks, blends, split, device)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


#: Images that a generator makes, and blends in memory, at a time.
BATCH, BLENDS = 128, 500


def config_of(record: dict[str, Any]) -> SrConfig:
    """The configuration that a network's record has."""
    return SrConfig(**{name: record[name] for name in SrConfig.model_fields})


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
    move_to_device(generator, device)
    return Network(generator, maker, maker.bands.index(detection_band))


def generated(
    generator: nn.Module, given: np.ndarray, device: torch.device, precision: str = "float32"
) -> np.ndarray:
    """A generator's images, in batches.

    Parameters
    ----------
    generator : Module
    given : ndarray, shape (n, bands, 22, 22) or (n, n_latent), float32

    Returns
    -------
    ndarray, shape (n, bands, 64, 64), float32
        In [-1, 1].
    """
    images = generate_in_batches(
        generator, torch.from_numpy(given), device, batch_size=BATCH, precision=precision
    )
    return images.numpy()


def latent(seed: int, n: int, n_latent: int, *item: object) -> np.ndarray:
    """Noise vectors, each set from its own generator."""
    rng = random_generator(seed, "hemmati2022 latent", *item)
    return rng.standard_normal((n, n_latent)).astype(np.float32)
