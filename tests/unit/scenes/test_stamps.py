from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.stamps import cut_stamps, noise_after, pixel_ratio, rebinning


def test_pixels_of_the_same_scale_are_cut(scenes):
    stamps = cut_stamps(scenes, 0, np.array([0]), np.array([[36.2, 35.8]]), 32, 1.0, centre=16)
    np.testing.assert_array_equal(stamps.images[0], scenes.images[0, 0, 20:52, 20:52])
    assert stamps.missing[0] == 0


def test_resampling_conserves_flux_and_place():
    from tests.unit.scenes.conftest import two_galaxies

    fine = two_galaxies(n=1, side=160, scale=0.03, mags=(19.0, 30.0))
    place = fine.truth[["y_px", "x_px"]].to_numpy()[:1]
    stamps = cut_stamps(fine, 0, np.array([0]), place, 64, 2.0, centre=32)
    image = stamps.images[0]
    flux = 10 ** (0.4 * (25.96 - 19.0))
    assert abs(image.sum() / flux - 1) < 0.02
    y, x = np.indices(image.shape)
    near = np.hypot(y - 32, x - 32) < 12
    weight = np.where(near, image, 0)
    assert abs((weight * x).sum() / weight.sum() - 32) < 0.05
    assert abs((weight * y).sum() / weight.sum() - 32) < 0.05


def test_noise_is_where_there_are_no_data(scenes):
    images = scenes.images.copy()
    images[0, 0, :, :20] = np.nan
    holed = replace(scenes, images=images)
    stamps = cut_stamps(holed, 0, np.array([0]), np.array([[5.0, 20.0]]), 32, 1.0, centre=16)
    assert np.isfinite(stamps.images).all()
    assert stamps.missing[0] > 0.5
    assert abs(stamps.images[0, :, :16].std() / 0.006 - 1) < 0.15


def test_noise_after_resampling_is_that_of_resampled_noise(scenes):
    noise = np.random.default_rng(0).normal(0, 1, (1, 1, 400, 400)).astype(np.float32)
    from deblend.scenes.scenes import Scenes

    flat = Scenes(noise, ("f160w",), 0.06, np.array([25.0]), np.ones((1, 1)))
    stamps = cut_stamps(flat, 0, np.array([0]), np.array([[200.0, 200.0]]), 150, 1.7, centre=75)
    predicted = noise_after(np.array([1.0]), 150, 1.7)[0]
    assert abs(stamps.images.std() / predicted - 1) < 0.05


def test_whole_pixels_are_summed():
    np.testing.assert_allclose(rebinning(6, 3, 2.0, 0.0) @ np.arange(6.0), [1, 5, 9], atol=1e-9)


def test_a_wrong_pixel_scale_is_refused():
    assert pixel_ratio(0.06, 0.0601, "net") == 1
    for scale, remedy in ((0.005, "sum blocks"), (0.2, "take images with smaller pixels")):
        with pytest.raises(DeblendError, match=remedy) as error:
            pixel_ratio(scale, 0.06, "net")
        assert "\n" not in str(error.value)


def test_stamps_that_do_not_fit_into_memory_are_said(scenes, needs_memory):
    places = np.array([[36.2, 35.8], [30.0, 30.0]])
    needs_memory(
        lambda: cut_stamps(scenes, 0, np.array([0, 0]), places, 32, 1.0, centre=16),
        lambda stamps: (stamps.images,),
        "fewer scenes",
    )
