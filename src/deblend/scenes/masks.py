"""Masks of the sources of scenes, which stand in a file beside the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deblend.hdf5 import COMPRESSION, new_file, new_group, open_file, write_array


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
    with new_file(path) as file:
        for method in dict.fromkeys(mask.method for mask in masks):
            own = [mask for mask in masks if mask.method == method]
            group = new_group(file, method)
            probability = np.stack([mask.probability for mask in own]).astype(np.float32)
            write_array(group, "probability", probability, **COMPRESSION)
            write_array(group, "scene", [mask.scene for mask in own])
            write_array(group, "source", [mask.source for mask in own])
            write_array(group, "corner_px", [mask.corner for mask in own])
            write_array(group, "step_px", [mask.step_px for mask in own])


def read_masks(path: str | Path) -> list[Mask]:
    """Masks that `write_masks` has written."""
    found = []
    with open_file(path) as file:
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
