"""Label stamps as isolated or blended with SEP, by the rules of Farrens et al. 2022, Sect. 4.1."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import sep
from deblend.farrens2022.stamps import noisy_batches, read_sample_table
from deblend.photometry.sep import background_rms

log = logging.getLogger(__name__)


#: Flag of SEP for an object that was merged with or deblended from another.
FLAG_BLENDED = 1


#: Label of stamps on which SEP found more objects than galaxies (Sect. 4.1: less than 1 %).
FAILED = -1


def label_detections(
    x: np.ndarray,
    y: np.ndarray,
    flag: np.ndarray,
    expected: np.ndarray,
    tolerance_px: float,
) -> int:
    """Label a stamp by the sources that were detected on it.

    One source is a blend if it is flagged as one and is at an expected position. Two sources are a
    blend if they are at the two expected positions. More sources are a blend if both true
    galaxies have detections, otherwise a failure, since there are never more than two galaxies. A
    stamp without sources is isolated; the paper does not mention that case.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pixels.
    flag : ndarray of int, shape (n,)
        SEP's flags.
    expected : ndarray, shape (1 or 2, 2)
        True positions (x, y).
    tolerance_px : float
        Sect. 4.1: two pixels.

    Returns
    -------
    int
        1 blend, 0 isolated, -1 failed.
    """
    n = len(x)
    if n == 0:
        return 0
    distance = np.hypot(x[:, None] - expected[:, 0], y[:, None] - expected[:, 1])
    close = distance <= tolerance_px
    if n == 1:
        return int(bool(flag[0] & FLAG_BLENDED) and bool(close.any()))
    # Each true galaxy needs a detection of its own, since one detection can be near both.
    both = len(expected) == 2 and close.any(axis=0).all() and close.any(axis=1).sum() > 1
    if n == 2 or both:
        return int(both)
    return FAILED


def label_stamps(
    images: np.ndarray, table: pd.DataFrame, settings: dict, padding: int, tolerance_px: float
) -> np.ndarray:
    """Run SEP on stamps and label each.

    Parameters
    ----------
    images : ndarray, shape (n, y, x), float32
        Padded and noisy.
    table : DataFrame
        Table of the same stamps: `is_blend`, `dx_px`, `dy_px`.
    settings : dict
        Table 2: `threshold`, `min_area`, `n_thresholds`, `contrast`; and `background_box_px`.
    padding : int
    tolerance_px : float

    Returns
    -------
    ndarray of int, shape (n,)
        1 blend, 0 isolated, -1 failed.
    """
    centre = (images.shape[-1] - 1) / 2
    labels = np.empty(len(images), int)
    offsets = table[["dx_px", "dy_px"]].to_numpy(float)
    for i, (image, is_blend) in enumerate(zip(images, table["is_blend"], strict=True)):
        expected = [[centre, centre]]
        if is_blend:
            expected.append([centre + offsets[i, 0], centre + offsets[i, 1]])
        objects = sep.extract(
            image,
            settings["threshold"],
            err=background_rms(image, int(settings["background_box_px"])),
            minarea=settings["min_area"],
            deblend_nthresh=settings["n_thresholds"],
            deblend_cont=settings["contrast"],
        )
        labels[i] = label_detections(
            objects["x"], objects["y"], objects["flag"], np.array(expected), tolerance_px
        )
    return labels


def label_sample(
    sample: str | Path,
    *,
    noise_sigma: float,
    item: tuple,
    seed: int,
    settings: dict,
    padding: int,
    tolerance_px: float,
) -> np.ndarray:
    """Label a sample's stamps with SEP, with the same noise as for BlendHunter.

    Parameters
    ----------
    sample : path
    noise_sigma, item, seed, padding
        See `deblend.farrens2022.stamps.noisy_batches`.
    settings, tolerance_px
        See `label_stamps`.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    table = read_sample_table(sample)
    labels, start = [], 0
    for images in noisy_batches(sample, noise_sigma, padding, seed, item):
        rows = table.iloc[start : start + len(images)]
        labels.append(label_stamps(images, rows, settings, padding, tolerance_px))
        start += len(images)
    sample_labels = np.concatenate(labels)
    log.info(
        "SEP failed on %d of %d stamps", int(np.sum(sample_labels == FAILED)), len(sample_labels)
    )
    return sample_labels
