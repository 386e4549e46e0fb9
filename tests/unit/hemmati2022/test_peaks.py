"""Peaks and fractions of detected blends, compared with photutils and known positions."""

import galsim
import numpy as np
import pandas as pd
import pytest
from astropy.stats import sigma_clipped_stats
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import psf_image
from deblend.hemmati2022.peaks import (
    calibration_halves,
    chance_rate,
    detect_blends,
    detection_filter,
    detection_limits,
    false_peaks,
    find_peaks,
    find_peaks_photutils,
    highest,
    match_peaks,
    near_sources,
    prominences,
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


def n_above(peaks, n_stamps, threshold):
    """Number of peaks of each stamp above a threshold."""
    strong = peaks[peaks["significance"] > threshold]
    return np.bincount(strong["stamp"], minlength=n_stamps)


@pytest.mark.parametrize("kind", ["psf", "lowered"])
def test_two_stars_are_found_at_their_positions(pairs, kind):
    peaks = find_peaks(draw(pairs), PSF, 8.0, kind=kind)
    assert (n_above(peaks, 60, 8.0) == 2).all()
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
    ours = find_peaks(images, PSF, threshold, kind=kind, measure="height")
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


def test_the_threshold_is_the_lowest_at_its_rate():
    heights = np.concatenate([np.zeros(180), np.random.default_rng(6).uniform(5, 30, 20)])
    threshold = set_threshold(heights, 0.05)
    assert (heights > threshold).sum() == 10
    assert (heights > threshold * 0.9999).sum() == 11
    # Without false peaks it is the height of noise.
    assert set_threshold(np.zeros(200), 0.05) == 3
    assert set_threshold(np.full(200, 50.0), 1.0) == 3
    with pytest.raises(DeblendError, match="at least 1000"):
        set_threshold(heights, 0.001)


def test_epochs_and_thresholds_have_other_galaxies(maker):
    rows = np.array([3, 4, 8, 9, 13, 20, 21])
    epochs, thresholds = calibration_halves(maker, rows)
    assert len(epochs) == 3
    assert sorted([*epochs, *thresholds]) == rows.tolist()
    # The order of the rows changes nothing.
    for part, again in zip(
        (epochs, thresholds), calibration_halves(maker, rows[::-1]), strict=True
    ):
        np.testing.assert_array_equal(part, again)


def prominences_by_flooding(image, places):
    """Prominences of maxima (y, x): all pixels are added from the highest to the lowest."""
    owner = {}
    found = {place: image[place] for place in places}

    def root(pixel):
        while owner[pixel] != pixel:
            pixel = owner[pixel]
        return pixel

    for pixel in sorted(np.ndindex(image.shape), key=lambda p: -image[p]):
        if image[pixel] <= 1:
            break
        owner[pixel] = pixel
        for dy, dx in np.ndindex(3, 3):
            near = (pixel[0] + dy - 1, pixel[1] + dx - 1)
            if near in owner:
                high, low = sorted([root(pixel), root(near)], key=lambda p: -image[p])
                if low in found and high != low:
                    found[low] = image[low] - image[pixel] + 1
                owner[low] = high
    return [found[place] for place in places]


def test_prominences_are_those_of_a_flood():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:20, :24]
    images = rng.normal(0, 1.2, (6, 20, 24))
    for image in images[1:]:
        for _ in range(3):
            cy, cx = rng.uniform(2, 18, 2)
            image += rng.uniform(3, 40) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 20)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    around = [
        padded[:, 1 + dy : 21 + dy, 1 + dx : 25 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)
    ]
    stamp, y, x = np.nonzero((images == np.max(around, axis=0)) & (images > 2))
    expected = [
        value
        for k, image in enumerate(images)
        for value in prominences_by_flooding(
            image, list(zip(y[stamp == k], x[stamp == k], strict=True))
        )
    ]
    found = prominences(images, stamp, y, x)
    np.testing.assert_allclose(found, expected)
    assert (found < images[stamp, y, x] - 3).sum() > 5


def test_noise_on_a_bright_galaxy_is_as_significant_as_on_the_sky():
    wide = galsim.Moffat(beta=3.0, fwhm=4.0, flux=150)
    images = draw(np.full((100, 1, 2), 16.2), profile=wide)
    heights, found = (
        find_peaks(images, PSF, noise=NOISE, measure=m) for m in ("height", "prominence")
    )
    assert (n_above(heights, 100, 8.0) > 1).sum() > 20
    assert (n_above(found, 100, 4.0) > 1).sum() == 0
    assert (n_above(found, 100, 10.0) == 1).all()


