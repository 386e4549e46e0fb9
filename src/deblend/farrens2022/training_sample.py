"""What the stamps of BlendHunter's training are like, for the description of a head."""

from pathlib import Path
from typing import Any

import galsim
import h5py
import numpy as np
import pandas as pd
import sep
from deblend.data.ranges import galaxy_ranges
from deblend.farrens2022.config import Survey
from deblend.farrens2022.galaxies import COSMOS_ZERO_POINT
from deblend.farrens2022.stamps import flux_scale, read_sample_table

#: Isolated stamps whose galaxies are measured at most.
MAX_MEASURED = 5000


def training_sample(path: str | Path, survey: Survey) -> dict[str, Any]:
    """What images of one's own have to be like for a head that was trained on these stamps.

    Parameters
    ----------
    path : path
        Noiseless stamps of the training (`deblend.farrens2022.stamps.write_sample`).
    survey : Survey
        With which they were drawn.

    Returns
    -------
    dict
        `pixel_scale_arcsec`; `psf_fwhm_arcsec` of the round PSF; `zero_point`, AB, of the counts
        in which `noise_sigma` is; `mag_range` of all galaxies; and `radius_range_arcsec` of the
        half-light radii of isolated ones, in circles on the stamps, from which that of the PSF is
        subtracted in quadrature.

    Raises
    ------
    DeblendError
        The file is missing or not complete.
    """
    table = read_sample_table(path)
    chosen = np.flatnonzero(table["is_blend"].to_numpy() == 0)[:MAX_MEASURED]
    with h5py.File(path, "r") as file:
        images = file["images"][chosen]
    scale, size = survey.pixel_scale_arcsec, images.shape[-1]
    psf = round_psf(survey)
    drawn = psf.drawImage(nx=size, ny=size, scale=scale).array
    squared = half_light_radii_px(images) ** 2 - half_light_radii_px(drawn[None]) ** 2
    galaxies = pd.DataFrame({"half_light_radius_px": np.sqrt(np.maximum(squared, 0))})
    magnitudes = pd.concat([table["mag_1"], table["mag_2"]], ignore_index=True)
    telescope = (survey.telescope_diameter_m, survey.telescope_obscuration)
    counts = flux_scale(survey.exposure_s, *telescope)
    return {
        "pixel_scale_arcsec": scale,
        "psf_fwhm_arcsec": float(psf.calculateFWHM()),
        "zero_point": float(COSMOS_ZERO_POINT + 2.5 * np.log10(counts)),
        "mag_range": galaxy_ranges(
            pd.DataFrame({"mag": magnitudes, "half_light_radius_px": np.nan}), scale
        )["mag_range"],
        "radius_range_arcsec": galaxy_ranges(galaxies.assign(mag=np.nan), scale)[
            "radius_range_arcsec"
        ],
    }


def round_psf(survey: Survey) -> galsim.GSObject:
    """The PSF of a survey without its ellipticity."""
    return galsim.Convolve(
        galsim.Moffat(beta=survey.moffat_beta, fwhm=survey.moffat_fwhm_arcsec),
        galsim.Kolmogorov(fwhm=survey.kolmogorov_fwhm_arcsec),
    )


def half_light_radii_px(images: np.ndarray) -> np.ndarray:
    """Radii of the circles around the centre with half of the light of each image, pixels.

    Parameters
    ----------
    images : ndarray, shape (n, side, side)
        Without noise.

    Returns
    -------
    ndarray, shape (n,)
    """
    middle = [(images.shape[-1] - 1) / 2]
    found = np.empty(len(images))
    for number, image in enumerate(np.ascontiguousarray(images, np.float32)):
        total = [float(image.sum())]
        radius, _ = sep.flux_radius(image, middle, middle, middle, 0.5, normflux=total, subpix=5)
        found[number] = radius[0]
    return found
