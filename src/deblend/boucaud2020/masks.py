"""Masks of the two galaxies of a blend, and how well they are recovered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.boucaud2020.predictions import GALAXIES
from deblend.boucaud2020.render import render_components
from deblend.data.rows import Pixels

#: Probability from which a pixel belongs to a galaxy.
THRESHOLD = 0.5


def true_masks(segmaps: Pixels, blends: pd.DataFrame, *, overlap: bool = False) -> np.ndarray:
    """Masks of the galaxies of each blend: their isolated segmentation maps, shifted like them.

    Parameters
    ----------
    segmaps : ndarray, shape (galaxy, y, x)
        1 on the galaxy.
    blends : DataFrame
    overlap : bool
        Add a third mask, of the pixels that belong to both galaxies.

    Returns
    -------
    ndarray, shape (n, y, x, 2 or 3), uint8
        Central, companion (Boucaud et al. 2020, Sect. 4.4), and their overlap.
    """
    masks = np.moveaxis(render_components(segmaps, blends, np.uint8), 1, -1)
    if overlap:
        masks = np.concatenate([masks, masks.min(axis=-1, keepdims=True)], axis=-1)
    return masks


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of two sets of masks (Boucaud et al. 2020, eq. 2).

    Parameters
    ----------
    first, second : ndarray of bool, shape (n, y, x, mask)

    Returns
    -------
    ndarray, shape (n, mask)
        NaN where both masks are empty.
    """
    both = np.sum(first & second, axis=(1, 2))
    either = np.sum(first | second, axis=(1, 2))
    return np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)


def mask_table(
    blend: np.ndarray, predicted: np.ndarray, true: np.ndarray, network: str
) -> pd.DataFrame:
    """How well each galaxy's mask is recovered.

    Parameters
    ----------
    blend : ndarray of int, shape (n,)
    predicted : ndarray, shape (n, y, x, 2 or more)
        Probabilities; central and companion first.
    true : ndarray, shape (n, y, x, 2 or more)
    network : str
        Name to record.

    Returns
    -------
    DataFrame
        Two rows for each blend: `blend`, `galaxy`, `network`, `iou`, `area_true_px`,
        `area_predicted_px`.
    """
    is_predicted, is_true = predicted[..., :2] >= THRESHOLD, true[..., :2] > 0
    return pd.DataFrame(
        {
            "blend": np.repeat(blend, 2),
            "galaxy": np.tile(GALAXIES, len(blend)),
            "network": network,
            "iou": intersection_over_union(is_predicted, is_true).ravel(),
            "area_true_px": is_true.sum(axis=(1, 2)).ravel(),
            "area_predicted_px": is_predicted.sum(axis=(1, 2)).ravel(),
        }
    )


def select_examples(blends: pd.DataFrame, n: int = 4) -> np.ndarray:
    """Select blends to show: the first one in each of n bins of distance.

    The bins hold equal numbers of blends. The selection does not depend on any result.

    Returns
    -------
    ndarray of int
        Rows of `blends`, close pairs first.
    """
    n = min(n, len(blends))
    distance = np.hypot(blends["dx"], blends["dy"]).to_numpy()
    bins = np.argsort(np.argsort(distance, kind="stable"), kind="stable") * n // len(blends)
    return np.array([np.flatnonzero(bins == i)[0] for i in range(n)])


def gather_iou(roles: Sequence[str], paths: Sequence[str | Path]) -> pd.DataFrame:
    """Join the IoU of several networks, from files of `mask_table`, into one table."""
    parts = [pd.read_csv(path).assign(network=r) for r, path in zip(roles, paths, strict=True)]
    return pd.concat(parts)
