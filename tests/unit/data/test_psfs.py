"""PSFs that are mended or refused; GalSim draws what is right."""

import galsim
import numpy as np
import pytest
from astropy.io import fits
from deblend.data.psfs import centred, mended, read_centred_psf, read_psf
from deblend.errors import DeblendError

SCALE = 0.06


def star(fwhm_arcsec=0.19, side=41):
    """Image of a star, with the pixel, and the sum 1."""
    profile = galsim.Convolve(galsim.Moffat(beta=3.5, fwhm=fwhm_arcsec), galsim.Pixel(SCALE))
    image = profile.drawImage(nx=side, ny=side, scale=SCALE, method="no_pixel", dtype=float).array
    return image / image.sum()


@pytest.mark.parametrize("fwhm_arcsec", [0.08, 0.11, 0.19, 0.3])
@pytest.mark.parametrize("side", [40, 41])
def test_a_good_psf_is_left_alone(fwhm_arcsec, side, caplog):
    image = star(fwhm_arcsec, side)
    np.testing.assert_array_equal(centred(mended(image, "psf"), "psf"), image)
    noisy = image + np.random.default_rng(0).normal(0, 2e-3 * image.max(), image.shape)
    np.testing.assert_array_equal(mended(noisy, "psf"), noisy)
    assert not caplog.records


@pytest.mark.parametrize("where", [(3, 4), (20, 33), (12, 20)])
@pytest.mark.parametrize("height", [0.2, 0.9, 30.0])
@pytest.mark.parametrize("fwhm_arcsec", [0.11, 0.19])
def test_a_hot_pixel_is_replaced_by_its_neighbours(fwhm_arcsec, height, where, caplog):
    image = star(fwhm_arcsec)
    hot = image.copy()
    hot[where] = height * image.max()
    found = mended(hot, "psf")
    np.testing.assert_allclose(found, image, atol=2e-3 * image.max())
    assert f"psf has 1 hot pixels (x = {where[1]}, y = {where[0]}" in caplog.text


@pytest.mark.parametrize("level", [0.01, 0.1, -0.004])
@pytest.mark.parametrize("fwhm_arcsec", [0.11, 0.19])
def test_a_pedestal_is_subtracted(fwhm_arcsec, level, caplog):
    image = star(fwhm_arcsec)
    found = mended(image + level * image.max(), "psf")
    np.testing.assert_allclose(found, image, atol=1e-3 * image.max())
    assert "psf has a pedestal of" in caplog.text


def test_wings_are_no_pedestal(caplog):
    image = star(0.3, 17)
    np.testing.assert_array_equal(mended(image, "psf"), image)
    assert "pedestal" not in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_edges_without_data_get_the_values_opposite(value, caplog):
    image = star()
    broken = image.copy()
    broken[:3] = broken[:, -2:] = value
    found = mended(broken, "psf")
    np.testing.assert_allclose(found, image, atol=1e-4 * image.max())
    assert "pixels that are not finite" in caplog.text


def test_everything_at_once(tmp_path):
    image = star()
    broken = 50 * image + 0.3
    broken[5, 6] = 90
    broken[0] = np.nan
    fits.writeto(tmp_path / "psf.fits", broken)
    found = read_psf(tmp_path / "psf.fits", 0.06)
    assert found.shape == (1, 41, 41)
    np.testing.assert_allclose(found[0], image, atol=1e-3 * image.max())
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_a_psf_of_another_pixel_scale_by_its_header_is_refused(tmp_path):
    fits.writeto(tmp_path / "psf.fits", star(), fits.Header({"PIXELSCL": 0.03}))
    with pytest.raises(DeblendError, match=r"psf.fits: the pixels are 0.03 .* and 0.06 arcsec by"):
        read_psf(tmp_path / "psf.fits", 0.06)
    assert read_psf(tmp_path / "psf.fits", 0.03).shape == (1, 41, 41)


def test_a_star_beside_the_middle_is_cut_around_its_peak(caplog):
    image = star(0.11, 61)
    shifted = np.roll(image, (5, -7), (0, 1))
    found = centred(shifted, "psf")
    assert found.shape == (47, 47)
    np.testing.assert_allclose(found, image[7:-7, 7:-7], atol=1e-12)
    assert "brightest in pixel x = 23, y = 35: it is cut to 47 px" in caplog.text
    # Of an even side, one pixel is central if it has to be.
    even = np.pad(image, ((0, 1), (0, 1)))
    assert centred(even, "psf").shape == (62, 62)
    np.testing.assert_array_equal(centred(even, "psf", on_pixel=True), image)


def near_peak(value):
    image = star()
    image[20, 21] = value
    return image


def many_hot():
    image = star(0.11)
    image[3:20:4, 5] = 0.5
    return image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((2, 9, 9)), r"has the shape \(2, 9, 9\)"),
        (np.full((9, 9), np.nan), "not finite or no light"),
        (np.zeros((9, 9)), "not finite or no light"),
        (-star(), "no light|the sum"),
        (near_peak(np.nan), "pixels that are not finite, .* next to its peak"),
        (star()[:, :21] + np.where(np.arange(21) < 3, np.nan, 0), r"brightest in pixel x = 20"),
        (np.where(np.arange(41) < 20, np.nan, star()), "not finite"),
        (many_hot(), "has 5 pixels that are far brighter than those around them"),
        (np.roll(star(), 17, 0), r"of 41 x 41 px is brightest in pixel x = 20, y = 37: cut it"),
        (None, "cannot read an array from"),
    ],
)
def test_an_image_that_is_no_psf_is_refused(tmp_path, image, message):
    if image is not None:
        fits.writeto(tmp_path / "psf.fits", image)
    with pytest.raises(DeblendError, match=message):
        read_psf(tmp_path / "psf.fits", 0.06)


def test_measured_psfs_of_hubble_are_left_alone(real_data, caplog):
    for path in sorted((real_data / "hst_psf").glob("*.fits")):
        image = fits.getdata(path).astype(float)
        found = read_centred_psf(path, None, path.name, 0.06)
        np.testing.assert_allclose(found, image / image.sum(), atol=1e-12)
    assert not caplog.records
