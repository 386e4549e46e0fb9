import numpy as np
from deblend.benchmark.methods.photutils_deblender import measure, smoothed_noise
from deblend.benchmark.steps import part_of
from deblend.data.noise import noise_images, read_correlation
from deblend.units import mag_from_flux
from scipy.ndimage import convolve

from tests.conftest import ROOT
from tests.unit.benchmark.methods.test_sep_photometry import of_galaxies
from tests.unit.scenes.conftest import MAGS, two_galaxies


def test_fluxes_are_those_of_the_galaxies():
    scenes = two_galaxies(n=3)
    found = measure(scenes)
    rows = of_galaxies(found, scenes)
    mags = mag_from_flux(found.table["flux"][rows].to_numpy(), 25.96).reshape(-1, 2)
    assert np.abs(np.median(mags - MAGS, axis=0)).max() < 0.2
    assert len(set(rows)) == 6
    assert found.masks.shape == found.images.shape == (len(found.table), 72, 72)


def test_the_noise_of_a_smoothed_image_is_known():
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    for correlation in (None, read_correlation(ROOT / "config" / "noise.yaml")):
        image = noise_images(np.random.default_rng(0), (400, 400), 1.0, correlation)
        smooth = convolve(image, kernel)
        np.testing.assert_allclose(smooth.std(), smoothed_noise(kernel, correlation), rtol=0.02)


def test_an_image_without_sources_has_none():
    part = part_of(two_galaxies(n=1), 0, 1)
    part.images[:] = 0
    found = measure(part)
    assert not len(found.table)
    assert found.masks.shape == (0, 72, 72)
