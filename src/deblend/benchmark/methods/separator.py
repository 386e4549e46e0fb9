"""The copy-gate separator on monochrome images, as a method of the benchmark.

It is the generator that stands beside that of Reiman & Goehre 2019, trained by
`deblend.benchmark.separator_training` on sums of the training galaxies of the benchmark's data set.
"""

import functools

import numpy as np
import pandas as pd
import torch
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.trained_units import trained_units
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.scenes.scenes import Scenes
from deblend.training.description import read_description
from deblend.training.torch_checkpoint import build_network

#: Colours of the generator, which all get the same image.
COLOURS = 3


def stretched(images: np.ndarray, softening: float, limit: float) -> np.ndarray:
    """Images in the scale of the network: 0 without light, 1 at the limit (counts/s)."""
    return np.arcsinh(images / softening) / np.arcsinh(limit / softening)


def unstretched(images: np.ndarray, softening: float, limit: float) -> np.ndarray:
    """The inverse of `stretched`."""
    return softening * np.sinh(images * np.arcsinh(limit / softening))


@functools.cache
def _loaded(weights: str, description: str) -> tuple[CopyGateGenerator, dict]:
    record = read_description(description)
    generator = build_network(
        lambda: CopyGateGenerator(record["filters"], record["levels"]), weights, description
    )
    return generator.eval(), record


def separated(generator: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    """Both galaxies of stretched images (n, y, x): shape (n, 2, y, x)."""
    tensor = torch.from_numpy(np.ascontiguousarray(images, np.float32))
    with torch.inference_mode():
        made = generator(tensor[:, None].expand(-1, COLOURS, -1, -1))
    return (made.mean(dim=2).numpy() + 1) / 2


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    weights: str,
    description: str,
) -> Catalogue:
    """Fluxes of both images that the separator makes of each scene: the sums of their pixels.

    Parameters
    ----------
    scenes : Scenes
        One galaxy is at pixel (y // 2, x // 2), as in the training.
    positions, seed
        Not used.
    weights, description : path
        From `deblend.benchmark.separator_training`.

    Returns
    -------
    Catalogue
        Central galaxy and companion, without positions, with their images.

    Raises
    ------
    UnsuitedError
        Side or scale of the pixels are not those of the training.
    """
    generator, record = _loaded(weights, description)
    images, factor = trained_units(scenes, record, "the separator")
    stretch = record["softening"], record["limit"]
    made = unstretched(separated(generator, stretched(images, *stretch)), *stretch) / factor
    n, side = len(images), images.shape[-1]
    table = pd.DataFrame(
        {
            "scene": np.repeat(np.arange(n), 2),
            "role": np.tile(["central", "companion"], n),
            "flux": made.sum(axis=(2, 3), dtype=float).ravel(),
            "band": scenes.bands[scenes.detection_band],
        }
    )
    return Catalogue(table, images=made.reshape(-1, side, side))
