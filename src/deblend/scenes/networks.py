"""What networks were trained on, compared with scenes: PSF, magnitudes, sizes."""

from typing import Any

import numpy as np
import pandas as pd
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import psf_fwhm, psf_half_light_radius_px
from deblend.scenes.weights import UnsuitedNetworkError
from deblend.units import mag_from_flux

#: Largest relative difference between the widths of the PSF, and that from which a flag is set.
PSF_TOLERANCE, PSF_FLAG = 0.15, 0.05

#: Factor by which the half-light radius by SEP may be outside the training's range: it is measured
#: on a blend.
SIZE_TOLERANCE = 1.25

#: Factor by which noise may differ from that of the training.
NOISE_TOLERANCE = 2.0

#: Magnitudes of a network that are this near to the ends of the training's range are flagged: it
#: puts there what is beyond.
EDGE_MAG = 0.05


def check_psf(
    scenes: Scenes,
    band: int,
    trained: float | None,
    name: str,
    tolerance: float = PSF_TOLERANCE,
) -> tuple[int, str]:
    """Compare the PSF of a band with that of a training.

    Returns
    -------
    flags : int
        0, or the flag `psf`.
    note : str
        What was compared, for the header of the catalogue.

    Raises
    ------
    UnsuitedNetworkError
        They differ by more than the tolerance.
    """
    found = psf_fwhm(scenes, band)
    if found is None or trained is None:
        lacks = "scenes" if found is None else "training"
        return int(flagged("psf", True)), f"the PSF of the {lacks} is unknown: not compared"
    difference = found / trained - 1
    if abs(difference) > tolerance:
        remedy = (
            f"smooth the images to {trained:.3g} arcsec"
            if difference < 0
            else "train a network on galaxies with the PSF of the images"
        )
        raise UnsuitedNetworkError(
            f"the PSF of band {scenes.bands[band]} has a FWHM of {found:.3g} arcsec, and {name} "
            f"was trained at {trained:.3g} (they may differ by {tolerance:.0%}): {remedy}"
        )
    note = f"FWHM of the PSF {found:.3g} arcsec, of the training {trained:.3g}"
    return int(flagged("psf", abs(difference) > PSF_FLAG)), note


def range_flags(
    record: dict[str, Any],
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    flux: np.ndarray | None = None,
) -> np.ndarray:
    """Flags of sources whose magnitude or size is outside the range of a training.

    A network says little about what it has not seen: it puts a faint galaxy at the faint end of its
    training. So SEP's magnitudes are compared as well as its own, and a source that SEP does not
    find counts as too faint.

    Parameters
    ----------
    record : dict
        `mag_range`, AB, and `radius_range_arcsec`, half-light radii, of the galaxies of the
        training. Without one it is not compared.
    scenes : Scenes
    band : int
    sources : DataFrame
        Rows of `deblend.scenes.sources.find_sources`.
    flux : ndarray, shape (n,), optional
        Fluxes of the network, counts/s.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    zero_point = float(scenes.zero_points[band])
    flags = np.zeros(len(sources), int)
    mag_range, radii = record.get("mag_range"), record.get("radius_range_arcsec")
    if mag_range is None or radii is None:
        flags |= flagged("range_unknown", True)
    if mag_range is not None:
        low, high = mag_range
        mag = mag_from_flux(sources[f"flux_auto_{band}"].to_numpy(float), zero_point)
        # A magnitude that is not known, of a flux that is not positive, is not within the range.
        outside = ~((mag >= low) & (mag <= high)) | ~sources["found"].to_numpy(bool)
        if flux is not None:
            own = mag_from_flux(flux, zero_point)
            outside |= ~((own >= low + EDGE_MAG) & (own <= high - EDGE_MAG))
        flags |= flagged("magnitude", outside)
    if radii is not None:
        # The band in which SEP measures it.
        radius = intrinsic_radius_arcsec(
            scenes, scenes.detection_band, sources["radius_px"].to_numpy(float)
        )
        small, large = radii[0] / SIZE_TOLERANCE, radii[1] * SIZE_TOLERANCE
        # Where SEP finds nothing there is no size; the magnitude says so already.
        flags |= flagged("size", (radius < small) | (radius > large))
    return flags


def intrinsic_radius_arcsec(scenes: Scenes, band: int, radius_px: np.ndarray) -> np.ndarray:
    """Half-light radii without the PSF, roughly: its own is subtracted in quadrature."""
    squared = np.asarray(radius_px) ** 2 - psf_half_light_radius_px(scenes, band) ** 2
    return np.sqrt(np.maximum(squared, 0)) * scenes.pixel_scale_arcsec
