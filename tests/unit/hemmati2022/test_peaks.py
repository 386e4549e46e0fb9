"""Peaks and fractions of detected blends, compared with photutils and known positions."""

import galsim
import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import psf_image
from deblend.hemmati2022.peaks import (
    count_peaks,
    detect_blends,
    detection_filter,
    find_peaks,
    find_peaks_photutils,
    match_peaks,
    set_threshold,
)

PSF = psf_image(0.6, 3.0, 0.18, size=23)
STAR = galsim.Moffat(beta=3.0, fwhm=0.6, flux=40)
SIZE, NOISE = 33, 0.05


def draw(positions, noise=NOISE, seed=0, profile=STAR):
    """Stamps with stars at positions (n, k, 2), in pixels, and noise."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, noise, (len(positions), SIZE, SIZE))
    for image, stars in zip(images, positions, strict=True):
        for x, y in stars:
            frame = galsim.ImageD(SIZE, SIZE, scale=0.18)
            centre = galsim.PositionD(x + 1, y + 1)
            image += profile.drawImage(frame, center=centre, method="no_pixel").array
    return images


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(1)
    first = rng.uniform(11, 13, (60, 1, 2))
    angle = rng.uniform(0, np.pi / 2, 60)
    second = first + 8 * np.stack([np.cos(angle), np.sin(angle)], -1)[:, None]
    return np.concatenate([first, second], axis=1)


@pytest.fixture(scope="module")
def single():
    rng = np.random.default_rng(2)
    return draw(rng.uniform(14, 18, (200, 1, 2)), seed=3)


@pytest.mark.parametrize("kind", ["psf", "lowered"])
def test_two_stars_are_found_at_their_positions(pairs, kind):
    peaks = find_peaks(draw(pairs), PSF, 8.0, kind=kind)
    assert (count_peaks(peaks, 60, 8.0) == 2).all()
    detected = detect_blends(peaks, pairs, threshold=8.0, radius_px=0.3)
    assert detected["detected"].all()
    rows = detected[["peak_0", "peak_1"]].to_numpy()
    error = peaks[["x_px", "y_px"]].to_numpy()[rows] - pairs
    assert np.abs(error).max() < 0.3
    assert np.abs(error).mean() < 0.08


@pytest.mark.parametrize("kind", ["psf", "lowered"])
@pytest.mark.parametrize("threshold", [3.0, 6.0])
def test_the_batch_finds_what_photutils_finds(pairs, kind, threshold):
    images = np.concatenate([draw(pairs), draw(pairs[:, :0])])
    ours = find_peaks(images, PSF, threshold, kind=kind)
    theirs = find_peaks_photutils(images, PSF, threshold, kind=kind)
    assert len(ours) > 100
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-3, atol=1e-3)


def test_there_are_no_peaks_in_noise(pairs):
    images = draw(pairs[:, :0], seed=5)
    peaks = find_peaks(images, PSF, 5.0)
    assert list(peaks) == ["stamp", "x_px", "y_px", "significance"]
    assert len(peaks) == 0
    assert len(find_peaks_photutils(images, PSF, 5.0)) == 0
    assert len(find_peaks(images[:0], PSF)) == 0


def test_significance_is_that_of_a_matched_filter(pairs):
    """The flux of a star divided by its error in optimal photometry, from the formula."""
    images = draw(pairs[:, :1])
    peaks = find_peaks(images, PSF, 20.0, noise=NOISE)
    assert len(peaks) == 60
    expected = 40 * np.sqrt((PSF**2).sum()) / NOISE
    assert peaks["significance"].median() == pytest.approx(expected, rel=0.03)
    own = find_peaks(images, PSF, 20.0)
    # Faint wings that are not clipped count as noise.
    assert 0.7 * expected < own["significance"].median() < expected


def test_the_lowered_filter_removes_smooth_light():
    kernel = detection_filter(PSF, "lowered")
    assert kernel.sum() == pytest.approx(0, abs=1e-12)
    assert (kernel**2).sum() == pytest.approx(1)
    with pytest.raises(DeblendError, match="it can be psf or lowered"):
        detection_filter(PSF, "sharp")
    with pytest.raises(DeblendError, match="odd sides"):
        detection_filter(PSF[1:])


def test_the_threshold_is_the_lowest_at_its_rate(single):
    # As correlated noise of a network can do, these stars make peaks above the minimum.
    rng = np.random.default_rng(6)
    images = single.copy()
    for i, height in enumerate(rng.uniform(1, 3, 20)):
        images[i] += draw([[(6, 26)]], 0, profile=STAR.withFlux(height))[0]
    threshold = set_threshold(images, PSF, false_positive_rate=0.05)
    peaks = find_peaks(images, PSF)
    assert (count_peaks(peaks, 200, threshold) > 1).sum() == 10
    assert (count_peaks(peaks, 200, threshold * 0.9999) > 1).sum() == 11
    with pytest.raises(DeblendError, match="at least 1000"):
        set_threshold(images, PSF, false_positive_rate=0.001)


def test_images_that_cannot_be_measured_are_named(single):
    images = single[:3].copy()
    images[1, 4, 4] = np.nan
    with pytest.raises(DeblendError, match="image 1 has pixels that are not finite"):
        find_peaks(images, PSF)
    blank = np.zeros((2, SIZE, SIZE))
    assert len(find_peaks(blank, PSF)) == 0
    blank[1, 16, 16] = 1
    delta = np.zeros((3, 3))
    delta[1, 1] = 1
    with pytest.raises(DeblendError, match="image 1 has no noise"):
        find_peaks(blank, delta)
    found = find_peaks(blank, delta, noise=0.1)
    np.testing.assert_allclose(found[["stamp", "x_px", "y_px"]], [[1, 16, 16]], atol=1e-6)


def test_each_peak_is_matched_once():
    true = np.array([[10.0, 10], [12, 10], [np.nan, np.nan]])
    assert match_peaks(np.array([[11.0, 10]]), true, 2.0).tolist() in ([0, -1, -1], [-1, 0, -1])
    # Matching the nearest pair first would leave one galaxy without a peak.
    found = np.array([[11.4, 10.0], [13.9, 10.0]])
    assert match_peaks(found, true, 2.0).tolist() == [0, 1, -1]
    found = np.array([[11.4, 10.0], [8.1, 10.0]])
    assert match_peaks(found, true, 2.0).tolist() == [1, 0, -1]
    assert match_peaks(found, true, 0.5).tolist() == [-1, -1, -1]
    assert match_peaks(np.empty((0, 2)), true, 2.0).tolist() == [-1, -1, -1]


def random_peaks(peaks):
    """Peaks at random positions in their stamps."""
    xy = np.random.default_rng(1).uniform(-0.5, SIZE - 0.5, (len(peaks), 2))
    return peaks.assign(x_px=xy[:, 0], y_px=xy[:, 1])


def test_random_peaks_detect_little(pairs):
    peaks = find_peaks(draw(pairs), PSF, 8.0)
    mutant = random_peaks(peaks)
    assert (mutant["stamp"] == peaks["stamp"]).all()
    detected = detect_blends(mutant, pairs, threshold=8.0, radius_px=1.5)
    assert (detected["n_peaks"] == 2).all()
    assert detected["detected"].mean() < 0.05
    one = detect_blends(peaks, pairs + [[[0, 0], [9, 0]]], threshold=8.0, radius_px=1.5)
    assert one["n_matched"].tolist() == [1] * 60
    assert not one["detected"].any()
