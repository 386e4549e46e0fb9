"""Fluxes and masks of a user's images, against slices, the networks themselves and known fluxes."""

import h5py
import numpy as np
import pytest
from astropy.io import fits

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

from deblend.boucaud2020.networks import build
from deblend.boucaud2020.own_images import FLAGS, deblend_images
from deblend.boucaud2020.predict import load_network, save_network
from deblend.errors import DeblendError

NOISE = 0.0065
FLUXES = {"filters": 2, "dense_units": 4, "asinh_softening": 0.02, "output": "exponential"}
MASKS = {"filters": 2, "depth": 2, "dropout": 0.2, "asinh_softening": 0.02}
RECORD = {
    "architecture": "blend2flux",
    "stamp_size": 32,
    "pixel_scale_arcsec": 0.06,
    "zero_point": 25.96,
    "options": FLUXES,
}
#: What the images below are.
IMAGES = {"pixel_scale_arcsec": 0.06, "zero_point": 25.96}


def blends(n=4, shape=(32, 32), sigma=2.0, seed=0):
    """Images of two Gaussians of 23 and 22 mag in noise, one of them at the central pixel."""
    y, x = np.indices(shape)
    rng = np.random.default_rng(seed)
    images = rng.normal(0, NOISE, (n, *shape))
    for image in images:
        dx, dy = rng.integers(-6, 7, 2)
        for flux, x0, y0 in ((15.0, 0, 0), (38.0, dx, dy)):
            squared = (x - shape[1] // 2 - x0) ** 2 + (y - shape[0] // 2 - y0) ** 2
            image += flux / (2 * np.pi * sigma**2) * np.exp(-squared / (2 * sigma**2))
    return images.astype(np.float32)


@pytest.fixture(scope="module")
def flux_network():
    return build("blend2flux", 32, FLUXES)


@pytest.fixture(scope="module")
def joint_network():
    return build("blend2mask2flux", 32, FLUXES | {"unet_options": MASKS})


def network_of(*fluxes):
    """A network whose fluxes are these numbers for every image."""
    model = build("blend2flux", 32, FLUXES | {"output": "linear"})
    last = model.get_layer("output")
    last.set_weights([np.zeros_like(last.get_weights()[0]), np.array(fluxes)])
    return model


def flags_of(result, name):
    """Whether a flag is set: image by galaxy."""
    return (result.table["flags"].to_numpy().reshape(-1, 2) & FLAGS[name]) > 0


def test_fluxes_and_magnitudes_are_those_of_the_network():
    result = deblend_images(network_of(100.0, -1.0), RECORD, blends(3), **IMAGES)
    table = result.table
    assert table["image"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["galaxy"].tolist() == ["central", "companion"] * 3
    np.testing.assert_allclose(table["flux"], [100, -1] * 3, rtol=1e-6)
    np.testing.assert_allclose(table["mag"], [25.96 - 5, np.nan] * 3, rtol=1e-6)
    assert table["flags"].tolist() == [0, FLAGS["not_positive"]] * 3
    assert (result.probabilities, result.masks, result.origin) == (None, None, (0, 0))


def test_another_zero_point_gives_the_same_magnitudes(flux_network):
    images = blends()
    first = deblend_images(flux_network, RECORD, images, **IMAGES).table
    direct = flux_network.predict(images[..., None], verbose=0)
    np.testing.assert_allclose(first["flux"], direct.ravel(), rtol=1e-5)
    # The same sky in ten times the counts; then in mJy, 16.4 mag AB.
    for factor, zero_point in ((10, 25.96 + 2.5), (10 ** (-0.4 * 9.56), 16.4)):
        other = deblend_images(
            flux_network,
            RECORD,
            images * np.float32(factor),
            pixel_scale_arcsec=0.06,
            zero_point=zero_point,
        ).table
        np.testing.assert_allclose(other["mag"], first["mag"], atol=1e-5)
        np.testing.assert_allclose(other["flux"], first["flux"] * factor, rtol=1e-5)
        assert (other["zero_point"] == zero_point).all()


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((32, 32), slice(0, 32), slice(0, 32)),
        ((33, 34), slice(0, 32), slice(1, 33)),
        ((50, 41), slice(9, 41), slice(4, 36)),
    ],
)
def test_larger_images_are_cut_around_their_central_pixel(joint_network, shape, rows, columns):
    record = RECORD | {"architecture": "blend2mask2flux"}
    images = blends(3, shape)
    cut = deblend_images(joint_network, record, images, **IMAGES)
    by_hand = deblend_images(joint_network, record, images[:, rows, columns].copy(), **IMAGES)
    np.testing.assert_array_equal(cut.table["flux"], by_hand.table["flux"])
    np.testing.assert_array_equal(cut.probabilities, by_hand.probabilities)
    assert cut.origin == (rows.start, columns.start)
    # The galaxy comes to the pixel that the networks know it at.
    assert (shape[0] // 2 - rows.start, shape[1] // 2 - columns.start) == (16, 16)


@pytest.mark.parametrize("architecture", ["unet", "blend2mask2flux"])
@pytest.mark.parametrize("overlap", [False, True])
def test_masks_are_probabilities_and_pixels(architecture, overlap):
    masks = MASKS | {"overlap_channel": overlap}
    options = masks if architecture == "unet" else FLUXES | {"unet_options": masks}
    model, images = build(architecture, 32, options), blends()
    result = deblend_images(model, RECORD | {"architecture": architecture}, images, **IMAGES)
    direct = model.predict(images[..., None], verbose=0)
    direct = direct if architecture == "unet" else direct["masks"]
    np.testing.assert_allclose(result.probabilities, direct[..., :2], atol=1e-6)
    np.testing.assert_array_equal(result.masks, result.probabilities >= 0.5)
    assert result.masks.shape == (4, 32, 32, 2)
    has_fluxes = architecture != "unet"
    assert (np.isfinite(result.table[["flux", "mag"]]) == has_fluxes).all(axis=None)
    assert not result.table["flags"].any()


def test_files_are_read_as_arrays_are(flux_network, tmp_path):
    model, images = flux_network, blends()
    expected = deblend_images(model, RECORD, images, **IMAGES).table
    np.save(tmp_path / "a.npy", images.astype(float))
    np.savez(tmp_path / "a.npz", blends=images, others=images[:1])
    fits.writeto(tmp_path / "a.fits", images.astype(">f4"))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["blends"] = images
    for name, key in (("a.npy", None), ("a.npz", "blends"), ("a.fits", "0"), ("a.h5", None)):
        found = deblend_images(model, RECORD, tmp_path / name, images_key=key, **IMAGES).table
        np.testing.assert_allclose(found["flux"], expected["flux"], rtol=1e-6)
    # A file of a single image.
    fits.writeto(tmp_path / "one.fits", images[0])
    one = deblend_images(model, RECORD, str(tmp_path / "one.fits"), **IMAGES).table
    np.testing.assert_allclose(one["flux"], expected["flux"][:2], rtol=1e-5)
    with pytest.raises(DeblendError, match="blends, others: name one of them as images_key"):
        deblend_images(model, RECORD, tmp_path / "a.npz", **IMAGES)


def test_the_unit_of_images_is_that_of_the_header_or_that_which_is_given(tmp_path):
    model, images = build("blend2flux", 32, FLUXES), blends(1)
    expected = deblend_images(model, RECORD, images, **IMAGES).table["flux"]
    # One count per second has 25.96 mag, a nanojansky 31.4.
    in_njy = images * np.float32(10 ** (0.4 * (31.4 - 25.96)))
    fits.writeto(tmp_path / "a.fits", in_njy, fits.Header({"BUNIT": "nJy"}))
    fits.writeto(tmp_path / "b.fits", images, fits.Header({"BUNIT": "flux"}))
    for given, unit in ((tmp_path / "a.fits", None), (tmp_path / "b.fits", "counts/s")):
        found = deblend_images(model, RECORD, given, unit=unit, **IMAGES).table["flux"]
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    found = deblend_images(model, RECORD, in_njy, unit="nJy", **IMAGES).table["flux"]
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    with pytest.raises(DeblendError, match=r"b.fits is in 'flux' .BUNIT., .* nanomaggies as unit"):
        deblend_images(model, RECORD, tmp_path / "b.fits", **IMAGES)


def test_a_network_from_its_files_gives_the_same(flux_network, tmp_path):
    files = tmp_path / "n.weights.h5", tmp_path / "n.json"
    save_network(*files, flux_network, RECORD)
    images = blends()
    again = deblend_images(*load_network(*files), images, **IMAGES, batch_size=3).table
    first = deblend_images(flux_network, RECORD, images, **IMAGES).table
    np.testing.assert_allclose(again["flux"], first["flux"], rtol=1e-5)


@pytest.mark.parametrize("level", [-2, 1.5, 30])
def test_a_sky_that_was_not_subtracted_is_flagged(flux_network, level):
    images = blends(20)
    images[7] += level * NOISE
    result = deblend_images(flux_network, RECORD, images, **IMAGES)
    assert np.flatnonzero(flags_of(result, "sky").all(axis=1)).tolist() == [7]
    assert flags_of(result, "sky").sum() == 2
    assert not flags_of(result, "no_galaxy").any()


def test_wings_and_a_companion_in_a_corner_are_no_sky(flux_network):
    # Half of the stamp is above twice the noise.
    wide = blends(5, sigma=5.0)
    assert (np.median(wide, axis=(1, 2)) > 2 * NOISE).all()
    in_corner = blends(5)
    in_corner[:, :8, :8] += 1
    for images in (wide, in_corner):
        result = deblend_images(flux_network, RECORD, images, **IMAGES)
        assert not flags_of(result, "sky").any()


def test_an_image_without_a_galaxy_at_its_centre_is_flagged_or_not_cut(flux_network):
    off_centre = np.roll(blends(4, (48, 48), sigma=1.0), 12, axis=(1, 2))
    images = blends(4, (48, 48))
    images[[1, 2]] = off_centre[[1, 2]]
    images[2] += 1  # a sky that was not subtracted is no galaxy
    images[3] = 0
    cut = images[:, 8:40, 8:40]
    result = deblend_images(flux_network, RECORD, cut, **IMAGES)
    assert flags_of(result, "no_galaxy").all(axis=1).tolist() == [False, True, True, True]
    message = r"no galaxy at the central pixel \(24, 24\) in 3 of 4 images \(the first: image 1\)"
    with pytest.raises(DeblendError, match=message):
        deblend_images(flux_network, RECORD, images, **IMAGES)


@pytest.mark.parametrize(
    ("mag_range", "expected"),
    [
        ((18.0, 23.0), [False, False]),
        ((18.0, 20.9), [True, True]),
        ((21.0, 25.0), [True, False]),
        ((18.0, 21.0), [False, True]),
    ],
)
def test_magnitudes_outside_the_training_are_flagged(mag_range, expected):
    """The galaxies have 20.96 and 22.21 mag, whatever the images' zero point."""
    model, images = network_of(100.0, 10**1.5), blends(2) * np.float32(10)
    call = {"pixel_scale_arcsec": 0.06, "zero_point": 25.96 + 2.5}
    given = deblend_images(model, RECORD, images, **call, mag_range=mag_range)
    recorded = deblend_images(model, RECORD | {"mag_range": list(mag_range)}, images, **call)
    for result in (given, recorded):
        np.testing.assert_allclose(result.table["mag"], [20.96, 22.21] * 2, atol=1e-4)
        assert flags_of(result, "magnitude").tolist() == [expected, expected]


def test_noise_that_differs_from_the_trainings_is_flagged_at_any_zero_point():
    """Blends of the training have once to sqrt(2) times the noise of a stamp."""
    record = RECORD | {"noise_sigma": NOISE, "zero_point": 25.96}
    model = network_of(100.0, 30.0)
    images = blends(6)
    rng = np.random.default_rng(9)
    total = np.array([1.0, 1.0, np.sqrt(2), 2.0, 4.0, 6.0])
    for image, factor in zip(images, total, strict=True):
        image += rng.normal(0, NOISE * np.sqrt(factor**2 - 1), image.shape)
    images[0] *= 0.4  # its noise as well
    expected = [True, False, False, False, True, True]
    for factor, zero_point in ((1.0, 25.96), (10.0, 25.96 + 2.5)):
        call = {"pixel_scale_arcsec": 0.06, "zero_point": zero_point, "mag_range": (18, 30)}
        result = deblend_images(model, record, images * np.float32(factor), **call)
        assert flags_of(result, "noise").all(axis=1).tolist() == expected
    # A zero point that is 2.5 mag wrong makes the noise of all images unlike that of the training.
    wrong = deblend_images(model, record, images[1:3] * np.float32(10), **IMAGES)
    assert flags_of(wrong, "noise").all()
    # An older record does not have the noise.
    assert not flags_of(deblend_images(model, RECORD, images, **IMAGES), "noise").any()


def test_a_psf_as_wide_as_that_of_the_training_is_accepted(flux_network, caplog):
    images = blends(1)
    call = IMAGES | {"mag_range": (18, 30)}
    record = RECORD | {"psf_fwhm_arcsec": 0.17}
    deblend_images(flux_network, record, images, **call, psf_fwhm_arcsec=0.18)
    deblend_images(flux_network, record, images, **call)
    assert not caplog.records
    deblend_images(flux_network, RECORD, images, **call, psf_fwhm_arcsec=0.7)
    assert "psf_fwhm_arcsec is not compared" in caplog.text


def test_an_unknown_range_of_magnitudes_is_logged(flux_network, caplog):
    deblend_images(flux_network, RECORD, blends(1), **IMAGES, mag_range=(18, 23))
    assert not caplog.records
    result = deblend_images(flux_network, RECORD, blends(1), **IMAGES)
    assert "not compared with those of the training: give mag_range" in caplog.text
    assert not flags_of(result, "magnitude").any()


@pytest.mark.parametrize("edge", ["zero", "noise"])
def test_a_network_that_knows_blends_with_an_edge_only_says_so(edge, flux_network, caplog):
    record = RECORD | {"blending": {"companion_edge": edge}}
    deblend_images(flux_network, record, blends(1), **IMAGES, mag_range=(18, 30))
    assert ("edge in the noise" in caplog.text) == (edge == "zero")


def with_bad_pixels():
    images = blends(3)
    images[1, 4, 5], images[2, 0, :3] = np.nan, np.inf
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 1, 32, 32)), r"images has shape \(2, 1, 32, 32\): give .* \(image, y, x\)"),
        (np.zeros((0, 32, 32)), r"images has shape \(0, 32, 32\): give at least one image"),
        (np.zeros(32), r"images has shape \(32,\)"),
        (np.zeros((2, 32, 32), np.uint16), "pixels of type uint16: give floating-point numbers"),
        (np.zeros((2, 32, 32), complex), "pixels of type complex128"),
        (np.zeros((2, 32, 32), bool), "pixels of type bool"),
        (blends(1, (40, 30)), r"images of 30 x 40 px, the network takes 32 x 32 px: cut larger"),
        (with_bad_pixels(), r"in 2 of 3 images \(the first: image 1, 1 pixels\): replace"),
        (np.full((1, 32, 32), 1e300), r"infinite pixels in 1 of 1 .*image 0, 1024 pixels"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, message):
    with pytest.raises(DeblendError, match=message):
        deblend_images(None, RECORD, images, **IMAGES)


