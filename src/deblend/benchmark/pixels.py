"""How well masks and images of single galaxies are recovered."""

import numpy as np
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.truth import Truth
from deblend.boucaud2020.masks import THRESHOLD, intersection_over_union


def mask_scores(truth: Truth, found: Catalogue, rows: np.ndarray) -> np.ndarray:
    """Intersection over union of the masks of galaxies (Boucaud et al. 2020, eq. 2).

    Parameters
    ----------
    truth, found
    rows : ndarray of int, shape (n,)
        Row of the catalogue for each galaxy, -1 for none, from `deblend.benchmark.matching.match`.

    Returns
    -------
    ndarray, shape (n,)
        NaN for galaxies that are not found, and for methods without masks.
    """
    scores = np.full(len(rows), np.nan)
    real = np.flatnonzero(rows >= 0)
    if found.masks is not None and len(real):
        predicted = found.masks[rows[real], ..., None] >= THRESHOLD
        scores[real] = intersection_over_union(predicted, truth.masks[real, ..., None] > 0)[:, 0]
    return scores


def image_scores(truth: Truth, found: Catalogue, rows: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of the images of galaxies, dB.

    The peak is that of the true image, and the noise the root mean square difference over all
    pixels of the scene. Arguments and result are as for `mask_scores`.
    """
    scores = np.full(len(rows), np.nan)
    real = np.flatnonzero(rows >= 0)
    if found.images is not None and len(real):
        true = truth.images[real].astype(float)
        error = np.sqrt(((found.images[rows[real]] - true) ** 2).mean(axis=(1, 2)))
        with np.errstate(divide="ignore"):
            scores[real] = 20 * np.log10(true.max(axis=(1, 2)) / error)
    return scores
