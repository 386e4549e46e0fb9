"""Masks of the sources of scenes, which stand in a file beside the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from deblend.files import atomic


@dataclass(frozen=True)
class Mask:
    """Probability that pixels belong to a source.

    Attributes
    ----------
    scene, source : int
    method : str
    corner : (float, float)
        y and x of the outer corner of the first pixel, px of the scene.
    step_px : float
        Side of a pixel in pixels of the scene.
    probability : ndarray of float32, shape (size, size)
    """

    scene: int
    source: int
    method: str
    corner: tuple[float, float]
    step_px: float
    probability: np.ndarray


def write_masks(path: str | Path, masks: Sequence[Mask]) -> None:
    """Write masks as HDF5: a group for each method, with one row for each source.

    `probability` (n, y, x), `scene`, `source`, `corner_px` (y and x of the outer corner of the
    first pixel, in pixels of the scene, from that of its first pixel) and `step_px` (side of a
    pixel, in pixels of the scene).
    """
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for method in dict.fromkeys(mask.method for mask in masks):
            own = [mask for mask in masks if mask.method == method]
            group = file.create_group(method)
            group.create_dataset(
                "probability",
                data=np.stack([mask.probability for mask in own]).astype(np.float32),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
            group["scene"] = [mask.scene for mask in own]
            group["source"] = [mask.source for mask in own]
            group["corner_px"] = [mask.corner for mask in own]
            group["step_px"] = [mask.step_px for mask in own]


def read_masks(path: str | Path) -> list[Mask]:
    """Masks that `write_masks` has written."""
    found = []
    with h5py.File(path, "r") as file:
        for method, group in file.items():
            arrays = {k: group[k][:] for k in group}
            for k in range(len(arrays["scene"])):
                y0, x0 = arrays["corner_px"][k]
                found.append(
                    Mask(
                        int(arrays["scene"][k]),
                        int(arrays["source"][k]),
                        method,
                        (float(y0), float(x0)),
                        float(arrays["step_px"][k]),
                        arrays["probability"][k],
                    )
                )
    return found