def test_bad_pixels_that_are_cut_off_do_no_harm(flux_network):
    images = blends(2, (40, 40))
    expected = deblend_images(flux_network, RECORD, images, **IMAGES).table
    images[0, 0, 0] = np.nan
    found = deblend_images(flux_network, RECORD, images, **IMAGES).table
    np.testing.assert_array_equal(found["flux"], expected["flux"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pixel_scale_arcsec": 0.0607},
            r"pixel_scale_arcsec is 0.0607, the network was trained at 0.06 \(.* 1%\): resample",
        ),
        ({"pixel_scale_arcsec": np.nan}, "pixel_scale_arcsec is nan"),
        ({"pixel_scale_arcsec": -0.06}, "pixel_scale_arcsec is -0.06"),
        ({"zero_point": np.inf}, "zero_point is inf: give the AB magnitude of one count"),
        ({"mag_range": (23, 18)}, r"mag_range is \(23, 18\): .* the smaller number first"),
        ({"mag_range": (18,)}, r"mag_range is \(18,\)"),
        (
            {"psf_fwhm_arcsec": 0.6},
            r"psf_fwhm_arcsec is 0.6, the network was trained at 0.17 \(.* 15%\): train a network",
        ),
        ({"psf_fwhm_arcsec": 0.1}, "psf_fwhm_arcsec is 0.1, .*: smooth the images to 0.17 arcsec"),
        ({"psf_fwhm_arcsec": 0.0}, "psf_fwhm_arcsec is 0.0: give the width"),
    ],
)
def test_options_out_of_range_are_refused(changes, message):
    with pytest.raises(DeblendError, match=message):
        record = RECORD | {"psf_fwhm_arcsec": 0.17}
        deblend_images(None, record, blends(1), **IMAGES | changes)


def test_a_pixel_scale_within_the_tolerance_is_accepted(flux_network):
    images = blends(1)
    close = deblend_images(
        flux_network, RECORD, images, pixel_scale_arcsec=0.0605, zero_point=25.96
    )
    same = deblend_images(flux_network, RECORD, images, **IMAGES)
    np.testing.assert_array_equal(close.table["flux"], same.table["flux"])
