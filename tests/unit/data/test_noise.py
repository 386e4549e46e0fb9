"""White and correlated noise, and the measurement of its correlation."""

import fnmatch

import numpy as np
import pytest
import yaml
from deblend.data.noise import (
    background_pixels,
    measure_correlation,
    noise_images,
    read_correlation,
    tapered_correlation,
)
from deblend.errors import DeblendError
from scipy import ndimage
from scipy.signal import correlate2d
from scipy.stats import kstest

from tests.conftest import ROOT

NUMBERS = ROOT / "config" / "noise.yaml"
#: White noise that is filtered with this has a correlation that is known exactly.
FILTER = np.outer([0.3, 1.0, 0.4], [0.5, 1.0, 0.2])
FILTERED = correlate2d(FILTER, FILTER) / np.sum(FILTER**2)


@pytest.fixture(scope="module")
def candels():
    return read_correlation(NUMBERS)


def covariance(images, dy, dx):
    """Mean product of pixels of images (n, y, x) at a distance; dy is not negative."""
    height, width = images.shape[1:]
    one = images[:, : height - dy, max(-dx, 0) : width - max(dx, 0)]
    other = images[:, dy:, max(dx, 0) : width + min(dx, 0)]
    return np.mean(one.astype(float) * other)


@pytest.mark.parametrize("name", ["CANDELS", "filtered"])
@pytest.mark.parametrize("shape", [(24, 24), (17, 30)])
def test_noise_has_the_correlation(candels, name, shape):
    correlation = candels if name == "CANDELS" else FILTERED
    images = noise_images(np.random.default_rng(1), (2500, *shape), 1.0, correlation)
    assert correlation.shape == (5, 5)
    for dy in range(5):
        for dx in range(-4, 5):
            within = max(dy, abs(dx)) <= 2
            expected = correlation[2 + dy, 2 + dx] if within else 0.0
            assert covariance(images, dy, dx) == pytest.approx(expected, abs=0.01)


def test_opposite_edges_are_independent(candels):
    images = noise_images(np.random.default_rng(2), (4000, 20, 20), 1.0, candels)
    for one, other in ((images[:, 0], images[:, -1]), (images[..., 0], images[..., -1])):
        assert np.mean(one * other) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("correlated", [False, True])
def test_each_pixel_has_its_own_sigma(candels, correlated):
    sigma = np.linspace(0.5, 4.0, 16 * 12).reshape(16, 12)
    correlation = candels if correlated else None
    images = noise_images(np.random.default_rng(3), (6000, 16, 12), sigma, correlation)
    np.testing.assert_allclose(images.std(axis=0), sigma, rtol=0.05)
    np.testing.assert_allclose(images.mean(axis=0) / sigma, 0.0, atol=0.06)
    assert kstest((images / sigma)[:, 5, 5], "norm").pvalue > 0.001


@pytest.mark.parametrize("sigma", [0.0065, np.full((2, 8, 8), 0.3)])
def test_white_noise_is_that_of_numpy_to_the_bit(sigma):
    single = noise_images(np.random.default_rng(4), (2, 8, 8), sigma)
    double = noise_images(np.random.default_rng(4), (2, 8, 8), sigma, dtype=np.float64)
    expected = np.random.default_rng(4).normal(0, sigma, (2, 8, 8))
    np.testing.assert_array_equal(double, expected)
    np.testing.assert_array_equal(single, expected.astype(np.float32))
    assert single.dtype == np.float32
    assert double.dtype == np.float64


def test_noise_without_correlation_is_white():
    images = noise_images(np.random.default_rng(5), (2000, 24, 24), 2.0, np.ones((1, 1)))
    assert covariance(images, 0, 0) == pytest.approx(4.0, rel=0.01)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2)):
        assert covariance(images, dy, dx) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("radius", [2.0, 5.0])
def test_sum_in_an_aperture_is_as_uncertain_as_the_correlation_says(candels, radius):
    y, x = np.argwhere(np.hypot(*(np.indices((15, 15)) - 7)) <= radius).T
    dy, dx = np.subtract.outer(y, y), np.subtract.outer(x, x)
    near = (np.abs(dy) <= 2) & (np.abs(dx) <= 2)
    variance = np.sum(candels[2 + dy[near], 2 + dx[near]])
    images = noise_images(np.random.default_rng(6), (10000, 15, 15), 1.0, candels)
    sums = images[:, y, x].sum(axis=1)
    assert np.var(sums) == pytest.approx(variance, rel=0.06)
    # White noise of the same sigma in a pixel: more than half a magnitude deeper.
    assert 2.5 * np.log10(np.sqrt(variance / len(y))) > 0.5


def test_images_depend_on_the_generator_alone(candels):
    first, again, other = (
        noise_images(np.random.default_rng(seed), (3, 16, 16), 1.0, candels) for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        (np.ones((2, 2)), r"shape \(2, 2\): give lags"),
        (np.ones((1, 3)), r"shape \(1, 3\): give lags"),
        (np.array([[0, 0, 0], [0, 2.0, 0], [0, 0, 0]]), "not 1 in the middle"),
        (np.array([[0, 0, 0], [0.1, 1.0, 0.3], [0, 0, 0]]), "not 1 in the middle and symmetric"),
        (np.array([[0, 0, 0], [0.8, 1.0, 0.8], [0, 0, 0]]), "no noise has this correlation"),
    ],
)
def test_what_is_not_a_correlation_is_refused(correlation, message):
    with pytest.raises(DeblendError, match=message):
        noise_images(np.random.default_rng(0), (8, 8), 1.0, correlation)


