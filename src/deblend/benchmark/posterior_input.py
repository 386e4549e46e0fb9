"""Scenes as blend2posterior takes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import Scenes

#: Largest relative difference between the pixel scales of the scenes and of the training.
PIXEL_TOLERANCE = 0.01


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
        Side or scale of the pixels are not those of the training.
    """
    band = scenes.detection_band
    side, scale = scenes.images.shape[-1], scenes.pixel_scale_arcsec
    if side != record["stamp_size"] or scenes.images.shape[-2] != side:
        raise UnsuitedError(
            f"blend2posterior was trained on stamps of {record['stamp_size']} px, these have {side}"
        )
    if abs(scale / record["pixel_scale_arcsec"] - 1) > PIXEL_TOLERANCE:
        raise UnsuitedError(
            f"blend2posterior was trained at {record['pixel_scale_arcsec']} arcsec per pixel, "
            f"these have {scale:.4g}"
        )
    factor = 10 ** (0.4 * (record["zero_point"] - float(scenes.zero_points[band])))
    images = np.nan_to_num(scenes.images[:, band], nan=0.0)
    return images * np.float32(factor / record["noise_sigma"]), factor
