"""Images of every layout, and files that are broken."""

import gzip

import h5py
import numpy as np
import pytest
from astropy.io import fits
from deblend.data.image_files import (
    BLOCK_PX,
    open_image,
    read_array,
    read_pixels,
    unobserved,
)
from deblend.errors import DeblendError, TransientError

SKY = np.random.default_rng(0).normal(0, 1, (60, 80)).astype(np.float32)


def write(path, *hdus):
    """A FITS file with an empty primary extension first if there are several."""
    first = hdus[:1] if isinstance(hdus[0], fits.PrimaryHDU) else (fits.PrimaryHDU(), hdus[0])
    fits.HDUList([*first, *hdus[1:]]).writeto(path, overwrite=True)
    return path


def test_arrays_of_every_kind(tmp_path):
    array = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = array
    fits.PrimaryHDU(array).writeto(tmp_path / "a.fits")
    for name, key in (("a.npy", None), ("a.npz", None), ("a.h5", "x"), ("a.fits", "0")):
        np.testing.assert_array_equal(read_array(tmp_path / name, key), array)
    with pytest.raises(DeblendError, match="is not .npy"):
        read_array(tmp_path / "a.txt", None)


def test_pickled_objects_are_never_read(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DeblendError, match="cannot read an array from .*evil"):
        read_array(tmp_path / "evil.npy", None)
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(DeblendError, match="cannot read an array from .*cut"):
        read_array(tmp_path / "cut.npz", None)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("\N{MICRO SIGN}Jy", "uJy"),
        ("\N{GREEK SMALL LETTER MU}Jy".encode(), "uJy"),
        (np.array(["nJy"], h5py.string_dtype()), "nJy"),
        (np.array([b"nJy", b"nJy"]), "nJy"),
        ("counts s\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ONE}", "counts s-1"),
    ],
)
def test_units_of_arrays_are_plain_text(tmp_path, unit, expected):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = SKY
        file["x"].attrs["unit"] = unit
    assert read_pixels(tmp_path / "a.h5", None).header["BUNIT"] == expected


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_an_array_of_texts_is_no_image(tmp_path, name):
    names = np.array([b"g1", b"g2"])
    if name == "a.h5":
        with h5py.File(tmp_path / name, "w") as file:
            file["names"] = names
    else:
        np.savez(tmp_path / name, names=names)
    with pytest.raises(DeblendError, match=rf"the array names in .*{name} .* give an array of re"):
        read_pixels(tmp_path / name, "names")


def test_other_names_and_groups_of_arrays(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["survey/images"] = SKY
        file["survey/images"].attrs["unit"] = "nJy"
        file["survey/masks"] = SKY > 0
        file["version"] = 3
    pixels = read_pixels(tmp_path / "a.hdf5", "survey/images")
    np.testing.assert_array_equal(pixels.values, SKY)
    assert pixels.header["BUNIT"] == "nJy"
    with pytest.raises(DeblendError, match="has the arrays survey/images, survey/masks: name one"):
        read_array(tmp_path / "a.hdf5", None)
    fits.writeto(tmp_path / "A.FITS.GZ", SKY)
    np.testing.assert_array_equal(read_array(tmp_path / "A.FITS.GZ", None), SKY)
    lossless = fits.CompImageHDU(SKY, compression_type="GZIP_2", quantize_level=0)
    write(tmp_path / "a.fits.fz", lossless)
    np.testing.assert_array_equal(read_array(tmp_path / "a.fits.fz", None), SKY)


@pytest.mark.parametrize(
    ("dtype", "bzero"), [("i2", None), ("i4", None), ("u1", None), ("i2", 32768), ("f8", None)]
)
def test_zeros_are_data_in_images_of_any_type(tmp_path, dtype, bzero):
    values = np.round(SKY).astype(dtype)
    hdu = fits.PrimaryHDU(values)
    if bzero:
        hdu.header["BZERO"] = bzero
    with open_image(write(tmp_path / "a.fits", hdu), 0) as image:
        found = image.cut(5, 7, 30)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values[5:35, 7:37].astype(float) + (bzero or 0))
    assert (values == 0).mean() > 0.3


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_2", "HCOMPRESS_1"])
def test_compressed_images_keep_zeros_and_lose_no_data(tmp_path, compression):
    values = SKY.copy()
    values[3, 4] = np.nan
    hdu = fits.CompImageHDU(values, compression_type=compression, quantize_level=2)
    with open_image(write(tmp_path / "a.fits", hdu), 0) as image:
        found = image.cut(0, 0, 40)
    np.testing.assert_allclose(found, values[:40, :40], atol=0.5)
    integers = np.round(SKY).astype("i4")
    hdu = fits.CompImageHDU(integers, compression_type=compression)
    np.testing.assert_array_equal(read_array(write(tmp_path / "b.fits", hdu), None), integers)


