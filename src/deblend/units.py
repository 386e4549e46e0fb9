"""Conversion between AB magnitudes and fluxes in counts/s."""

import numpy as np
from numpy.typing import ArrayLike


def flux_from_mag(mag: ArrayLike, zero_point: float) -> np.ndarray:
    """Flux (counts/s) of a magnitude, for a zero point (mag)."""
    return 10 ** (0.4 * (zero_point - np.asarray(mag, dtype=float)))


def mag_from_flux(flux: ArrayLike, zero_point: float) -> np.ndarray:
    """Magnitude of a flux (counts/s), for a zero point (mag); NaN if the flux is not positive."""
    flux = np.asarray(flux, dtype=float)
    positive = np.where(flux > 0, flux, np.nan)
    return zero_point - 2.5 * np.log10(positive)
