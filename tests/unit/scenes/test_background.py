import numpy as np
import pytest
from deblend.data.noise import noise_images
from deblend.errors import DeblendError
from deblend.scenes.background import measure_background, measure_correlations
from scipy.ndimage import gaussian_filter

KERNEL = np.outer([0.4, 1.0, 0.4], [0.4, 1.0, 0.4])


def test_sky_and_noise_are_those_of_the_images():
    rng = np.random.default_rng(0)
    images = rng.normal([[[[0.1]], [[-0.2]]]], 0.01, (3, 2, 60, 60))
    found = measure_background(images)
    np.testing.assert_allclose(found.sky, np.tile([0.1, -0.2], (3, 1)), atol=1e-3)
    np.testing.assert_allclose(found.noise, 0.01, rtol=0.1)
    assert found.measured.all()


def test_images_without_enough_background_are_said_and_bands_without_data_left_alone(caplog):
    rng = np.random.default_rng(0)
    images = rng.normal(0.1, 0.01, (3, 1, 60, 60))
    images[1, :, 15:], images[1, :, :, 15:] = np.nan, np.nan
    images[2] = np.nan
    found = measure_background(images)
    assert found.measured[:, 0].tolist() == [True, False, False]
    assert found.sky[1:, 0].tolist() == [0, 0]
    np.testing.assert_allclose(found.noise, 0.01, rtol=0.1)
    # Of the third there is nothing to subtract.
    assert "1 of 3 images" in caplog.text


def test_an_image_without_noise_is_refused():
    with pytest.raises(DeblendError, match="image 0 has no noise"):
        measure_background(np.zeros((1, 1, 60, 60)))


@pytest.mark.parametrize("side", [80, 400])
def test_the_correlation_of_one_image_is_measured(side):
    image = noise_images(np.random.default_rng(3), (1, 1, side, side), 0.01, KERNEL)
    correlation, notes = measure_correlations(image, ["h"])
    assert notes == ("correlated",)
    assert abs(correlation[0, 2, 3] - 0.4) < 0.06


def test_each_band_has_its_own_correlation_and_what_is_assumed_is_said(caplog):
    rng = np.random.default_rng(3)
    images = np.concatenate(
        [
            noise_images(rng, (4, 1, 80, 80), 0.01, KERNEL),
            rng.normal(0, 0.01, (4, 1, 80, 80)),
            np.full((4, 1, 80, 80), np.nan),
        ],
        axis=1,
    )
    correlation, notes = measure_correlations(images, ["h", "i", "b"])
    assert notes == ("correlated", "white", "white (assumed)")
    assert correlation[1:].sum(axis=(1, 2)).tolist() == [1, 1]
    assert "b: the correlation of the noise is not known" in caplog.text
    assert measure_correlations(images[:, 1:], ["i", "b"])[0] is None


def test_noise_that_is_correlated_over_many_pixels_can_still_be_drawn(caplog):
    rng = np.random.default_rng(3)
    smooth = gaussian_filter(rng.normal(size=(6, 1, 120, 120)), (0, 0, 8, 8))
    correlation, notes = measure_correlations(0.01 * smooth / smooth.std(), ["red"])
    assert notes == ("correlated",)
    assert "red: the noise is correlated over more than" in caplog.text
    assert np.isfinite(noise_images(rng, (60, 60), 0.01, correlation[0])).all()