@pytest.mark.parametrize("blank", [0, -999, -32768])
@pytest.mark.parametrize("bzero", [0, 32768])
@pytest.mark.parametrize("compressed", [False, True])
def test_blank_pixels_have_no_data(tmp_path, blank, bzero, compressed):
    values = np.arange(1, 401, dtype="i4").reshape(20, 20)
    values[3, 4] = blank
    if compressed:
        hdu = fits.CompImageHDU(values)
    else:
        hdu = fits.PrimaryHDU(values.astype("i2"))
        hdu.header["BZERO"] = bzero
    hdu.header["BLANK"] = blank
    expected = values.astype(float) + (0 if compressed else bzero)
    expected[3, 4] = np.nan
    with open_image(write(tmp_path / "a.fits", hdu), 0) as image:
        np.testing.assert_array_equal(image.cut(0, 0, 20), expected)
        np.testing.assert_array_equal(image.read(), expected)


def test_layout_of_image_mask_and_variance(tmp_path):
    """As of HSC and Rubin: a bit of the mask says no data, another one that there is an object."""
    mask = np.zeros(SKY.shape, "i4")
    mask[:, 40:] = 1 << 5
    mask[10, 10] = (1 << 8) + (1 << 5)
    variance = np.ones(SKY.shape, np.float32)
    variance[20, 20] = np.inf
    planes = fits.Header()
    for name, bit in (("MP_DETECTED", 5), ("MP_NO_DATA", 8), ("MP_BAD", 0)):
        planes[f"HIERARCH {name}"] = bit
    path = write(
        tmp_path / "calexp.fits",
        fits.ImageHDU(SKY, fits.Header({"BUNIT": "nJy"}), name="IMAGE"),
        fits.ImageHDU(mask, planes, name="MASK"),
        fits.ImageHDU(variance, name="VARIANCE"),
    )
    expected = SKY.copy()
    expected[10, 10] = expected[20, 20] = np.nan
    for key in (None, "0", "1", "image"):
        pixels = read_pixels(path, key)
        np.testing.assert_array_equal(pixels.values, expected)
        assert pixels.header["BUNIT"] == "nJy"
    with open_image(path, 0) as image:
        np.testing.assert_array_equal(image.cut(0, 0, 50), expected[:50, :50])
    np.testing.assert_array_equal(read_array(path, "MASK"), mask)


def test_weights_say_where_there_are_no_data(tmp_path):
    weight = np.ones(SKY.shape, np.float32)
    weight[:15] = 0
    weight[20, 20] = np.nan
    pixels = SKY.copy()
    pixels[30:50, 30:50] = 0  # data, since the weights say so
    expected = pixels.copy()
    expected[:15] = expected[20, 20] = np.nan
    own = write(
        tmp_path / "drz.fits",
        fits.ImageHDU(pixels, name="SCI"),
        fits.ImageHDU(weight, name="WHT"),
        fits.ImageHDU(np.ones(SKY.shape, "i4"), name="CTX"),
    )
    fits.writeto(tmp_path / "sci.fits", pixels)
    fits.writeto(tmp_path / "wht.fits", weight)
    for path, other in ((own, None), (tmp_path / "sci.fits", tmp_path / "wht.fits")):
        with open_image(path, 0, weight=other) as image:
            np.testing.assert_array_equal(image.cut(0, 5, 60), expected[:, 5:65])
    fits.writeto(tmp_path / "small.fits", weight[1:])
    with (
        pytest.raises(DeblendError, match="weight map .*small.fits has 80 x 59 px, .* 80 x 60 px"),
        open_image(tmp_path / "sci.fits", 0, weight=tmp_path / "small.fits"),
    ):
        pass


@pytest.mark.parametrize("kind", ["mask", "variance"])
def test_maps_that_mark_nothing_do_not_make_data_of_zeros(tmp_path, kind, caplog):
    """More than half of the cut-out has no exposure, which no flag and no variance says."""
    pixels = SKY.copy()
    pixels[:, 32:] = 0
    if kind == "mask":
        header = fits.Header({"HIERARCH MP_SAT": 1, "HIERARCH MP_CR": 3})
        other = fits.ImageHDU(np.zeros(SKY.shape, "i4"), header, name="MASK")
    else:
        other = fits.ImageHDU((pixels != 0).astype(np.float32), name="VARIANCE")
    path = write(tmp_path / "a.fits", fits.ImageHDU(pixels, name="IMAGE"), other)
    with open_image(path, 0) as image:
        found = image.cut(0, 0, 60)
    assert np.isnan(found[:, 32:]).all()
    np.testing.assert_array_equal(found[:, :32], pixels[:, :32])
    warned = "has the planes CR, SAT, and none of NO_DATA and BAD" in caplog.text
    assert warned == (kind == "mask")


