"""Magnitudes and fluxes (AB magnitudes; counts/s at a zero point)."""

import numpy as np
from numpy.typing import ArrayLike


def flux_from_mag(mag: ArrayLike, zero_point: float) -> np.ndarray:
    """Flux in counts/s of a magnitude at `zero_point` (mag)."""
    return 10 ** (0.4 * (zero_point - np.asarray(mag, dtype=float)))


def mag_from_flux(flux: ArrayLike, zero_point: float) -> np.ndarray:
    """Magnitude of a flux in counts/s at `zero_point` (mag); NaN where the flux is not positive."""
    flux = np.asarray(flux, dtype=float)
    positive = np.where(flux > 0, flux, np.nan)
    return zero_point - 2.5 * np.log10(positive)
