"""Scenes as networks that are trained for the benchmark take them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import Scenes

#: Largest relative difference between the pixel scales of the scenes and of the training.
PIXEL_TOLERANCE = 0.01

#: Largest ratio of the noise of the scenes and of the training, or of its inverse.
NOISE_RATIO = 1.25


def trained_units(scenes: Scenes, record: Mapping[str, Any], name: str) -> tuple[np.ndarray, float]:
    """Images in the counts/s of the training, of scenes with its pixels.

    Parameters
    ----------
    scenes : Scenes
    record : dict
        Description of the network.
    name : str
        Of the network, for errors.

    Returns
    -------
    images : ndarray, shape (n, y, x)
        Pixels without a value are 0.
    factor : float
        Counts/s at the zero point of the training over those at the zero point of the scenes.

    Raises
    ------
    UnsuitedError
        Side or scale of the pixels are not those of the training.
    """
    band = scenes.detection_band
    side, scale = scenes.images.shape[-1], scenes.pixel_scale_arcsec
    if side != record["stamp_size"] or scenes.images.shape[-2] != side:
        raise UnsuitedError(
            f"{name} was trained on stamps of {record['stamp_size']} px, these have {side}"
        )
    if abs(scale / record["pixel_scale_arcsec"] - 1) > PIXEL_TOLERANCE:
        raise UnsuitedError(
            f"{name} was trained at {record['pixel_scale_arcsec']} arcsec per pixel, these have "
            f"{scale:.4g}"
        )
    factor = 10 ** (0.4 * (record["zero_point"] - float(scenes.zero_points[band])))
    return np.nan_to_num(scenes.images[:, band], nan=0.0) * np.float32(factor), factor


def normalised(scenes: Scenes, record: Mapping[str, Any]) -> tuple[np.ndarray, float]:
    """Images in units of the noise of the training.

    Parameters
    ----------
    scenes : Scenes
    record : dict
        Description of the network.

    Returns
    -------
    images : ndarray, shape (n, y, x)
    factor : float
        Counts/s at the zero point of the training over those at the zero point of the scenes.

    Raises
    ------
    UnsuitedError
        Side or scale of the pixels, or the noise, are not those of the training.
    """
    images, factor = trained_units(scenes, record, "blend2posterior")
    sigma = factor * float(np.median(scenes.noise_sigma[:, scenes.detection_band]))
    ratio = sigma / record["noise_sigma"]
    if not 1 / NOISE_RATIO <= ratio <= NOISE_RATIO:
        raise UnsuitedError(
            f"blend2posterior was trained with a noise of {record['noise_sigma']:.3g} counts/s at "
            f"zero point {record['zero_point']:g}, these have {sigma:.3g}: train it on stamps of "
            "this depth (benchmark > dataset)"
        )
    return images / np.float32(record["noise_sigma"]), factor
