"""Read trained networks and make images with them (Hemmati et al. 2022)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.classical import stack_bands
from deblend.hemmati2022.networks import SrConfig, build_generator
from deblend.hemmati2022.pairs import BATCH, PairMaker, make_pair_maker, of_band
from deblend.scratch import new_array
from deblend.seeds import generator as random_generator
from deblend.space import need_memory
from deblend.training.description import read_description
from deblend.training.torch_backend import move_to_device
from deblend.training.torch_checkpoint import build_network
from deblend.training.torch_gan import generate_in_batches
from torch import nn
from tqdm.auto import tqdm

#: Memory for images of all blends in all resolutions, bytes.
KEPT_BYTES = 2**30


@dataclass(frozen=True)
class Network:
    """A trained generator, and what makes its input.

    Attributes
    ----------
    generator : Module
    maker : PairMaker
        Renders images in the bands of the generator.
    band : int
        Number of the band in which peaks are searched for.
    """

    generator: nn.Module
    maker: PairMaker
    band: int

    @property
    def n_latent(self) -> int:
        """Length of a vanilla GAN's noise vectors."""
        return int(self.generator.n_latent)  # type: ignore[arg-type]


def image_batches(
    networks: dict[str, Network], blends: pd.DataFrame, split: str, device: torch.device
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Images of blends in every resolution, batch by batch.

    All are in the detection band, but "low_stack", the sum of the bands of a network with several
    (`deblend.hemmati2022.classical.stack_bands`), and NETWORK_stack, the mean of such a network's.

    Parameters
    ----------
    networks : dict
        Network of each resolution, "gan" first.
    blends : DataFrame
    split : str
    device : torch.device

    Yields
    ------
    rows : slice
    images : dict
        Images of each resolution, (n, y, x): in flux, but those of networks in the asinh scale.
    """
    first = networks["gan"]
    for start in tqdm(range(0, len(blends), BATCH), desc=split, disable=None):
        part = blends.iloc[start : start + BATCH]
        high, low = first.maker.pairs(part, split)
        images = {"high": of_band(high, first.band), "low": of_band(low, first.band)}
        lows = {id(first.maker): low}
        for name, network in networks.items():
            maker = network.maker
            if id(maker) not in lows:
                lows[id(maker)] = maker.pairs(part, split)[1]
            network_low = lows[id(maker)]
            network_images = generate_images(
                network.generator, maker.scale_low.scaled(network_low), device
            )
            images[name] = of_band(network_images, network.band)
            if len(maker.bands) > 1:
                images["low_stack"] = stack_bands(network_low, maker.noise_low)
                images[f"{name}_stack"] = network_images.mean(axis=1)
        yield slice(start, start + len(part)), images


def all_images(
    networks: dict[str, Network],
    blends: pd.DataFrame,
    split: str,
    device: torch.device,
    kept_bytes: int = KEPT_BYTES,
) -> dict[str, np.ndarray]:
    """As `image_batches`, but of all blends at once.

    Parameters
    ----------
    networks, blends, split, device
        See `image_batches`.
    kept_bytes : int
        Memory for all of them, of which each resolution has its share: images of one that take more
        are in a file (`deblend.scratch.new_array`).
    """
    images: dict[str, np.ndarray] = {}
    for rows, of_batch in image_batches(networks, blends, split, device):
        if not images:
            # Those of the first batch tell how much all take.
            n_bytes = sum(image.nbytes for image in of_batch.values()) * len(blends) // rows.stop
            need_memory(
                f"images of {len(blends)} {split} blends in {len(of_batch)} resolutions",
                min(n_bytes, kept_bytes),
                "fewer blends (hemmati2022 > n_blends)",
            )
            own = kept_bytes // len(of_batch)
            images = {
                name: new_array((len(blends), *image.shape[1:]), image.dtype, kept_bytes=own)
                for name, image in of_batch.items()
            }
        for name, image in of_batch.items():
            images[name][rows] = image
    return images


#: Images that a generator makes at a time.
IMAGE_BATCH = 128


def config_from_record(record: dict[str, Any]) -> SrConfig:
    """The configuration in the record of a network."""
    return SrConfig(**{name: record[name] for name in SrConfig.model_fields})


def load_network(
    weights: str | Path,
    description: str | Path,
    maker: PairMaker,
    detection_band: str,
    device: torch.device,
) -> Network:
    """Load a trained network.

    Parameters
    ----------
    weights : path
        `network.h5`.
    description : path
        `network.json`, which says how the generator is built.
    maker : PairMaker
        Renders images in the bands of the network.
    detection_band : str
    device : torch.device

    Raises
    ------
    DeblendError
        The network was trained on other bands.
    """
    record = read_description(description)
    if record.get("bands") != maker.bands:
        raise DeblendError(
            f"{weights} is a network of the bands {', '.join(record.get('bands') or [])}, not of "
            f"{', '.join(maker.bands)}: train it again"
        )
    generator = build_network(
        lambda: build_generator(config_from_record(record), len(maker.bands)), weights, description
    )
    move_to_device(generator, device)
    return Network(generator, maker, maker.bands.index(detection_band))


def load_networks(
    networks: dict[str, dict[str, Any]],
    files: dict[str, tuple[str | Path, str | Path]],
    stamps: Stamps,
    rows: dict[str, np.ndarray],
    maker: dict[str, Any],
    device: torch.device,
) -> dict[str, Network]:
    """Load several networks; those of the same bands share an object that renders their images.

    Parameters
    ----------
    networks : dict
        `bands` of each network.
    files : dict
        Weights and description of each network: see `load_network`.
    stamps, rows
        From `deblend.hemmati2022.pairs.read_cutouts`.
    maker : dict
        Options of `deblend.hemmati2022.pairs.make_pair_maker`; the bands are those of the networks.
    device : torch.device
    """
    makers: dict[tuple[str, ...], PairMaker] = {}
    loaded = {}
    for name, options in networks.items():
        bands = tuple(options["bands"])
        if bands not in makers:
            makers[bands] = make_pair_maker(stamps, rows, **maker | {"bands": list(bands)})
        loaded[name] = load_network(*files[name], makers[bands], maker["detection_band"], device)
    return loaded


def generate_images(
    generator: nn.Module, inputs: np.ndarray, device: torch.device, precision: str = "float32"
) -> np.ndarray:
    """Make images with a generator, in batches.

    Parameters
    ----------
    generator : Module
    inputs : ndarray, shape (n, bands, 22, 22) or (n, n_latent), float32
        Low-resolution images, or noise vectors.
    device : torch.device
    precision : {"float32", "bfloat16"}

    Returns
    -------
    ndarray, shape (n, bands, 64, 64), float32
        In [-1, 1].
    """
    images = generate_in_batches(
        generator, torch.from_numpy(inputs), device, batch_size=IMAGE_BATCH, precision=precision
    )
    return images.numpy()


def latent_vectors(seed: int, n: int, n_latent: int, *item: object) -> np.ndarray:
    """Draw n noise vectors, with a random generator of their own for each `item`."""
    rng = random_generator(seed, "hemmati2022 latent", *item)
    return rng.standard_normal((n, n_latent)).astype(np.float32)
