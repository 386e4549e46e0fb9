"""Ranges of the galaxies that a network was trained on, for its description."""

from typing import Any

import pandas as pd


def galaxy_ranges(galaxies: pd.DataFrame, pixel_scale_arcsec: float) -> dict[str, Any]:
    """Ranges of the magnitudes and sizes of galaxies.

    Parameters
    ----------
    galaxies : DataFrame
        With `mag` and `half_light_radius_px`, NaN where they are unknown.
    pixel_scale_arcsec : float

    Returns
    -------
    dict
        `mag_range` and `radius_range_arcsec` of the half-light radii, each the lowest and the
        highest value, or None where all are unknown.
    """
    values = {
        "mag_range": galaxies["mag"],
        "radius_range_arcsec": galaxies["half_light_radius_px"] * float(pixel_scale_arcsec),
    }
    return {
        name: [float(column.min()), float(column.max())] if column.notna().any() else None
        for name, column in values.items()
    }
