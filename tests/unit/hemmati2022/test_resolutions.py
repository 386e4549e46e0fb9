"""How peaks are found in each resolution: filters, scales, thresholds, positions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import all_sources, main_pair, true_positions
from deblend.hemmati2022.classical import stack_bands
from deblend.hemmati2022.degrade import fwhm_from_area, psf_image
from deblend.hemmati2022.networks import SuperResolver
from deblend.hemmati2022.pairs import BATCH, single_galaxies
from deblend.hemmati2022.peaks import (
    false_peaks,
    find_peaks,
    highest,
    set_threshold,
    typical_noise,
)
from deblend.hemmati2022.predict import Network, all_images
from deblend.hemmati2022.resolutions import (
    Filter,
    Resolution,
    make_resolutions,
    restore_resolutions,
    to_frame_pixels,
    to_image_pixels,
)

from tests.unit.hemmati2022.conftest import BLENDING, CPU, DETECTION, SPLITS, maker_of


def test_a_wider_psf_is_chosen_for_galaxies_with_clumps():
    """Smooth galaxies of 0.5 arcsec; the single ones have a sharp clump."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:66, :66] - 33.0

    def blob(dx, width):
        return np.exp(-((x - dx) ** 2 + y**2) / (2 * width**2))

    noise = rng.normal(0, 0.01, (3, 60, 66, 66))
    clump = rng.uniform(1, 2, (60, 1, 1)) * blob(6, 0.6)
    smooth, blends = blob(0, 3.5) + noise[0], blob(-9, 3.5) + 0.4 * blob(9, 3.5) + noise[1]
    single = smooth + clump
    middle = np.full((60, 1, 2), 33.0)
    pair = np.broadcast_to([[24.0, 33.0], [42.0, 33.0]], (60, 2, 2))
    sharp, wide = (psf_image(fwhm, 3.0, 0.06, 31) for fwhm in (0.08, 0.4))
    resolution = Resolution("high_best", [Filter(sharp), Filter(wide, 0.4)])

    def choose(sets_threshold, check):
        heights, lowest = resolution.choose_filter(
            sets_threshold, middle, check, middle, blends, pair, pair, DETECTION
        )
        assert resolution.threshold == max(
            lowest, set_threshold(heights, DETECTION.false_positive_rate)
        )
        return resolution.filter

    assert choose(single, single).psf is wide
    assert np.isnan(choose(smooth, smooth).fwhm_arcsec)  # its own PSF: another one is not better
    # The galaxies that set the threshold have no clumps: it gives too many false positives.
    assert choose(smooth, single).fwhm_arcsec == 0.4


@pytest.mark.parametrize("name", ["low_best", "low_rl"])
def test_images_in_files_give_the_same_filter_and_threshold(maker, name):
    """More than a batch, and with a deconvolution, whose images are in files too."""
    n = BATCH + 88
    networks = {"gan": Network(SuperResolver(1, 4, 1).eval(), maker, 0)}
    blends = maker.draw(SPLITS["test"], 0, n, "test", BLENDING)
    single = single_galaxies(blends)
    pair = true_positions(blends)[np.arange(n)[:, None], main_pair(blends)]
    sources, middle = (all_sources(table, maker.galaxies) for table in (blends, single))
    found = []
    for kept_bytes in (2**30, 0):
        images, alone = (
            all_images(networks, table, "test", CPU, kept_bytes)["low"]
            for table in (blends, single)
        )
        assert isinstance(images, np.memmap) == (not kept_bytes)
        resolution = make_resolutions(networks, DETECTION)[name]
        chosen = resolution.choose_filter(
            alone, middle, alone[:50], middle[:50], images, pair, sources, DETECTION
        )
        found.append((*chosen, resolution.threshold, resolution.noise, resolution.validated))
    assert found[0][4] > 0
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_filters_have_their_widths_and_the_right_band(stamps):
    bands = stamps.bands.assign(noise_sigma=[0.002, 0.004], zero_point=[25.67, 26.67])
    maker = maker_of(replace(stamps, bands=bands), ("f775w", "f606w"))
    network = Network(SuperResolver(2, 4, 1), maker, 1)
    found = make_resolutions({"gan_multi": network}, DETECTION)
    pixels = {"high_best": 0.06, "low_best": 0.18, "gan_multi": 0.06}
    for name, pixel in pixels.items():
        widths = {f.fwhm_arcsec for f in found[name].filters if np.isfinite(f.fwhm_arcsec)}
        assert widths == set(DETECTION.low_fwhm_arcsec if "low" in name else DETECTION.fwhm_arcsec)
        for chosen in found[name].filters:
            if chosen.fwhm_arcsec > 2 * pixel:
                width = fwhm_from_area(chosen.psf[None])[0] * pixel
                assert width == pytest.approx(chosen.fwhm_arcsec, rel=0.2)
    assert {"low_stack", "low_stack_rl", "gan_multi_stack"} <= set(found)
    for name, scale in (("high_best", maker.scale_high), ("low_best", maker.scale_low)):
        assert found[name].scale.softening.shape == (1, 1, 1)
        assert found[name].scale.softening[0] == scale.softening[1]
        assert found[name].scale.limit[0] == scale.limit[1]
    assert maker.scale_high.softening[0] != maker.scale_high.softening[1]
    assert len(found["high"].filters) == len(found["low"].filters) == 1


def without_edges(peaks):
    """Peaks more than 6 px from all edges of images of 66 px."""
    xy = peaks[["x_px", "y_px"]]
    return peaks[((xy > 6) & (xy < 59)).all(axis=1)].reset_index(drop=True)