def test_maps_of_decam_are_known(tmp_path):
    mask, weight = np.zeros(SKY.shape, "i2"), np.ones(SKY.shape, np.float32)
    mask[3, 4], weight[5, 6] = 4, 0
    expected = SKY.copy()
    expected[3, 4] = expected[5, 6] = np.nan
    maps = fits.ImageHDU(mask, name="MSK"), fits.ImageHDU(weight, name="WGT")
    path = write(tmp_path / "a.fits", fits.ImageHDU(SKY), *maps)
    np.testing.assert_array_equal(read_array(path, None), expected)


@pytest.mark.parametrize("name", ["PSF", "WHT", "SEGM", "ERR", "SCI", ""])
def test_the_only_image_of_a_file_is_the_image_whatever_its_name(tmp_path, name):
    path = write(tmp_path / "a.fits", fits.ImageHDU(SKY, name=name))
    np.testing.assert_array_equal(read_array(path, None), SKY)
    with open_image(path, 0) as image:
        np.testing.assert_array_equal(image.read(), SKY)


def test_weights_and_psfs_are_found_by_their_names(tmp_path):
    weight = (SKY < 1).astype(np.float32)
    expected = np.where(weight > 0, SKY, np.nan)
    images = fits.ImageHDU(SKY, name="SCI"), fits.ImageHDU(weight, name="WHT")
    both = write(tmp_path / "both.fits", *images)
    fits.writeto(tmp_path / "sci.fits", SKY)
    with open_image(tmp_path / "sci.fits", None, weight=both) as image:
        np.testing.assert_array_equal(image.cut(0, 0, 60), expected[:, :60])
    path = write(tmp_path / "c.fits", fits.PrimaryHDU(SKY), fits.ImageHDU(weight, name="psf"))
    np.testing.assert_array_equal(read_array(path, None, prefer=("PSF",)), weight)
    np.testing.assert_array_equal(read_array(path, None), SKY)


def test_blocks_of_zeros_beside_noise_have_no_data(tmp_path):
    """Drizzled mosaics are exactly 0 where no exposure reached. Single zeros are data."""
    pixels = SKY.copy()
    pixels[:, 50:] = 0
    pixels[12, 13] = 0
    missing = np.zeros(SKY.shape, bool)
    missing[:, 50:] = True
    np.testing.assert_array_equal(unobserved(pixels), missing)
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(pixels))
    with open_image(path, 0) as image:
        found = image.cut(0, 0, 51)
        assert np.isnan(found[:, 50]).all()  # a single column of the block
        assert np.isfinite(found[:, :50]).all()
        assert np.isnan(image.cut(0, 60, 20)).all()
    small = SKY.copy()
    small[20 : 20 + BLOCK_PX, 20 : 19 + BLOCK_PX] = 0
    assert not unobserved(small).any()
    # A sky without noise is 0.
    assert not unobserved(np.maximum(SKY - 3, 0)).any()


@pytest.mark.parametrize("step", [1.0, 3.0, 5.0, 6.0])
def test_zeros_of_coarse_steps_are_data_beside_a_block_without(step):
    """Up to all but a few pixels are 0. A mosaic's edge is found as long as that can be told."""
    y, x = np.indices((128, 128)) - 30
    galaxy = 80 * np.exp(-(x**2 + y**2) / 18)
    noise = np.random.default_rng(4).normal(0, 1, (20, 128, 128))
    for image in np.round((noise + galaxy) / step):
        assert not unobserved(image).any()
        image[:, 60:] = 0
        if step < 5:
            assert unobserved(image)[:, 80:].all()
            assert not unobserved(image)[:, :40].any()


def test_one_galaxy_of_one_band_keeps_its_axes(tmp_path):
    fits.writeto(tmp_path / "a.fits", SKY[None, None])
    assert read_array(tmp_path / "a.fits", None).shape == (1, 1, 60, 80)
    with open_image(tmp_path / "a.fits", 0) as image:
        np.testing.assert_array_equal(image.cut(1, 2, 30), SKY[1:31, 2:32])


