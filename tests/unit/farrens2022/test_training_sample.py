"""What the description of a head says about the stamps of its training."""

import galsim
import numpy as np
import pandas as pd
from deblend.farrens2022.config import Survey
from deblend.farrens2022.galaxies import COSMOS_ZERO_POINT
from deblend.farrens2022.stamps import write_sample
from deblend.farrens2022.training_sample import half_light_radii_px, training_sample

SURVEY = Survey()


def sample(path, radii, mags, psf_fwhm):
    """Stamps of exponential disks: the first ones isolated, the last one a blend."""
    psf = galsim.Kolmogorov(fwhm=psf_fwhm)
    draw = {"nx": 51, "ny": 51, "scale": SURVEY.pixel_scale_arcsec}
    images, rows = [], []
    for number, (radius, mag) in enumerate(zip(radii, mags, strict=True)):
        profile = galsim.Exponential(half_light_radius=radius, flux=1e4)
        images.append(galsim.Convolve(profile, psf).drawImage(**draw).array)
        is_blend = number == len(radii) - 1
        rows.append(
            {
                **{"stamp": number, "is_blend": int(is_blend), "dx_px": 3.0, "dy_px": 0.0},
                **{"distance_px": 3.0, "galaxy_1": "a", "galaxy_2": "b" if is_blend else ""},
                **{"mag_1": mag, "mag_2": mag + 2 if is_blend else np.nan, "weight": 1.0},
            }
        )
    write_sample(path, [(np.stack(images), pd.DataFrame(rows))], len(rows))
    return path


def test_radii_are_those_of_the_galaxies_without_the_psf(tmp_path):
    # As wide as the survey's PSF; the largest disk is in a blend, which is not measured.
    path = sample(tmp_path / "train.h5", [0.3, 0.5, 0.9, 2.0], [20, 21.5, 23, 22], 0.7)
    found = training_sample(path, SURVEY)
    # Half-light radii do not quite add in quadrature.
    np.testing.assert_allclose(found["radius_range_arcsec"], [0.3, 0.9], rtol=0.2)
    assert found["mag_range"] == [20.0, 24.0]


def test_the_zero_point_is_that_of_the_counts(tmp_path):
    path = sample(tmp_path / "train.h5", [0.5, 0.5], [20, 21], 0.7)
    found = training_sample(path, SURVEY)
    # 300 s with a mirror of 3.6 m, without an obscuration; HST has 2.4 m and 0.33 of it.
    counts = 300 * 3.6**2 / (2.4**2 * (1 - 0.33**2))
    assert abs(found["zero_point"] - (COSMOS_ZERO_POINT + 2.5 * np.log10(counts))) < 0.01
    # Widths of profiles with wings add up to more than in quadrature, and to less than linearly.
    assert np.hypot(0.38, 0.54) < found["psf_fwhm_arcsec"] < 0.38 + 0.54
    assert found["pixel_scale_arcsec"] == SURVEY.pixel_scale_arcsec


def test_half_of_a_gaussian_is_within_its_half_light_radius():
    image = galsim.Gaussian(half_light_radius=6.0).drawImage(nx=51, ny=51, scale=1.0).array
    np.testing.assert_allclose(half_light_radii_px(image[None]), [6.0], rtol=0.01)
