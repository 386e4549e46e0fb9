import numpy as np
import pytest
from deblend.benchmark.trained_units import normalised, trained_units
from deblend.errors import UnsuitedError

from tests.unit.scenes.conftest import two_galaxies

SIDE = 32


def record(scenes, **changes):
    known = {
        **{"stamp_size": SIDE, "pixel_scale_arcsec": scenes.pixel_scale_arcsec},
        "zero_point": float(scenes.zero_points[0]),
        "noise_sigma": float(scenes.noise_sigma[0, 0]),
    }
    return known | changes


def test_images_are_in_units_of_the_noise_at_the_zero_point_of_the_training():
    scenes = two_galaxies(n=2, side=SIDE)
    sigma = float(scenes.noise_sigma[0, 0])
    images, factor = normalised(scenes, record(scenes))
    np.testing.assert_allclose(images, scenes.images[:, 0] / sigma, rtol=1e-6)
    assert factor == 1
    # The same depth at another zero point.
    brighter = {"zero_point": float(scenes.zero_points[0]) + 2.5, "noise_sigma": 10 * sigma}
    images, factor = normalised(scenes, record(scenes, **brighter))
    np.testing.assert_allclose(images, scenes.images[:, 0] / sigma, rtol=1e-6)
    np.testing.assert_allclose(factor, 10)


def test_other_pixels_are_refused():
    scenes = two_galaxies(n=1, side=SIDE)
    with pytest.raises(UnsuitedError, match="this one was trained on stamps of 40 px"):
        trained_units(scenes, record(scenes, stamp_size=40), "this one")
    with pytest.raises(UnsuitedError, match="blend2posterior was trained at 0.1 arcsec per pixel"):
        normalised(scenes, record(scenes, pixel_scale_arcsec=0.1))


@pytest.mark.parametrize("ratio", [0.7, 1.4])
def test_another_depth_is_refused(ratio):
    scenes = two_galaxies(n=1, side=SIDE)
    with pytest.raises(UnsuitedError, match="trained with a noise of"):
        normalised(scenes, record(scenes, noise_sigma=ratio * float(scenes.noise_sigma[0, 0])))
