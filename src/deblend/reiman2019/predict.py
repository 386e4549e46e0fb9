"""Deblend blends with a generator (Reiman & Goehre 2019)."""

import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.hdf5 import new_file, write_array, write_attributes
from deblend.reiman2019.blends import PerturbConfig, render_batches
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.networks import build_generator, use_batch_statistics
from deblend.training.description import building, read_description
from deblend.training.torch_backend import move_to_device
from deblend.training.torch_checkpoint import build_network
from deblend.training.torch_gan import generate_in_batches
from torch import nn

#: Blends of a batch whose statistics an evaluation uses: those of a training batch (Sect. 2.4).
#: A divisor of `deblend.reiman2019.blends.BATCH`.
EVALUATION_BATCH = 16

#: Orientations of a square image: mirrored or not, and four quarter turns.
ORIENTATIONS = 8

#: Images at a time, for each device: few fit into the caches of a CPU.
BATCH = {"cpu": 8, "cuda": 64}


def load_generator(weights: str | Path, description: str | Path) -> tuple[nn.Module, str]:
    """Load a trained generator, and the precision that it was trained in.

    Parameters
    ----------
    weights : path
        `network.h5`.
    description : path
        `network.json`, which says how the generator is built.

    Raises
    ------
    DeblendError
        The description is broken, or the weights are not those of the described generator.
    """
    # Descriptions from before there was a choice have no prelu.
    record = {"prelu": "channel", "perturbation": {}} | read_description(description)
    names = [name for name in GanConfig.model_fields if name in record]

    def build() -> nn.Module:
        config = GanConfig(**{name: record[name] for name in names})
        return build_generator(config, PerturbConfig(**record["perturbation"]).side)

    with building(description):
        precision = record["precision"]
    return build_network(build, weights, description), precision


def predict(
    generator: nn.Module,
    blends: torch.Tensor,
    device: torch.device,
    precision: str = "float32",
    *,
    batch_size: int | None = None,
    orientations: int = 1,
) -> torch.Tensor:
    """Deblend images in batches.

    Parameters
    ----------
    generator : Module
    blends : Tensor, shape (n, 3, y, x)
        In [0, 1].
    device : torch.device
    precision : {"float32", "bfloat16"}
    batch_size : int, optional
        By default that which is fast on the device.
    orientations : int
        `ORIENTATIONS`: the mean of the images that are made of each blend as it is, mirrored and
        turned. The sky has no orientation, so that all have the same expected squared error, and
        their mean has a smaller one. 1: of the blend as it is.

    Returns
    -------
    Tensor, shape (n, 2, 3, y, x), float32
        In [-1, 1], on the CPU.

    Raises
    ------
    DeblendError
        There is no such number of orientations.
    """
    if orientations not in (1, ORIENTATIONS):
        raise DeblendError(f"orientations is {orientations}: give 1 or {ORIENTATIONS}")
    size = BATCH[device.type] if batch_size is None else batch_size

    def images_at(number: int) -> torch.Tensor:
        turned = _turned(blends, number).contiguous(memory_format=torch.channels_last)
        made = generate_in_batches(generator, turned, device, batch_size=size, precision=precision)
        return _turned_back(made, number)

    images = images_at(0)
    for number in range(1, orientations):
        images += images_at(number)
    return images / orientations


def _turned(images: torch.Tensor, number: int) -> torch.Tensor:
    """Images in one of their `ORIENTATIONS`: transposed (4 to 7), then mirrored."""
    axes = [axis for bit, axis in ((1, -1), (2, -2)) if number & bit]
    return (images.transpose(-1, -2) if number & 4 else images).flip(axes)


def _turned_back(images: torch.Tensor, number: int) -> torch.Tensor:
    """Inverse of `_turned`."""
    axes = [axis for bit, axis in ((1, -1), (2, -2)) if number & bit]
    images = images.flip(axes)
    return images.transpose(-1, -2) if number & 4 else images


def predict_blends(
    generator: nn.Module,
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    output: str | Path,
    *,
    device: torch.device,
    precision: str,
    attributes: dict[str, Any],
    batch_statistics: bool = False,
    orientations: int = 1,
) -> float:
    """Deblend with a generator and write its images, with 8 bits per colour as in the input.

    Parameters
    ----------
    generator : Generator
    frames : ndarray of uint8, shape (n, height, width, 3)
    pairs : DataFrame
        See `deblend.reiman2019.blends.draw_pairs`.
    config : PerturbConfig
    output : path
        HDF5 with `images`, (blend, galaxy, y, x, 3).
    device, precision
        See `deblend.training.torch_backend`.
    attributes : dict
        Attributes of the file, such as versions of the software.
    batch_statistics : bool
        Whether batch norms use the mean and variance of each `EVALUATION_BATCH` blends
        (`deblend.reiman2019.networks.use_batch_statistics`).
    orientations : int
        See `predict`.

    Returns
    -------
    float
        Seconds that the generator took.
    """
    batch_size = None
    if batch_statistics:
        batch_size = EVALUATION_BATCH
        use_batch_statistics(generator)
    seconds = 0.0
    move_to_device(generator, device)
    shape = (len(pairs), 2, config.side, config.side, 3)
    with new_file(output) as file:
        chunks = (1, *shape[1:])
        images = write_array(file, "images", shape=shape, dtype=np.uint8, chunks=chunks)
        for rows, blends, _ in render_batches(frames, pairs, config):
            start = time.perf_counter()
            predicted = predict(
                generator,
                blends,
                device,
                precision,
                batch_size=batch_size,
                orientations=orientations,
            )
            seconds += time.perf_counter() - start
            images[rows] = to_uint8(predicted)
        write_attributes(file, attributes)
    return seconds


def read_predictions(path: str | Path, n_blends: int) -> h5py.Dataset:
    """Open a file that `predict_blends` wrote.

    Raises
    ------
    DeblendError
        The file is broken or has another number of blends.
    """
    try:
        images = h5py.File(path, "r")["images"]
        # Read once, so that a broken file is named here.
        for start in range(0, len(images), EVALUATION_BATCH):
            images[start : start + EVALUATION_BATCH]
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} does not hold predictions ({error}): delete it and run again"
        ) from error
    if len(images) != n_blends:
        raise DeblendError(
            f"{path} has {len(images)} blends, not {n_blends}: delete it and run again"
        )
    return images


def to_unit(images: np.ndarray | torch.Tensor) -> np.ndarray:
    """Images as float32 in [0, 1] with the colours last, for the metrics.

    Parameters
    ----------
    images : ndarray of uint8 (..., y, x, 3), or Tensor (..., 3, y, x) in [-1, 1]
    """
    if isinstance(images, torch.Tensor):
        return ((images + 1) / 2).movedim(-3, -1).contiguous().cpu().numpy()
    return images.astype(np.float32) / 255


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Images (..., 3, y, x) in [-1, 1] as (..., y, x, 3), 0 to 255."""
    scaled = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.movedim(-3, -1).contiguous().cpu().numpy()