@pytest.mark.parametrize("name", ["high", "low", "gan"])
def test_galaxies_beyond_the_frame_make_no_peaks(name):
    """Their light falls into the frame, but they are in no list of its galaxies."""
    scale = 0.18 if name == "low" else 0.06
    side = {"high": 66, "low": 22, "gan": 64}[name]
    middle = to_image_pixels(name, np.array([33.0, 33.0]))
    outside = to_image_pixels(name, np.array([[68.0, 20.0], [-4.0, 50.0], [30.0, -3.0]]))
    y, x = np.indices((side, side))
    image = np.random.default_rng(1).normal(0, 0.1, (side, side))
    width = (4 * 0.06 / scale) ** 2
    for flux, (at_x, at_y) in [(10, middle), *((1000, place) for place in outside)]:
        image += flux * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 2 / width)
    psf = psf_image(0.4, 3.0, scale, 15)
    resolution = Resolution(name, [Filter(psf)], noise=0.1)
    resolution.threshold = 10.0
    found = resolution.peaks(image[None].astype(np.float32))
    assert len(found) == 1
    np.testing.assert_allclose(found[["x_px", "y_px"]].to_numpy()[0], middle, atol=0.3)


def test_a_filter_can_use_the_asinh_scale(maker):
    """Peaks and threshold are the same as for images that are already scaled."""
    blends = single_galaxies(maker.draw(SPLITS["test"], 0, 60, "test", BLENDING))
    flux, psf = maker.pairs(blends, "test")[0][:, 0], maker.psf_high[0]
    scaled = maker.scale_high.scaled(flux[:, None])[:, 0]
    resolution = Resolution("high_best", [Filter(psf, image_scale="asinh")], scale=maker.scale_high)
    middle = true_positions(blends)

    def calibrate(resolution):
        resolution.choose_filter(flux, middle, flux, middle, flux, middle, middle, DETECTION)

    calibrate(resolution)
    noise = typical_noise([scaled])
    assert resolution.noise == pytest.approx(noise, rel=1e-4)

    def threshold_of(images, noise):
        peaks = without_edges(find_peaks(images, psf, noise=noise))
        return set_threshold(
            highest(peaks, false_peaks(peaks, middle, 5.0), 60), DETECTION.false_positive_rate
        )

    assert resolution.threshold == pytest.approx(threshold_of(scaled, noise), rel=1e-3)
    expected = without_edges(find_peaks(scaled, psf, resolution.threshold, noise=noise))
    pd.testing.assert_frame_equal(resolution.peaks(flux), expected, rtol=1e-3)
    in_flux = Resolution("high", [Filter(psf)])
    calibrate(in_flux)
    assert in_flux.noise is None
    assert in_flux.threshold == threshold_of(flux, None)


def test_bright_galaxies_of_a_sum_of_bands_have_peaks(stamps):
    """Galaxies a hundred times brighter than those that the scale is made for."""
    maker = maker_of(stamps, ("f775w", "f606w"))
    network = Network(SuperResolver(2, 4, 1), maker, 1)
    resolution = make_resolutions({"gan_multi": network}, DETECTION)["low_stack"]
    resolution.filter = next(f for f in resolution.filters if f.image_scale == "asinh")
    blends = maker.draw(SPLITS["test"], 0, 20, "test", BLENDING)
    images = 100 * stack_bands(maker.pairs(blends, "test")[1], maker.noise_low)
    resolution.noise = typical_noise([resolution.search_scale(images)])
    first = resolution.find(images).groupby("stamp").first()
    assert len(first) == 20
    brightest = [np.unravel_index(x.argmax(), x.shape)[::-1] for x in images]
    assert np.abs(first[["x_px", "y_px"]].to_numpy() - brightest).max() < 2


def test_resolutions_can_be_restored(maker, detected, tmp_path):
    """Filters, thresholds and noise are restored from the table of false positives."""
    false = detected.false_positives
    assert set(false["resolution"]) >= {"high_best", "low_best"}
    false.to_csv(tmp_path / "false.csv", index=False)
    networks = {"gan": Network(SuperResolver(1, 4, 1), maker, 0)}
    again = restore_resolutions(pd.read_csv(tmp_path / "false.csv"), networks, DETECTION)
    rows = false.drop_duplicates("resolution").set_index("resolution")
    assert set(again) == set(rows.index)
    for name, resolution in again.items():
        assert resolution.threshold == pytest.approx(rows.loc[name, "threshold"])
        chosen = resolution.filter
        assert [chosen.kind, chosen.image_scale] == rows.loc[
            name, ["filter", "image_scale"]
        ].tolist()
        np.testing.assert_equal(chosen.fwhm_arcsec, rows.loc[name, "fwhm_arcsec"])
    fewer = DETECTION.model_copy(update={"fwhm_arcsec": (0.5,)})
    with pytest.raises(DeblendError, match="is none of hemmati2022 > detection"):
        restore_resolutions(false, networks, fewer)


def test_chance_is_the_same_in_images_of_both_sides():
    rng = np.random.default_rng(4)
    sources = 33 + rng.uniform(-15, 15, (200, 2, 2))
    psf = psf_image(0.1, 3.0, 0.06, 31)
    high, gan = (
        Resolution(name, [Filter(psf)]).chance(sources, DETECTION) for name in ("high", "gan")
    )
    # The images of networks lack a pixel at each edge, where peaks do not count.
    assert gan == high


def test_conversions_of_positions_are_inverse():
    at = np.array([[33.0, 40.0], [10.0, 21.0]])
    for name in ("high", "low", "low_best", "gan"):
        np.testing.assert_allclose(to_frame_pixels(name, to_image_pixels(name, at)), at)
