"""GalSim profiles of galaxies: flux, centroid and size."""

import galsim
import numpy as np
import pytest
from deblend.data.priors import MORPHOLOGIES
from deblend.data.profiles import bulge_disk_scale, galaxy_profile, moffat_psf, psf_fwhm_px
from deblend.units import flux_from_mag

SCALE, ZERO_POINT = 0.06, 25.96


@pytest.mark.parametrize("morphology", MORPHOLOGIES)
def test_flux_and_centroid_are_the_catalogues(morphology):
    rng = np.random.default_rng(1)
    galaxy = {
        "morphology": morphology,
        "mag": 20.0,
        "half_light_radius_px": 4.0,
        "sersic_n": 1.0,
        "axis_ratio": 0.6,
    }
    profile = galaxy_profile(rng, galaxy, SCALE, ZERO_POINT)
    assert profile.flux == pytest.approx(flux_from_mag(20.0, ZERO_POINT))
    assert abs(profile.centroid.x) + abs(profile.centroid.y) < 1e-6


# In an even number of pixels, none of them has the peak.
@pytest.mark.parametrize(("side", "accuracy"), [(31, 0.02), (32, 0.06)])
def test_the_width_of_an_image_of_a_psf_is_that_of_its_profile(side, accuracy):
    drawn = moffat_psf(0.17, 2.5).drawImage(nx=side, ny=side, scale=SCALE, method="no_pixel")
    assert psf_fwhm_px(drawn.array) * SCALE == pytest.approx(0.17, rel=accuracy)
    y, x = np.indices((side, side)) - (side - 1) / 2
    sigma = 3.0
    image = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    assert psf_fwhm_px(image) == pytest.approx(sigma * np.sqrt(8 * np.log(2)), rel=5e-3)


@pytest.mark.parametrize("morphology", ["sph", "disk", "sphd"])
def test_radius_is_the_half_light_semi_major_axis(morphology):
    rng = np.random.default_rng(2)
    galaxy = {
        "mag": 20.0,
        "morphology": morphology,
        "half_light_radius_px": 5.0,
        "sersic_n": 1.0,
        "axis_ratio": 1.0,
    }
    image = galaxy_profile(rng, galaxy, SCALE, ZERO_POINT).drawImage(nx=800, ny=800, scale=0.02)
    assert image.calculateHLR(flux=image.array.sum()) / SCALE == pytest.approx(5.0, rel=0.05)


def test_bulge_and_disk_radius_agrees_with_galsim():
    total = 0.4 * galsim.DeVaucouleurs(half_light_radius=0.5) + 0.6 * galsim.Exponential(
        half_light_radius=1.0
    )
    image = total.drawImage(nx=4000, ny=4000, scale=0.02, method="no_pixel")
    assert bulge_disk_scale(0.4, 0.5) == pytest.approx(image.calculateHLR(flux=1.0), rel=0.02)
    assert bulge_disk_scale(0.3, 1.0) == 1.0
