"""What the stages of `growth.py` share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
#: What rows in memory may take here, bytes.
KEPT = 2**22
#: Side of small stamps, and of those of Boucaud et al., px.
SIDE, FULL_SIDE = 32, 128
ZERO_POINT, PIXEL_SCALE, SIGMA = 25.9, 0.06, 0.005


@dataclass(frozen=True)
class Stage:
    """A stage of the workflow.

    Attributes
    ----------
    title, of : str
        Its name, and what there are `sizes` of.
    sizes : (int, int)
    work : callable
        What is measured, of a size and the folder of what it reads: the function that the script
        of the rule calls.
    prepare : callable, optional
        Writes what it reads.
    first : int
        Size of a run before the measurement, in which libraries set up what they need.
    keras : bool
        Whether the work uses Keras.
    scale : float
        By how much what grows is larger with images of the paper's size.
    """

    title: str
    of: str
    sizes: tuple[int, int]
    work: Callable[[int, Path], object]
    prepare: Callable[[int, Path], object] | None = None
    first: int = 100
    keras: bool = False
    scale: float = 1.0


STEERING = {
    **{"learning_rate": 1e-3, "schedule": "cosine", "drop_factor": 0.5, "drop_patience": 2},
    **{"drop_cooldown": 1, "min_learning_rate": 0.0, "stop_patience": 2, "min_delta": 0.0},
    "epochs": 1,
}


def files_of(folder: Path, *more: str) -> dict[str, Path]:
    """Outputs of a training."""
    names = ("weights", "description", "history", "timing", *more)
    return {name: folder / f"made_{name}" for name in names}


RECORDED = {"scale": "benchmark", "threads": 1, "device": "cpu", "backend_version": "0"}


def made_stamps(n: int, side: int, bands: int, start: int = 0):
    """Stamps of noise and a bright pixel; the numbers of the galaxies begin at `start`."""
    from deblend.data.stamps import GALAXY_COLUMNS, Stamps, band_table
    from deblend.hemmati2022.degrade import psf_image

    rng = np.random.default_rng(start)
    images = rng.normal(0, 0.005, (n, bands, side, side)).astype(np.float32)
    images[:, :, side // 2, side // 2] += 5
    columns = dict.fromkeys(GALAXY_COLUMNS, np.ones(n))
    texts = {"morphology": "disk", "origin": "benchmark", "split": "test"}
    galaxies = pd.DataFrame({**columns, **texts}).assign(id=[f"g{start + i}" for i in range(n)])
    galaxies["mag"] = rng.uniform(21, 22, n)
    galaxies["half_light_radius_px"] = 3.0
    parts = [band_table(f"b{k}", 0.06, 25.9, 0.005) for k in range(bands)]
    psf = np.stack([psf_image(0.08, 3.0, 0.06, 31)] * bands).astype(np.float32)
    segmaps = np.zeros((n, side, side), np.int16)
    segmaps[:, side // 2, side // 2] = 1
    return Stamps(images, segmaps, galaxies, pd.concat(parts, ignore_index=True), psf)


def write_chunks(folder: Path, n: int, side: int, bands: int, size: int = 100) -> None:
    """Write a data set of n galaxies, and its chunks."""
    from deblend.data.stamps import concatenate, open_stamps, write_stamps

    paths = []
    for start in range(0, n, size):
        paths.append(folder / f"{start:06d}.h5")
        write_stamps(paths[-1], made_stamps(size, side, bands, start))
    write_stamps(folder / "all.hdf5", concatenate([open_stamps(path) for path in paths]))


def _data_set(n: int, folder: Path, *, side: int, bands: int) -> None:
    write_chunks(folder, n, side, bands)


def data_set(side: int, bands: int) -> Callable[[int, Path], None]:
    """What writes a data set of stamps of a side in some bands, and its chunks."""
    return partial(_data_set, side=side, bands=bands)
