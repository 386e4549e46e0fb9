import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from deblend.errors import DeblendError
from deblend.scenes.ingest import read_scene_set
from PIL import Image

BAND = {"name": "f160w", "zero_point": 25.96, "psf_fwhm_arcsec": 0.17}


def entry(images, **changes):
    return {"images": str(images), "pixel_scale_arcsec": 0.06, "bands": [BAND], **changes}


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(0.02, 0.006, (3, 60, 64)).astype(np.float32)


def test_all_formats_give_the_same(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    np.savez(tmp_path / "a.npz", sci=arrays)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["sci"] = arrays
    fits.PrimaryHDU(arrays).writeto(tmp_path / "a.fits")
    for i, array in enumerate(arrays):
        fits.PrimaryHDU(array).writeto(tmp_path / f"one_{i}.fits")
    found = [
        read_scene_set(entry(tmp_path / name))
        for name in ("a.npy", "a.npz", "a.h5", "a.fits", "one_*.fits")
    ]
    for scenes in found:
        np.testing.assert_array_equal(scenes.images, found[0].images)
    assert found[-1].names == ("one_0", "one_1", "one_2")
    # The sky is subtracted, and the noise measured.
    assert abs(np.median(found[0].images)) < 1e-3
    np.testing.assert_allclose(found[0].noise_sigma, 0.006, rtol=0.1)
    assert found[0].psf.shape[1] % 2 == 1
    assert found[0].noise_correlation is None


def test_images_of_different_sizes_and_bands(tmp_path, arrays):
    for i, side in enumerate((50, 64)):
        for band in ("h", "j"):
            fits.PrimaryHDU(arrays[i, :side, :side]).writeto(tmp_path / f"{band}_{i}.fits")
    bands = [
        {"name": b, "zero_point": 25.0, "images": str(tmp_path / f"{b}_*.fits")} for b in ("h", "j")
    ]
    scenes = read_scene_set({"pixel_scale_arcsec": 0.06, "bands": bands})
    assert scenes.images.shape == (2, 2, 60, 64)
    assert np.isnan(scenes.images[0, :, 50:]).all()
    assert np.isfinite(scenes.images[0, :, :50, :50]).all()
    assert scenes.psf is None


def test_a_picture_has_its_first_row_above(tmp_path):
    pixels = np.random.default_rng(0).integers(5, 30, (60, 60, 3)).astype(np.uint8)
    pixels[:20, :20, 0] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    bands = [{"name": b, "zero_point": 22.5} for b in "irg"]
    scenes = read_scene_set(entry(tmp_path / "a.png", bands=bands))
    assert scenes.stretched
    assert scenes.images[0, 0, 45:, :15].mean() > 0.5 > scenes.images[0, 0, :15, :15].mean()


def test_the_pixel_scale_is_that_of_the_header(tmp_path, arrays):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [34.0, -5.0], [30, 30]
    wcs.wcs.cdelt = [-0.06 / 3600, 0.06 / 3600]
    fits.PrimaryHDU(arrays[0], header=wcs.to_header()).writeto(tmp_path / "a.fits")
    assert len(read_scene_set(entry(tmp_path / "a.fits")).wcs) == 1
    with pytest.raises(DeblendError, match="has pixels of 0.06 arcsec: correct it"):
        read_scene_set(entry(tmp_path / "a.fits", pixel_scale_arcsec=0.03))


def test_positions_are_of_scenes_by_number_or_name(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    table = pd.DataFrame({"scene": [0, 2, 2], "px": [10, 20, 30.5], "py": [1, 5, 6]})
    table.to_csv(tmp_path / "p.csv", index=False)
    options = {"positions": str(tmp_path / "p.csv"), "columns": {"x": "px", "y": "py"}}
    scenes = read_scene_set(entry(tmp_path / "a.npy", first_pixel=1, **options))
    assert [len(p) for p in scenes.positions] == [1, 0, 2]
    np.testing.assert_array_equal(scenes.positions[2], [[4, 19], [5, 29.5]])
    with pytest.raises(DeblendError, match="lacks the columns x, y"):
        read_scene_set(entry(tmp_path / "a.npy", positions=str(tmp_path / "p.csv")))
    table.assign(px=100).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(DeblendError, match="outside its image"):
        read_scene_set(entry(tmp_path / "a.npy", **options))


def test_another_shape_than_the_bands_is_refused(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    bands = [{"name": b, "zero_point": 25.0} for b in "gr"]
    with pytest.raises(DeblendError, match="and there are 2 bands"):
        read_scene_set(entry(tmp_path / "a.npy", bands=bands))


def test_correlated_noise_is_recognised(tmp_path):
    from deblend.data.noise import noise_images

    kernel = np.outer([0.4, 1.0, 0.4], [0.4, 1.0, 0.4])
    rng = np.random.default_rng(3)
    np.save(tmp_path / "a.npy", noise_images(rng, (4, 80, 80), 0.01, kernel))
    correlation = read_scene_set(entry(tmp_path / "a.npy")).noise_correlation
    assert abs(correlation[0, 2, 3] - 0.4) < 0.05


def header(crpix=30.0, sip=False):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [34.0, -5.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [crpix, 30], [-0.06 / 3600, 0.06 / 3600]
    found = wcs.to_header()
    if sip:
        found["CTYPE1"], found["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
        found["A_ORDER"], found["B_ORDER"], found["A_2_0"] = 2, 2, 1e-3
    return found


def two_bands(folder, second, **changes):
    bands = [
        {"name": "h", "zero_point": 25.0, "images": str(folder / "h_*.fits")},
        {"name": "j", "zero_point": 25.0, "images": second},
    ]
    return {"pixel_scale_arcsec": 0.06, "bands": bands, **changes}


def test_files_with_points_in_their_names_are_different_scenes(tmp_path, arrays):
    for name, array in zip(("hst_150.23115", "hst_150.24071"), arrays, strict=False):
        fits.PrimaryHDU(array).writeto(tmp_path / f"{name}.fits")
    names = read_scene_set(entry(tmp_path / "*.fits")).names
    assert names == ("hst_150.23115", "hst_150.24071")


def test_two_images_with_the_same_name_are_refused(tmp_path, arrays):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        fits.PrimaryHDU(arrays[0]).writeto(tmp_path / folder / "x.fits")
        paths.append(str(tmp_path / folder / "x.fits"))
    with pytest.raises(DeblendError, match="two images have the name x"):
        read_scene_set({**entry("a"), "images": paths})


def test_bands_belong_together_by_name(tmp_path, arrays):
    for i, array in enumerate(arrays):
        fits.PrimaryHDU(array).writeto(tmp_path / f"h_{i}.fits")
        fits.PrimaryHDU(array).writeto(tmp_path / f"j_{i}.fits")
    fits.PrimaryHDU(arrays[0]).writeto(tmp_path / "j_x.fits")
    with pytest.raises(DeblendError, match="scene x has no image of the band h"):
        read_scene_set(two_bands(tmp_path, str(tmp_path / "j_*.fits")))
    (tmp_path / "j_x.fits").unlink()
    (tmp_path / "h_1.fits").rename(tmp_path / "h_10.fits")
    (tmp_path / "j_1.fits").rename(tmp_path / "j_10.fits")
    scenes = read_scene_set(two_bands(tmp_path, str(tmp_path / "j_*.fits")))
    np.testing.assert_array_equal(scenes.images[:, 0], scenes.images[:, 1])
    # A list is in the order of the scenes.
    listed = [str(tmp_path / f"j_{i}.fits") for i in (0, 10, 2)]
    assert len(read_scene_set(two_bands(tmp_path, listed))) == 3


def test_bands_of_other_places_or_pixels_are_refused(tmp_path, arrays):
    fits.PrimaryHDU(arrays[0], header=header()).writeto(tmp_path / "h_0.fits")
    fits.PrimaryHDU(arrays[0], header=header(crpix=33.0)).writeto(tmp_path / "j_0.fits")
    with pytest.raises(DeblendError, match="scene h_0 are 3 px apart"):
        read_scene_set(two_bands(tmp_path, str(tmp_path / "j_*.fits")))
    wide = header()
    wide["CDELT1"], wide["CDELT2"] = 2 * wide["CDELT1"], 2 * wide["CDELT2"]
    fits.PrimaryHDU(arrays[0], header=wide).writeto(tmp_path / "j_0.fits", overwrite=True)
    with pytest.raises(DeblendError, match="has pixels of 0.12 arcsec"):
        read_scene_set(two_bands(tmp_path, str(tmp_path / "j_*.fits")))


def test_distortions_are_kept_if_the_axes_name_them(tmp_path, arrays):
    for i, array in enumerate(arrays):
        fits.PrimaryHDU(array, header=header(sip=i != 2)).writeto(tmp_path / f"{i}.fits")
    left_over = header(sip=True)
    left_over["CTYPE1"], left_over["CTYPE2"] = "RA---TAN", "DEC--TAN"
    fits.PrimaryHDU(arrays[2], header=left_over).writeto(tmp_path / "2.fits", overwrite=True)
    scenes = read_scene_set(entry(tmp_path / "*.fits"))
    again = [WCS(fits.Header.fromstring(text)) for text in scenes.wcs]
    assert [wcs.sip is not None for wcs in again] == [True, True, False]
    expected = WCS(header(sip=True)).all_pix2world([[50, 50]], 0)
    np.testing.assert_allclose(again[0].all_pix2world([[50, 50]], 0), expected, atol=1e-9)


def test_a_psf_at_another_pixel_scale_is_refused(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    y, x = np.indices((31, 31)) - 15
    star = fits.PrimaryHDU(np.exp(-(y**2 + x**2) / 6.0))
    band = {"name": "h", "zero_point": 25.0, "psf": str(tmp_path / "psf.fits")}
    star.header["PIXELSCL"] = 0.06
    star.writeto(tmp_path / "psf.fits")
    assert read_scene_set(entry(tmp_path / "a.npy", bands=[band])).psf is not None
    star.header["PIXELSCL"] = 0.03
    star.writeto(tmp_path / "psf.fits", overwrite=True)
    with pytest.raises(DeblendError, match="the pixels are 0.03 arcsec by its header"):
        read_scene_set(entry(tmp_path / "a.npy", bands=[band]))


def test_a_psf_among_the_images_is_refused(tmp_path, arrays):
    for name in ("b0", "b1", "psf"):
        fits.PrimaryHDU(arrays[0]).writeto(tmp_path / f"{name}.fits")
    band = {"name": "h", "zero_point": 25.0, "psf": str(tmp_path / "psf.fits")}
    with pytest.raises(DeblendError, match=r"psf\.fits, the PSF of h, is also among the images"):
        read_scene_set(entry(f"{tmp_path}/*.fits", bands=[band]))
    folder = {"images": str(tmp_path), **band}
    with pytest.raises(DeblendError, match="is also among the images of the scenes: move it"):
        read_scene_set({"pixel_scale_arcsec": 0.06, "bands": [folder]})


def test_a_band_without_a_psf_leaves_the_others_theirs(tmp_path, arrays):
    np.save(tmp_path / "a.npy", np.stack([arrays, arrays], axis=1))
    bands = [{"name": "j", "zero_point": 25.0}, BAND]
    scenes = read_scene_set(entry(tmp_path / "a.npy", bands=bands))
    assert scenes.psf_of(0) is None
    assert abs(scenes.psf_of(1).sum() - 1) < 1e-9


def test_a_given_noise_that_is_wrong_is_warned_of(tmp_path, arrays, caplog):
    np.save(tmp_path / "a.npy", arrays)
    scenes = read_scene_set(entry(tmp_path / "a.npy", bands=[{**BAND, "noise_sigma": 0.06}]))
    assert (scenes.noise_sigma == 0.06).all()
    assert "noise_sigma is 0.06" in caplog.text


def test_sky_that_is_not_measured_is_known(tmp_path, arrays):
    small = arrays[0, :18, :18]
    fits.PrimaryHDU(small).writeto(tmp_path / "1.fits")
    fits.PrimaryHDU(arrays[1]).writeto(tmp_path / "0.fits")
    scenes = read_scene_set(entry(tmp_path / "*.fits"))
    assert scenes.sky_measured[:, 0].tolist() == [True, False]
    assert abs(scenes.sky[0, 0] - 0.02) < 1e-3
    assert scenes.sky[1, 0] == 0


def test_a_folder_of_pictures_is_read(tmp_path):
    for i in range(2):
        pixels = np.random.default_rng(i).integers(5, 30, (60, 60)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.jpg")
    scenes = read_scene_set(entry(tmp_path))
    assert scenes.stretched
    assert scenes.names == ("0", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeblendError, match="no FITS file, JPEG or PNG is there"):
        read_scene_set(entry(tmp_path / "empty"))
