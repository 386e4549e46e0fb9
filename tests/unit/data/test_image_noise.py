"""Noise that is measured in images of known noise."""

import galsim
import numpy as np
import pytest
from deblend.data.image_noise import checked_noise, measured_noise
from deblend.errors import DeblendError


def galaxies(n=12, size=64, sigma=0.5, seed=0):
    """A bright galaxy in the middle of each image, and noise."""
    profile = galsim.Exponential(half_light_radius=3.0, flux=3000 * max(sigma, 0.1))
    galaxy = profile.drawImage(nx=size, ny=size, scale=1.0).array
    return galaxy + np.random.default_rng(seed).normal(0, sigma, (n, size, size))


def test_noise_beside_galaxies_is_that_of_the_images():
    found = measured_noise(galaxies())
    assert found.n == 12
    assert found.sigma == pytest.approx(0.5, rel=0.03)
    assert abs(found.sigma - 0.5) < 5 * found.error < 0.1
    # A constant sky, pixels without data and a few outliers do not change it.
    images = galaxies() + 7
    images[:, :5] = np.nan
    images[:, 50, 10:14] = 900
    assert measured_noise(images).sigma == pytest.approx(0.5, rel=0.03)


def test_pixels_of_given_segmentation_maps_do_not_count():
    """Half of each image has other noise, which only the maps tell."""
    rng = np.random.default_rng(1)
    images = rng.normal(0, 1, (5, 60, 60))
    images[:, :, 30:] *= 8
    segmaps = np.zeros(images.shape, int)
    segmaps[:, :, 30:] = 3
    assert measured_noise(images, segmaps).sigma == pytest.approx(1, rel=0.05)


def test_blocks_of_zeros_beside_noise_do_not_count():
    images = np.random.default_rng(3).normal(0, 1, (5, 64, 64)).astype(np.float32)
    images[:, :25] = 0
    assert (images == 0).mean() == pytest.approx(0.39, abs=0.01)
    segmaps = np.zeros(images.shape, int)
    segmaps[:, 40:44, 30:34] = 1
    for maps in (None, segmaps):
        assert measured_noise(images, maps).sigma == pytest.approx(1, rel=0.05)


def test_a_bright_star_does_not_make_noise_that_of_the_precision():
    y, x = np.indices((64, 64)) - 32
    star = 500 * np.exp(-(x**2 + y**2) / 8)
    images = star + np.random.default_rng(4).normal(0, 0.002, (5, 64, 64))
    assert measured_noise(images.astype(np.float32)).sigma == pytest.approx(0.002, rel=0.1)


@pytest.mark.parametrize("sigma", [0.6, 1.0, 3.0])
def test_noise_of_images_of_integers(sigma):
    found = measured_noise(np.round(galaxies(sigma=sigma)))
    # Rounding adds the variance of a step.
    assert found.sigma == pytest.approx(sigma, rel=0.15)


def test_images_without_noise_and_without_background():
    images = np.zeros((3, 64, 64), np.float32)
    images[:, 20:40, 20:40] = np.random.default_rng(0).uniform(1, 9, (20, 20))
    assert measured_noise(images).sigma == 0
    assert measured_noise(np.full((3, 64, 64), np.nan)).n == 0
    assert measured_noise(np.empty((0, 64, 64))).n == 0


@pytest.mark.parametrize(
    ("configured", "warned"), [(0.5, False), (0.6, False), (0.7, True), (0.3, True), (0.0, True)]
)
def test_a_warning_has_both_values(caplog, configured, warned):
    assert checked_noise(galaxies(), configured, subject="mine") == configured
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == warned
    if warned:
        assert "mine: the noise of a pixel, measured in 12 images" in warnings[0]
        assert f"and noise_sigma is {configured:g}: correct noise_sigma" in warnings[0]


def test_two_images_of_very_different_noise_are_no_proof(caplog):
    images = np.random.default_rng(2).normal(0, 1, (2, 64, 64)) * np.array([1, 3])[:, None, None]
    checked_noise(images, 1.2, subject="mine")
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_noise_that_is_added_to_that_of_the_images(caplog):
    checked_noise(galaxies(), 2.0, subject="mine", is_added=True)
    checked_noise(galaxies(), 0.0, subject="mine", is_added=True)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    checked_noise(galaxies(), 0.4, subject="mine", is_added=True, remedy="think")
    assert "and noise with a noise_sigma of 0.4 is added: together they are 0.64; think" in (
        caplog.text
    )


def test_noise_that_is_not_configured_is_measured(caplog):
    assert checked_noise(galaxies(), None, subject="mine") == pytest.approx(0.5, rel=0.03)
    assert "it is taken, since noise_sigma is not given" in caplog.text
    with pytest.raises(DeblendError, match="mine: .* is 0, and noise_sigma is not given: give it"):
        checked_noise(np.zeros((3, 64, 64)), None, subject="mine")
    with pytest.raises(DeblendError, match="not known: there are too few pixels of background"):
        checked_noise(np.zeros((3, 5, 5)), None, subject="mine")
