"""Which flags of masks and data-quality planes mean that there are no data."""

import numpy as np
import pytest
from astropy.io import fits
from deblend.data.image_files import open_image, read_array
from deblend.data.image_masks import HST_BAD, bad_bits, flagged
from deblend.errors import DeblendError

#: A pixel for each of 16 flags, and one without.
FLAGS = np.array([0, *(1 << n for n in range(15))], "i4").reshape(4, 4)


def rubin(**planes):
    header = fits.Header()
    for name, bit in planes.items():
        header[f"HIERARCH MP_{name}"] = bit
    return header


@pytest.mark.parametrize(
    ("kind", "header", "telescope", "chosen", "marked"),
    [
        ("dq", {}, "HST", None, HST_BAD),
        ("dq", {}, "", None, HST_BAD),
        ("dq", {}, "JWST", None, (1,)),
        ("dq", {}, "HST", [512, 3], (1, 2, 512)),
        ("dq", {}, "HST", [], ()),
        ("mask", {}, "", None, [1 << n for n in range(15)]),
        ("mask", {}, "", [4], (4,)),
        ("mask", rubin(BAD=0, SAT=1, NO_DATA=8), "", None, (256,)),
        ("mask", rubin(BAD=0, SAT=1), "", None, (1,)),
        ("mask", rubin(SAT=1), "", None, ()),
        ("mask", rubin(BAD=0, SAT=1, NO_DATA=8), "", ["SAT", "NO_DATA", 8], (2, 8, 256)),
    ],
)
def test_flags_that_mean_no_data(kind, header, telescope, chosen, marked):
    bits = bad_bits(kind, header, telescope, chosen, "a.fits")
    assert sorted(FLAGS[flagged(FLAGS, bits)]) == sorted(marked)


def test_a_name_that_the_mask_does_not_have_is_refused():
    with pytest.raises(DeblendError, match="names CR, and the mask of a.fits has BAD, SAT: give"):
        bad_bits("mask", rubin(SAT=1, BAD=0), "", ["CR"], "a.fits")


@pytest.mark.parametrize("bit", ["five", 5.5, -1, 64])
def test_a_plane_that_is_no_number_of_a_bit_is_refused(bit):
    with pytest.raises(DeblendError, match=r"the mask of a.fits has .* as MP_BAD in its header"):
        bad_bits("mask", rubin(BAD=bit), "", None, "a.fits")


def test_pixels_of_a_mask_without_a_value_are_marked():
    values = np.array([[0.0, np.nan], [2.0, 4.0]])
    assert flagged(values, 4).tolist() == [[False, True], [False, True]]


def test_planes_of_hubble_in_a_file(tmp_path, caplog):
    """Flags count where the image is cut as where it is read; another shape is not used."""
    image = np.random.default_rng(0).normal(0, 1, (40, 40)).astype(np.float32)
    flags = np.zeros(image.shape, "i2")
    flags[5, 5:9] = (4096, 64, 0, 4 + 64)
    path = tmp_path / "flt.fits"
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(image, name="SCI")]
    errors = fits.ImageHDU(np.ones_like(image), name="ERR")
    fits.HDUList([*hdus, errors, fits.ImageHDU(flags, name="DQ")]).writeto(path)
    caplog.set_level("INFO")
    expected = image.copy()
    expected[5, [5, 8]] = np.nan
    np.testing.assert_array_equal(read_array(path, None), expected)
    assert "2 of 1600 pixels have no data by its maps" in caplog.text
    assert "its extension DQ with one of the flags 1, 2, 4, 8, 16, 128" in caplog.text
    with open_image(path, 0) as opened:
        np.testing.assert_array_equal(opened.cut(0, 0, 20), expected[:20, :20])
    with open_image(path, 0, mask_bits=[64]) as opened:
        assert np.argwhere(np.isnan(opened.cut(0, 0, 20))).tolist() == [[5, 6], [5, 8]]
    fits.HDUList([*hdus, fits.ImageHDU(flags[:9], name="DQ")]).writeto(path, overwrite=True)
    np.testing.assert_array_equal(read_array(path, None), image)
    assert "extension DQ has 40 x 9 px, the image 40 x 40 px: it is not used" in caplog.text


def test_zeros_where_no_exposure_reached_are_no_data_beside_flags(tmp_path):
    image = np.random.default_rng(0).normal(0, 1, (60, 60)).astype(np.float32)
    image[:, 40:] = 0
    flags = np.zeros(image.shape, "i2")
    flags[3, 3] = 1
    hdus = [fits.ImageHDU(image, name="SCI"), fits.ImageHDU(flags, name="DQ")]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "a.fits")
    with open_image(tmp_path / "a.fits", 0) as opened:
        found = np.isnan(opened.cut(0, 0, 60))
    assert found[:, 40:].all()
    assert np.argwhere(found[:, :40]).tolist() == [[3, 3]]
