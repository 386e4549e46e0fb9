import numpy as np
import pytest
from deblend.benchmark.posterior_input import normalised
from deblend.errors import UnsuitedError

from tests.unit.scenes.conftest import two_galaxies

SIDE = 32


def record(scenes, **changes):
    known = {
        **{"stamp_size": SIDE, "pixel_scale_arcsec": scenes.pixel_scale_arcsec},
        **{"zero_point": float(scenes.zero_points[0]), "noise_sigma": 0.02},
    }
    return known | changes


def test_images_are_in_units_of_the_noise_at_the_zero_point_of_the_training():
    scenes = two_galaxies(n=2, side=SIDE)
    images, factor = normalised(scenes, record(scenes))
    np.testing.assert_allclose(images, scenes.images[:, 0] / 0.02, rtol=1e-6)
    assert factor == 1
    brighter = record(scenes, zero_point=float(scenes.zero_points[0]) + 2.5)
    images, factor = normalised(scenes, brighter)
    np.testing.assert_allclose(images, 10 * scenes.images[:, 0] / 0.02, rtol=1e-6)
    np.testing.assert_allclose(factor, 10)


def test_other_pixels_are_refused():
    scenes = two_galaxies(n=1, side=SIDE)
    with pytest.raises(UnsuitedError, match="stamps of 40 px"):
        normalised(scenes, record(scenes, stamp_size=40))
    with pytest.raises(UnsuitedError, match="arcsec per pixel"):
        normalised(scenes, record(scenes, pixel_scale_arcsec=0.1))