def test_the_sky_is_that_of_astropy():
    """Without light the significance of a pixel is its value over the clipped deviation."""
    rng = np.random.default_rng(3)
    images = rng.normal(2, 0.3, (20, 33, 32)) + (rng.uniform(size=(20, 33, 32)) > 0.97) * 8
    delta = np.zeros((3, 3))
    delta[1, 1] = 1
    found = find_peaks(images.astype(np.float32), delta, 5.0, measure="height")
    _, median, sigma = sigma_clipped_stats(images, sigma=3, maxiters=5, axis=(1, 2))
    expected = ((images - median[:, None, None]) / sigma[:, None, None]).max(axis=(1, 2))
    assert found.groupby("stamp")["significance"].max().to_numpy() == pytest.approx(
        expected, rel=1e-4
    )


def stamp_peaks(*stamps):
    """Table of peaks (x, y, significance) of each stamp."""
    rows = [(i, *peak) for i, peaks in enumerate(stamps) for peak in peaks]
    return pd.DataFrame(rows, columns=["stamp", "x_px", "y_px", "significance"])


def test_a_peak_without_a_galaxy_is_false():
    nan = [np.nan, np.nan]
    sources = np.array(
        [
            [[10.0, 10], nan],
            [[10.0, 10], [20, 10]],
            [[10.0, 10], [13, 10]],
            [nan, nan],
        ]
    )
    peaks = stamp_peaks(
        [(10.5, 10, 30), (9.0, 10, 8), (25, 10, 5)],  # a second peak of one galaxy; sky
        [(25.0, 10, 9), (20, 11, 7), (10, 10, 5)],
        # The first is near both, the second near one only: both have a galaxy.
        [(11.4, 10, 20), (8.2, 10, 15), (11, 10, 4)],
        [(1.0, 1, 6)],
    )
    found = false_peaks(peaks, sources, 2.0)
    assert found.tolist() == [False, True, True, True, False, False, False, False, True, True]
    assert highest(peaks, found, 5).tolist() == [8, 9, 4, 6, 0]
    assert highest(peaks.iloc[:0], found[:0], 2).tolist() == [0, 0]
    near = near_sources(peaks, sources, 2.0)
    assert near.tolist() == [True, True, False, False, True, True, True, True, True, False]
    assert not near_sources(peaks, np.empty((4, 0, 2)), 2.0).any()


def test_random_places_match_in_proportion_to_the_area_around_sources():
    nan = [np.nan, np.nan]
    sources = np.array([[[30.0, 30], nan], [[20.0, 40], [45, 20]], [nan, nan]])
    expected = (1 + 2 + 0) * np.pi * 8**2 / (3 * 66**2)
    assert chance_rate(sources, 8.0, 66) == pytest.approx(expected, rel=0.03)
    # Two sources at one place are as one.
    assert chance_rate(sources[[0, 0]][:, [0, 0]], 8.0, 66) == chance_rate(sources[:1], 8.0, 66)
    # Places at the edges do not count.
    expected = (1 + 2 + 0) * np.pi * 8**2 / (3 * 52**2)
    assert chance_rate(sources, 8.0, 66, 6.0) == pytest.approx(expected, rel=0.03)


def test_the_number_of_false_peaks_does_not_depend_on_the_order_of_the_thresholds():
    """It is that of the peaks above any threshold without a place in the largest matching."""
    rng = np.random.default_rng(8)
    sources = rng.uniform(0, 20, (150, 3, 2))
    peaks = stamp_peaks(
        *(sorted(rng.uniform(0, 20, (6, 3)).tolist(), key=lambda p: -p[2]) for _ in range(150))
    )
    is_false = false_peaks(peaks, sources, 5.0)
    for threshold in (0.0, 6.0, 14.0):
        above = peaks["significance"].to_numpy() > threshold
        for k in range(150):
            own = (peaks["stamp"] == k).to_numpy() & above
            matched = match_peaks(peaks.loc[own, ["x_px", "y_px"]].to_numpy(), sources[k], 5.0)
            assert (is_false & own).sum() == own.sum() - (matched >= 0).sum()


def test_detection_limits_agree_with_the_matching_at_each_threshold():
    rng = np.random.default_rng(9)
    pair = rng.uniform(0, 12, (200, 2, 2))
    peaks = stamp_peaks(
        *(sorted(rng.uniform(0, 12, (5, 3)).tolist(), key=lambda p: -p[2]) for _ in range(200))
    )
    limits = detection_limits(peaks, pair, 4.0)
    assert 0.1 < (limits > 3).mean() < 0.9
    for threshold in (0.5, 3.0, 6.0, 9.0):
        expected = detect_blends(peaks, pair, threshold=threshold, radius_px=4.0)["detected"]
        np.testing.assert_array_equal(limits > threshold, expected)


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