@pytest.mark.parametrize("kind", ["plain", "compressed", "second", "gz"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_file_is_named(tmp_path, kind, share):
    image = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    path = tmp_path / "a.fits"
    if kind == "compressed":
        write(path, fits.CompImageHDU(image))
    elif kind == "second":
        write(path, fits.ImageHDU(image, name="SCI"), fits.ImageHDU(image, name="WHT"))
    else:
        write(path, fits.PrimaryHDU(image))
    content = path.read_bytes()
    if kind == "gz":
        path, content = tmp_path / "a.fits.gz", gzip.compress(content)
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DeblendError, match=r"cannot read .*a\.fits") as caught:
        read_array(path, None)
    assert "again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_mosaic_is_named_though_its_first_rows_are_there(tmp_path):
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(SKY))
    path.write_bytes(path.read_bytes()[:20_000])
    with (
        pytest.raises(DeblendError, match="is truncated: it has 20000 bytes, 22080 are needed"),
        open_image(path, 0),
    ):
        pass
    # All pixels are there, and only the padding of the file is not.
    path.write_bytes(write(tmp_path / "b.fits", fits.PrimaryHDU(SKY)).read_bytes()[:22_080])
    np.testing.assert_array_equal(read_array(path, None), SKY)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("7", "extension 7 of .* .there is no such extension; it has the extensions 0: no data; "),
        ("WEIGHTS", r"1 \(SCI\): 80 x 60 px; 2 \(CATALOG\): a table.: give the number or name"),
        ("2", "extension 2 of .* .it has no image"),
        ("CATALOG", "extension CATALOG of .* .it has no image"),
    ],
)
def test_a_wrong_extension_is_named_with_those_that_there_are(tmp_path, key, message):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])], name="CATALOG")
    path = write(tmp_path / "a.fits", fits.ImageHDU(SKY, name="SCI"), table)
    with pytest.raises(DeblendError, match=message):
        read_array(path, key)
    np.testing.assert_array_equal(read_array(path, "sci"), SKY)
    np.testing.assert_array_equal(read_array(path, "1"), SKY)


def test_which_of_several_images_is_meant_has_to_be_said(tmp_path):
    bands = [fits.ImageHDU(SKY, name=name) for name in ("F606W", "F814W")]
    path = write(tmp_path / "a.fits", *bands)
    with pytest.raises(DeblendError, match=r"not clear; .* 1 \(F606W\): .* 2 \(F814W\)"):
        read_array(path, None)
    np.testing.assert_array_equal(read_array(path, "F814W"), SKY)
    write(path, *bands[:1], *bands[:1])
    with pytest.raises(DeblendError, match="several have this name"):
        read_array(path, "F606W")
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])])
    with pytest.raises(DeblendError, match="there is no image; it has the extensions 0: no data"):
        read_array(write(path, table), None)


def test_the_primary_header_has_what_the_image_lacks(tmp_path):
    primary = fits.PrimaryHDU(header=fits.Header({"EXPTIME": 1200.0, "BUNIT": "counts"}))
    image = fits.ImageHDU(SKY, fits.Header({"BUNIT": "electrons"}), name="SCI")
    fits.HDUList([primary, image]).writeto(tmp_path / "a.fits")
    header = read_pixels(tmp_path / "a.fits", None).header
    assert (header["EXPTIME"], header["BUNIT"]) == (1200, "electrons")


def test_other_content_than_fits_is_named(tmp_path):
    (tmp_path / "page.fits").write_text("<html>404 not found</html>")
    with pytest.raises(DeblendError, match=r"cannot read an array from .*page.fits .*fetch it"):
        read_array(tmp_path / "page.fits", None)
    (tmp_path / "folder.fits").mkdir()
    with pytest.raises(DeblendError, match="folder.fits"):
        read_array(tmp_path / "folder.fits", None)


def test_a_lack_of_memory_may_be_gone_at_the_next_attempt(tmp_path):
    """The file is whole, so that a job with more memory can read it."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 31,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + (1 << 34))  # takes no place on the disk
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 33, before[1]))
    try:
        with pytest.raises(TransientError, match=r"a\.npy .* more memory than there is"):
            read_array(path, None)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("change", [lambda c: c[:-9], lambda c: c[:-6] + b"?" + c[-5:]])
def test_a_compressed_file_is_read_to_its_checksum(tmp_path, change):
    path = tmp_path / "a.fits.gz"
    fits.PrimaryHDU(np.arange(600.0).reshape(20, 30)).writeto(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DeblendError, match=r"a\.fits\.gz \((Compressed file ended|CRC check)"):
        read_array(path, None)


def test_a_compressed_image_that_tells_more_pixels_than_it_can_have_is_refused(tmp_path):
    path = tmp_path / "a.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((40, 40)))]).writeto(path)
    content = path.read_bytes()
    for key in (b"ZNAXIS1 =", b"ZNAXIS2 ="):
        at = content.index(key)
        content = content[:at] + (key + b"        900000").ljust(80) + content[at + 80 :]
    path.write_bytes(content)
    with pytest.raises(DeblendError, match=r"a\.fits\.fz .*over the limit|cannot read"):
        read_array(path, None)
