"""Stamps of the galaxies of training blends: in memory, or, if they are many, on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.boucaud2020.render import with_own_numbers
from deblend.data.rows import Pixels, Rows, row_batches
from deblend.data.stamps import Stamps, open_stamps
from deblend.space import need_memory

#: Memory for the stamps of a training, bytes. Those of the paper, 7,700 of 128 px, take 0.6e9.
KEPT_BYTES = 2**31

#: Number of stamps whose masks are converted at once.
PIECE = 64


def stamps_bytes(stamps: Stamps, *, masks: bool) -> int:
    """Memory of the first band of all stamps, and of their masks."""
    return (4 + masks) * int(np.prod(stamps.segmaps.shape))


class TrainingStamps:
    """First band of stamps, and their masks.

    Parameters
    ----------
    stamps : Stamps
    masks : bool
        Whether masks are asked for.
    kept_bytes : int
        Stamps on disk stay there if they need more memory. Results do not depend on it.
    """

    def __init__(self, stamps: Stamps, *, masks: bool, kept_bytes: int = KEPT_BYTES) -> None:
        self._n, self._images, self._segmaps = len(stamps), stamps.images, stamps.segmaps
        is_large = stamps_bytes(stamps, masks=masks) > kept_bytes
        self._on_disk = is_large and not isinstance(stamps.images, np.ndarray)
        self._masks = masks
        if self._on_disk:
            if isinstance(self._images, Rows):
                self._images = self._images.with_bands([0])
            return
        self._images = np.ascontiguousarray(stamps.images[:, 0])
        if masks:
            self._segmaps = _masks(stamps.segmaps)

    def of(self, blends: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Images and masks of galaxies, and the blends whose numbers are theirs.

        Parameters
        ----------
        blends : DataFrame
            Rows of `deblend.boucaud2020.blends.COLUMNS`. From a disk only their galaxies are read.

        Returns
        -------
        images : ndarray, shape (m, y, x), float32
        masks : ndarray, shape (m, y, x), uint8
            1 on the galaxy; empty if no masks are asked for.
        blends : DataFrame
            `central` and `companion` index these.
        """
        if not self._on_disk:
            masks = np.asarray(self._segmaps) if self._masks else np.empty(0, np.uint8)
            return np.asarray(self._images), masks, blends
        rows, numbered = with_own_numbers(blends, self._n)
        masks = (self._segmaps[rows] > 0).astype(np.uint8) if self._masks else np.empty(0, np.uint8)
        return self._images[rows, 0], masks, numbered


def open_for_training(path: str | Path, *, masks: bool, kept_bytes: int = KEPT_BYTES) -> Stamps:
    """The first band of stamps, and their masks, for `TrainingStamps`: in memory if they fit.

    Parameters
    ----------
    path : path
    masks, kept_bytes
        See `TrainingStamps`. What stays on disk has a share of this memory for images, and for
        masks, that were used last.

    Raises
    ------
    DeblendError
        See `deblend.data.stamps.open_stamps`, and `deblend.space.need_memory`.
    """
    opened = open_stamps(path, segmaps=masks, kept_bytes=0)
    needed = stamps_bytes(opened, masks=masks)
    need_memory(str(path), min(needed, kept_bytes))
    if needed > kept_bytes:
        return open_stamps(path, segmaps=masks, kept_bytes=kept_bytes // (1 + masks))
    correlation = opened.noise_correlation
    return replace(
        opened,
        images=opened.images[:, :1],
        segmaps=_masks(opened.segmaps) if masks else opened.segmaps,
        bands=opened.bands.iloc[:1],
        psf=None if opened.psf is None else opened.psf[:1],
        noise_correlation=None if correlation is None else correlation[:1],
    )


def _masks(segmaps: Pixels) -> np.ndarray:
    """1 on the galaxies, 8 bits a pixel; by pieces, so that no other copy has all of them."""
    if isinstance(segmaps, np.ndarray) and segmaps.dtype == np.uint8:
        return segmaps
    masks = np.empty(segmaps.shape, np.uint8)
    for piece in row_batches(len(segmaps), PIECE):
        masks[piece] = segmaps[piece] > 0
    return masks
