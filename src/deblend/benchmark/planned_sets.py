"""Sets of the benchmark whose images are made batch by batch, so that memory has a limit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.benchmark.truth import Truth, new_truth
from deblend.scenes.scenes import Scenes, write_scenes

#: Blends that are rendered at a time.
BATCH = 64

#: Images (k, 1, y, x) of some scenes, those of their galaxies (m, y, x), masks and signal to noise.
Batches = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def no_pixels(n: int, side: int) -> np.ndarray:
    """Images of zeros that take the memory of one number."""
    return np.broadcast_to(np.float32(0), (n, side, side))


@dataclass(frozen=True)
class PlannedSet:
    """A set whose images are made while its batches are taken.

    Attributes
    ----------
    scenes : Scenes
        Without their pixels: see `no_pixels`.
    galaxies : DataFrame
        `deblend.benchmark.truth.COLUMNS` but `snr`.
    batches : Batches
        Of all scenes, in order. They can be taken once.
    """

    scenes: Scenes
    galaxies: pd.DataFrame
    batches: Batches

    def in_memory(self) -> tuple[Scenes, Truth]:
        """The whole set."""
        parts = zip(*self.batches, strict=True)
        images, alone, masks, snr = (np.concatenate(part) for part in parts)
        truth = Truth(self.galaxies.assign(snr=snr), alone, masks)
        return replace(self.scenes, images=images), truth

    def write(self, *, scenes: str | Path, truth: str | Path) -> None:
        """Write the set, with a batch of it in memory."""
        side = self.scenes.images.shape[-1]
        snr: list[np.ndarray] = []
        with new_truth(truth, (len(self.galaxies), side, side)) as file:

            def images() -> Iterator[np.ndarray]:
                for batch, alone, masks, of_galaxies in self.batches:
                    file.add(alone, masks)
                    snr.append(of_galaxies)
                    yield batch

            write_scenes(scenes, self.scenes, images())
            file.finish(self.galaxies.assign(snr=np.concatenate(snr)))
