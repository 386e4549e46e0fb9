"""Peaks of super-resolution networks, and fits at them, as a method of the benchmark."""

import numpy as np
import pandas as pd
from deblend.errors import UnsuitedError
from deblend.hemmati2022.own_images import resolve_images
from deblend.scenes.scenes import Scenes


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    weights: str,
    description: str,
) -> pd.DataFrame:
    """Fluxes of the two most significant peaks of each scene, and the positions of all peaks.

    Parameters
    ----------
    scenes : Scenes
    positions, seed
        Not used.
    weights, description : path
        See `deblend.hemmati2022.own_images.resolve_images`.

    Returns
    -------
    DataFrame
        One row for each peak; flux and error are NaN for those that are not measured.

    Raises
    ------
    UnsuitedError
        The scenes have no PSF, or do not suit the network.
    """
    if scenes.psf is None:
        raise UnsuitedError("super-resolution needs the PSF of the scenes")
    band = scenes.bands[scenes.detection_band]
    result = resolve_images(
        np.nan_to_num(scenes.images, nan=0.0),
        scenes.psf,
        weights=weights,
        description=description,
        bands=list(scenes.bands),
        pixel_scale_arcsec=scenes.pixel_scale_arcsec,
        zero_point=scenes.zero_points.tolist(),
        noise_sigma=scenes.noise_sigma,
    )
    keys = ["image", "galaxy"]
    fluxes = result.fluxes[result.fluxes["band"] == band][[*keys, "flux", "flux_err"]]
    # Several peaks are not measured (-1): they must not be joined with each other.
    table = result.peaks[["image", "galaxy", "x_px", "y_px"]].merge(fluxes, on=keys, how="left")
    table = table.rename(columns={"image": "scene", "flux_err": "flux_error"})
    return table.drop(columns="galaxy").assign(band=band)
