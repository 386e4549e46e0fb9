"""Stacks, deconvolution and SEP on stars with known positions and fluxes."""

import numpy as np
import pytest
from deblend.hemmati2022.classical import deconvolve, sep_peaks, stack_bands
from deblend.hemmati2022.degrade import fwhm_from_area
from deblend.hemmati2022.peaks import detection_limits, find_peaks

from tests.unit.hemmati2022.test_peaks import NOISE, PSF, draw

MEASURES = ("prominence", "height")


def test_the_noise_of_a_stack_is_one_and_equal_bands_add_up():
    rng = np.random.default_rng(1)
    sigma = np.array([0.5, 2.0, 7.0, 0.1])
    noise = rng.normal(0, 1, (50, 4, 20, 20)) * sigma[:, None, None]
    assert stack_bands(noise, sigma).std() == pytest.approx(1, rel=0.02)
    signal = np.broadcast_to(3 * sigma[:, None, None], (1, 4, 5, 5))
    np.testing.assert_allclose(stack_bands(signal, sigma), 6, rtol=1e-6)


def test_a_deconvolution_sharpens_and_keeps_the_flux():
    images = draw(np.full((10, 1, 2), 16.0), noise=NOISE / 10)
    sharp = deconvolve(images, PSF, NOISE / 10, 20)
    before, after = (fwhm_from_area(x).mean() for x in (images, sharp))
    assert after < 0.7 * before
    np.testing.assert_allclose(sharp.sum((1, 2)), images.sum((1, 2)), rtol=0.03)
    places = [np.unravel_index(image.argmax(), image.shape) for image in sharp]
    assert places == [(16, 16)] * 10


def test_the_significance_of_sep_is_the_prominence_of_other_searches():
    first = np.random.default_rng(2).uniform(10, 14, (20, 1, 2))
    pairs = np.concatenate([first, first + [[[8.0, 3.0]]]], axis=1)
    images = draw(pairs)
    ours, height = (find_peaks(images, PSF, noise=NOISE, measure=m) for m in MEASURES)
    sep, sep_height = (sep_peaks(images, PSF, 0.005, NOISE, m) for m in MEASURES)
    # At the limit the less significant star of each pair is lost.
    # `find_peaks` subtracts its own sky, which a prominence does not depend on.
    for found, expected, tolerance in ((sep, ours, 1e-3), (sep_height, height, 0.02)):
        limits = detection_limits(expected, pairs, 1.5)
        np.testing.assert_allclose(detection_limits(found, pairs, 1.5), limits, rtol=tolerance)
    lower, higher = (detection_limits(found, pairs, 1.5) for found in (sep, sep_height))
    assert (lower < 0.9 * higher).all()


def test_sep_finds_and_separates_stars():
    rng = np.random.default_rng(2)
    first = rng.uniform(10, 14, (40, 1, 2))
    pairs = np.concatenate([first, first + [[[9.0, 3.0]]]], axis=1)
    peaks = sep_peaks(draw(pairs), PSF, 0.005, NOISE)
    assert (detection_limits(peaks, pairs, 1.5) > 10).all()
    assert peaks["stamp"].is_monotonic_increasing
    assert (peaks.groupby("stamp")["significance"].diff().dropna() <= 0).all()
    # With the largest contrast nothing is separated.
    near = np.concatenate([first, first + [[[6.0, 0.0]]]], axis=1)
    joined, separate = (sep_peaks(draw(near), PSF, contrast, NOISE) for contrast in (1.0, 1e-4))
    assert len(joined) < len(separate)
    assert sep_peaks(np.zeros((2, 33, 33)), PSF, 0.005, NOISE).empty
