"""GalSim profiles of galaxies: flux, centroid and size."""

import galsim
import numpy as np
import pytest
from deblend.data.priors import MORPHOLOGIES
from deblend.data.profiles import bulge_disk_scale, galaxy_profile
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