def test_small_errors_of_a_correlation_leave_sigma_as_it_is():
    """A correlation of just over 0.5 with the neighbours alone is an error of measurement."""
    correlation = np.array([[0, 0, 0], [0.51, 1.0, 0.51], [0, 0, 0]])
    images = noise_images(np.random.default_rng(9), (500, 40, 40), 3.0, correlation)
    assert np.std(images) == pytest.approx(3.0, rel=0.01)
    assert covariance(images, 0, 1) / 9 == pytest.approx(0.51, abs=0.02)


@pytest.fixture(scope="module")
def cutouts():
    """Filtered noise on a sky of 0.3, with galaxies, hot pixels and pixels without data."""
    rng, out = np.random.default_rng(10), []
    y, x = np.indices((80, 90))
    for i in range(30):
        sigma = rng.uniform(0.004, 0.008)
        white = rng.normal(0, sigma / np.sqrt(np.sum(FILTER**2)), (80, 90))
        image = 0.3 + ndimage.correlate(white, FILTER, mode="wrap")
        for _ in range(4):
            y0, x0 = rng.uniform(0, 80, 2)
            image += rng.uniform(0.05, 1) * np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / 18)
        image[rng.integers(0, 80, 3), rng.integers(0, 90, 3)] += [1, -1, 0.2]
        # Exposures end: noisier pixels there, and none beyond.
        image[20:23] += rng.normal(0, 0.1, (3, 90))
        image[:20] = [np.nan, 0.0][i % 2]
        out.append(image.astype(np.float32))
    return out


def test_the_correlation_is_measured_between_sources(cutouts):
    empty = np.full((30, 30), 0.3)
    measured = measure_correlation([*cutouts, empty[:10], np.zeros((50, 50))])
    assert measured["n_cutouts"] == 30
    assert measured["n_pixels"] == sum(background_pixels(image).sum() for image in cutouts)
    assert measured["sigma"] == pytest.approx(0.006, rel=0.15)
    difference = np.array(measured["correlation"]) - FILTERED[2:]
    # Peaks of the noise are masked as sources, which lowers all correlations a little.
    assert np.abs(difference).max() < 0.025
    assert measured["correlation"][0][2] == 1


def test_errors_are_the_scatter_between_sets_of_cutouts():
    rng = np.random.default_rng(11)
    parts = []
    for _ in range(30):
        white = rng.normal(0, 1 / np.sqrt(np.sum(FILTER**2)), (8, 40, 40))
        images = [1.0 + 0.01 * ndimage.correlate(image, FILTER, mode="wrap") for image in white]
        parts.append(measure_correlation(images))
    means, errors = (np.array([p[name] for p in parts]) for name in ("correlation", "error"))
    ratio = errors.mean(axis=0)[1:] / means.std(axis=0)[1:]
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.2)


def test_too_few_cutouts_are_refused(cutouts):
    with pytest.raises(DeblendError, match="1 of 2 cut-outs have 400 pixels of background"):
        measure_correlation([cutouts[0], np.zeros((50, 50))])


def test_the_table_is_read_with_both_halves(candels):
    half = np.array(yaml.safe_load(NUMBERS.read_text())["correlation"])
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            expected = half[dy, 2 + dx] if dy >= 0 else half[-dy, 2 - dx]
            assert candels[2 + dy, 2 + dx] == expected


def test_the_committed_numbers_are_those_of_candels(real_data):
    committed = yaml.safe_load(NUMBERS.read_text())
    with np.load(real_data / "candels_uds" / "uds_f160w_f125w_86.npz") as file:
        names = fnmatch.filter(file.files, "F160W_*_sci")
        measured = measure_correlation([file[name] for name in names])
    assert measured["n_cutouts"] == committed["n_cutouts"]
    assert measured["sigma"] == pytest.approx(committed["sigma"], rel=0.001)
    for name in ("correlation", "error"):
        np.testing.assert_allclose(measured[name], committed[name], atol=0.002)


def test_a_correlation_that_goes_on_beyond_the_lags_is_tapered_to_one_that_noise_can_have():
    # exp(-distance / 20 px), known up to 2 px.
    lags = np.arange(-2, 3)
    long = np.exp(-np.hypot(*np.meshgrid(lags, lags)) / 20)
    with pytest.raises(DeblendError, match="no noise has this correlation"):
        noise_images(np.random.default_rng(1), (4, 60, 60), 1.0, long)
    tapered = tapered_correlation(long)
    assert tapered[2, 2] == 1
    noise = noise_images(np.random.default_rng(1), (400, 60, 60), 1.0, tapered)
    assert abs(np.mean(noise[:, :, 1:] * noise[:, :, :-1]) - tapered[2, 3]) < 0.02
    assert 0.5 < tapered[2, 3] < long[2, 3]


def test_a_correlation_that_noise_can_have_stays_as_it_is(candels):
    for correlation in (candels, FILTERED):
        assert tapered_correlation(correlation) is correlation
