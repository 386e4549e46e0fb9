"""Coordinates of mosaics, and catalogues that fit them or not; astropy knows what is right."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from deblend.data.coordinates import (
    celestial_wcs,
    check_positions,
    check_scale,
    largest_offset,
    nearest_sources,
    to_pixels,
)
from deblend.data.image_files import open_image
from deblend.errors import DeblendError

from tests.unit.data.conftest import SCALE, header

SIDE = 400


def with_sip(order=2, size=5e-7, suffix="", inverse=True):
    """A header with SIP terms, whose axes may be named so."""
    wcs = header(SIDE)
    wcs.wcs.crpix = [-9000, 6000]
    result = wcs.to_header()
    result["CTYPE1"], result["CTYPE2"] = f"RA---TAN{suffix}", f"DEC--TAN{suffix}"
    result["A_ORDER"] = result["B_ORDER"] = order
    result["A_2_0"] = result["B_0_2"] = size
    if inverse:
        result["AP_ORDER"] = result["BP_ORDER"] = order
        result["AP_2_0"] = result["BP_0_2"] = -size
    return result


def read(folder, head, **options):
    path = folder / "mosaic.fits"
    fits.PrimaryHDU(np.ones((SIDE, SIDE), np.float32), head).writeto(path, overwrite=True)
    options = {"subject": "field f", "pixel_scale_arcsec": SCALE} | options
    with open_image(path, 0) as image:
        return celestial_wcs(image, **options)


PIXELS = np.array([[0.0, 10.0, 399.0], [0.0, 300.0, 20.0]])


def plain():
    result = header(SIDE)
    result.wcs.crpix = [-9000, 6000]
    return result


@pytest.mark.parametrize("inverse", [True, False])
def test_terms_that_the_axes_do_not_name_are_not_applied(tmp_path, caplog, inverse):
    wcs = read(tmp_path, with_sip(inverse=inverse))
    assert wcs.sip is None
    sky = plain().pixel_to_world_values(*PIXELS)
    np.testing.assert_allclose(wcs.world_to_pixel_values(*sky), PIXELS, atol=1e-6)
    # The largest distortion is that of a corner: u = x - CRPIX.
    u, v = 399 + 1 + 9000, 0 + 1 - 6000
    largest = 5e-7 * np.hypot(u**2, v**2)
    said = caplog.text.split("by up to ")[1]
    assert float(said.split(" px")[0]) == pytest.approx(largest, rel=0.01)
    assert "are not applied (apply_sip: false)" in caplog.text
    assert "its axes are RA---TAN and DEC--TAN, without -SIP" in caplog.text


def test_they_are_applied_if_that_is_asked_for(tmp_path, caplog):
    wcs = read(tmp_path, with_sip(), apply_sip=True)
    named = WCS(with_sip(suffix="-SIP"))
    np.testing.assert_allclose(
        wcs.pixel_to_world_values(*PIXELS), named.pixel_to_world_values(*PIXELS), rtol=1e-12
    )
    assert "are applied (apply_sip: true)" in caplog.text


def test_terms_that_the_axes_name_are_applied_without_a_word(tmp_path, caplog):
    wcs = read(tmp_path, with_sip(suffix="-SIP"))
    named = WCS(with_sip(suffix="-SIP"))
    np.testing.assert_allclose(
        wcs.pixel_to_world_values(*PIXELS), named.pixel_to_world_values(*PIXELS), rtol=1e-12
    )
    assert not caplog.records


def test_a_header_without_terms_is_astropys(tmp_path, caplog):
    wcs = read(tmp_path, plain().to_header())
    np.testing.assert_allclose(
        wcs.pixel_to_world_values(*PIXELS), plain().pixel_to_world_values(*PIXELS), rtol=1e-14
    )
    assert not caplog.records
    assert largest_offset(wcs, plain(), (SIDE, SIDE)) == pytest.approx(0, abs=1e-6)


def test_positions_far_outside_a_distorted_image_stay_outside(tmp_path):
    head = with_sip(size=2e-6, suffix="-SIP", inverse=False)
    head["CRPIX1"] = head["CRPIX2"] = 200.0
    wcs = read(tmp_path, head)
    sky = np.array(WCS(head).all_pix2world(*PIXELS, 0))
    far = np.array([[53.1 + 120, 54.0, 56.0], [27.8, -27.8, -30.0]])
    found = to_pixels(wcs, *np.concatenate([sky, far], axis=1))
    np.testing.assert_allclose(found[:3].T, PIXELS, atol=0.01)
    outside = (found < -0.5) | (found > SIDE)
    assert outside.any(axis=1).tolist() == [False] * 3 + [True] * 3
    assert np.isfinite(found).all()


def test_missing_coordinates_and_other_scales_are_named(tmp_path):
    with pytest.raises(DeblendError, match=r"field f: extension 0 of .*mosaic.fits has no celest"):
        read(tmp_path, fits.Header())
    with pytest.raises(DeblendError, match=r"are 0.06 x 0.06 arcsec, pixel_scale_arcsec is 0.05"):
        read(tmp_path, plain().to_header(), pixel_scale_arcsec=0.05)


RNG = np.random.default_rng(3)


def cutouts(n, offsets, noise=0.0065):
    """Images of a galaxy that is beside the middle by dx, dy, and where the middle is."""
    y, x = np.indices((64, 64))
    centres = 32 + RNG.uniform(-0.5, 0.5, (n, 2))
    images = [
        0.5 * np.exp(-((x - cx - dx) ** 2 + (y - cy - dy) ** 2) / 18)
        + RNG.normal(0, noise, (64, 64))
        for (cx, cy), (dx, dy) in zip(centres, offsets, strict=True)
    ]
    return np.array(images, np.float32), centres


OPTIONS = {"subject": "field f", "catalog": "c.csv", "remedy": "check them"}


@pytest.mark.parametrize("noise", [0.0065, 0.0])
def test_the_nearest_source_is_found(noise):
    offsets = RNG.uniform(-15, 15, (10, 2))
    images, centres = cutouts(10, offsets, noise)
    np.testing.assert_allclose(nearest_sources(images, centres), offsets, atol=0.1)
    assert np.isnan(nearest_sources(images[:1] * 0, centres[:1])).all()
    # The nearer one of two.
    both = images[:1] + np.roll(images[:1], (20, 20), (1, 2))
    found = nearest_sources(both, centres[:1])[0]
    assert np.hypot(*found) <= np.hypot(*offsets[0]) + 0.2


@pytest.mark.parametrize("quantum", [None, 0.0065])
def test_positions_that_fit_pass(caplog, quantum):
    images, centres = cutouts(30, RNG.uniform(-1, 1, (30, 2)))
    if quantum:
        images = np.round(images / quantum)
    check_positions(images, centres, np.linspace(20, 22, 30), **OPTIONS)
    assert not caplog.records


@pytest.mark.parametrize(("dx", "dy"), [(4, 0), (-3, 7), (0, -20)])
def test_a_catalogue_that_is_beside_is_refused_with_the_offset(dx, dy):
    images, centres = cutouts(30, np.tile([dx, dy], (30, 1)))
    with pytest.raises(DeblendError, match="only 0 of the 20 brightest galaxies of c.csv") as e:
        check_positions(images, centres, np.linspace(20, 22, 30), **OPTIONS)
    assert f"{dx:+.1f} px in x and {dy:+.1f} px in y away (median): check them" in str(e.value)


def test_a_catalogue_of_another_field_is_refused():
    images, centres = cutouts(40, RNG.uniform(-30, 30, (40, 2)))
    with pytest.raises(DeblendError, match="brightest galaxies of c.csv have a source within 2 px"):
        check_positions(images, centres, np.full(40, np.nan), **OPTIONS)
    empty = RNG.normal(0, 1, images.shape).astype(np.float32)
    with pytest.raises(DeblendError, match="only [01] of the 20 brightest"):
        check_positions(empty, centres, np.full(40, np.nan), **OPTIONS)


def test_faint_galaxies_need_not_be_seen(caplog):
    """The brightest quarter of a deep catalogue is."""
    images, centres = cutouts(100, np.zeros((100, 2)))
    order = RNG.permutation(100)
    mags = np.linspace(20, 28, 100)[order]
    images[mags > 22] = RNG.normal(0, 0.0065, images[mags > 22].shape)
    check_positions(images, centres, mags, **OPTIONS)
    assert not caplog.records
    # A few are too few to judge.
    check_positions(images[:4] * 0, centres[:4], mags[:4], **OPTIONS)


def test_doubt_is_said(caplog):
    offsets = np.zeros((20, 2))
    offsets[:7] = 10
    check_positions(*cutouts(20, offsets), np.full(20, 21.0), **OPTIONS)
    assert "only 13 of the 20 brightest galaxies" in caplog.text


def test_galactic_coordinates_are_refused(tmp_path):
    galactic = header(64).to_header()
    galactic["CTYPE1"], galactic["CTYPE2"] = "GLON-TAN", "GLAT-TAN"
    fits.writeto(tmp_path / "a.fits", np.ones((64, 64)), galactic)
    with (
        open_image(tmp_path / "a.fits", 0) as image,
        pytest.raises(DeblendError, match=r"gds: the axes of .*a.fits are GLON and GLAT, and pos"),
    ):
        celestial_wcs(image, subject="gds", pixel_scale_arcsec=SCALE)


@pytest.mark.parametrize(
    "given",
    [
        header(64).to_header(),
        {**header(64).to_header(), "WCSAXES": 3, "CTYPE3": "WAVE", "CUNIT3": "m", "CDELT3": 1e-6},
        {"PIXELSCL": SCALE},
        {"PIXSCALE": SCALE},
    ],
)
def test_the_pixel_scale_of_a_header_is_compared(given):
    given = fits.Header(given)
    check_scale(given, SCALE * 1.005, "a.fits")
    with pytest.raises(DeblendError, match=r"a.fits: the pixels are 0.06 .*arcsec by its header, "):
        check_scale(given, 0.03, "a.fits")


def test_headers_without_a_pixel_scale_pass():
    for given in ({}, {"CTYPE1": "LINEAR", "CD1_1": 0.06}, {"PIXSCALE": "unknown"}):
        check_scale(fits.Header(given), 0.03, "a.fits")
