"""Cut-outs from the user's stamps and from mosaics."""

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from deblend.data.stamps import concatenate
from deblend.errors import DeblendError
from deblend.hemmati2022.cutouts import keep_usable, select
from deblend.hemmati2022.degrade import (
    degrade,
    fwhm_from_area,
    low_psf,
    matching_kernel,
    psf_image,
)
from deblend.hemmati2022.ingest import (
    add_redshifts,
    band_psfs,
    cutout_config,
    files_catalogue,
    files_cutouts,
    read_cutout_catalogue,
)
from scipy.ndimage import zoom

from tests.unit.hemmati2022.test_cutouts import CUTS
from tests.unit.hemmati2022.test_simulate import SCALE


def files_options(**changes):
    bands = [
        {"name": "f814w", "zero_point": 26.0, "noise_sigma": 0.01, "psf_fwhm_arcsec": 0.08},
        {"name": "f160w", "zero_point": 25.5, "noise_sigma": 0.02, "psf_fwhm_arcsec": 0.17},
    ]
    values = {"bands": bands, "detection_band": "f814w", "parent_px": 80}
    values |= {"pixel_scale_arcsec": SCALE, "psf_moffat_beta": 2.5}
    return values | changes


@pytest.fixture
def own(tmp_path):
    """Six stamps with an off-centre square of light; one lacks a band, one has a NaN."""
    images = np.zeros((6, 2, 100, 100), np.float32)
    for i in range(6):
        images[i, 0, 44:51, 52:57] = 1 + i
        images[i, 1, 44:51, 52:57] = 2 + i
    images[4, 1] = 0
    images[5, 0, 47, 50] = np.nan
    np.savez(tmp_path / "own.npz", images=images, other=np.zeros(3))
    Table({"name": list("abcdef"), "r": np.full(6, 0.3)}).write(tmp_path / "own.csv")
    return tmp_path, images


def own_catalogue(folder, columns, options=None):
    config = cutout_config(options or files_options())
    return files_catalogue(
        folder / "own.npz", "images", folder / "own.csv", columns, "arcsec", config
    )


def read_own(folder, selected, options, **changes):
    """Cut-outs of the user's stamps, of all batches."""
    settings = {"images_key": "images", "add_noise": False, "recentre": False} | changes
    config = cutout_config(options)
    [stamps] = files_cutouts(1, "own", folder / "own.npz", selected, config, **settings)
    return stamps


def test_the_users_stamps_are_read(own, caplog):
    folder, images = own
    table = own_catalogue(folder, {"id": "name", "half_light_radius": "r"})
    np.testing.assert_allclose(table["mag"][:4], 26 - 2.5 * np.log10(35 * np.arange(1, 5)))
    np.testing.assert_allclose(table["mag_f160w"][0], 25.5 - 2.5 * np.log10(70))
    assert np.isnan(table["mag_f160w"][4])
    assert table["redshift"].isna().all()
    np.testing.assert_allclose(table["half_light_radius_px"], 5)
    selected = table.assign(split="train", reason=["faint", *[""] * 5])
    with caplog.at_level("WARNING"):
        stamps = read_own(folder, selected, files_options(), add_noise=True, recentre=True)
    assert caplog.text.count("other galaxies in the stamps are not known") == 1
    assert stamps.galaxies["id"].tolist() == list("bcdef")
    # The centroid of the light is pixel (47, 54); the pixels of the galaxy are unchanged.
    np.testing.assert_array_equal(stamps.images[0][:, 37:44, 38:43], images[1][:, 44:51, 52:57])
    sky = stamps.images[:3, :, :30]
    np.testing.assert_allclose(sky.std((0, 2, 3)), [0.01, 0.02], rtol=0.05)
    assert stamps.segmaps[0].sum() == 35
    kept, excluded = keep_usable(stamps)
    assert kept.galaxies["id"].tolist() == list("bcd")
    assert excluded.to_numpy().tolist() == [["e", "missing_band"], ["f", "bad_pixels"]]
    # Without added noise, and cut around the middle of the stamp.
    plain = read_own(folder, selected, files_options(parent_px=128))
    np.testing.assert_array_equal(plain.images, images[1:])


def test_magnitudes_that_a_catalogue_names_are_not_measured(own):
    folder, _ = own
    table = Table({"name": list("abcdef"), "m": [-99.0] * 6, "r": np.full(6, 0.3)})
    table.write(folder / "own.csv", overwrite=True)
    assert own_catalogue(folder, {"id": "name", "mag": "m"})["mag"].isna().all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": "ID"}, "lacks the columns ID; it has name, r"),
        ({"mag": "r"}, "columns of .* names mag: it has to name id and can name ra"),
        ({"id": "name", "mag": "r", "flux": "r"}, "both mag .r. and flux .r.: make one"),
    ],
)
def test_wrong_columns_of_the_users_catalogue_are_named(own, columns, message):
    with pytest.raises(DeblendError, match=message):
        own_catalogue(own[0], columns, files_options())


def test_stamps_of_other_bands_or_with_sky_are_refused(own):
    folder, images = own
    options = files_options()
    options["bands"][1]["plane"] = 5
    with pytest.raises(DeblendError, match="has 2 bands and the plane of f160w is 5: give 0 to 1"):
        own_catalogue(folder, {"id": "name"}, options)
    np.savez(folder / "own.npz", images=images + 1)
    with pytest.raises(DeblendError, match="names no mag and the sky of .* is not exactly 0"):
        own_catalogue(folder, {"id": "name"})
    np.savez(folder / "own.npz", images=images[:4])
    with pytest.raises(DeblendError, match="has shape .4, 2, 100, 100., the catalogue 6 galaxies"):
        own_catalogue(folder, {"id": "name"})


def test_measured_psfs_are_brought_to_the_cutouts_pixels(tmp_path):
    """Finer pixels are summed; the brightest pixel is central, also for even sides."""
    y, x = np.indices((100, 100)) - 48
    fine = np.exp(-0.5 * (y**2 + x**2) / 5.0**2)
    fits.PrimaryHDU(fine).writeto(tmp_path / "psf.fits")
    options = files_options()
    options["bands"][0] |= {"psf": str(tmp_path / "psf.fits"), "psf_pixel_scale_arcsec": 0.02}
    psf = band_psfs(cutout_config(options))
    np.testing.assert_allclose(psf.sum((1, 2)), 1)
    assert np.unravel_index(psf[0].argmax(), psf[0].shape) == (32, 32)
    blocks = fine[48 - 46 : 48 + 47, 48 - 46 : 48 + 47].reshape(31, 3, 31, 3).sum((1, 3))
    np.testing.assert_allclose(psf[0][17:48, 17:48], blocks / blocks.sum(), atol=2e-4)
    # The FWHM is measured in whole pixels.
    assert fwhm_from_area(psf)[1] == pytest.approx(0.17 / SCALE, abs=0.6)
    options["bands"][0] |= {"psf": None, "psf_fwhm_arcsec": None}
    with pytest.raises(DeblendError, match="band f814w has no PSF: give psf"):
        band_psfs(cutout_config(options))


def test_psfs_are_given_to_the_bands_that_have_one():
    options = files_options()
    options["bands"][1] |= {"psf": "hst_psf_f160w"}
    first, second = cutout_config(options, psfs=["resources/mosaics/psf_h.fits"]).bands
    assert (first.psf, second.psf) == (None, "resources/mosaics/psf_h.fits")


#: Measured on the same files: area above half the peak, after cubic resampling.
FWHM_ARCSEC = {"b": 0.115, "v": 0.116, "i": 0.121, "z": 0.113, "j": 0.188, "h": 0.194}


def test_the_measured_psfs_can_be_widened_to_that_of_the_ground(real_data):
    bands = [
        {"name": band, "zero_point": 25.0, "noise_sigma": 0.01, "psf": f"psf_{band}.fits"}
        for band in FWHM_ARCSEC
    ]
    files = [str(real_data / "hst_psf" / band["psf"]) for band in bands]
    config = cutout_config(files_options(bands=bands, detection_band="i"), psfs=files)
    psfs = band_psfs(config)
    np.testing.assert_allclose(psfs.sum((1, 2)), 1)
    fine = [zoom(psf[16:49, 16:49], 8, order=3, grid_mode=True, mode="nearest") for psf in psfs]
    widths = fwhm_from_area(np.stack(fine), search_px=12) / 8 * SCALE
    np.testing.assert_allclose(widths, list(FWHM_ARCSEC.values()), rtol=0.04)
    ground = psf_image(0.6, 3.0, SCALE)
    for psf in psfs:
        degraded = degrade(psf[None, 1:-1, 1:-1], matching_kernel(psf, ground))[0]
        truth = low_psf(ground)[1:-1, 1:-1]
        np.testing.assert_allclose(degraded, truth, atol=2e-3 * truth.max())


def test_real_stamps_in_three_bands(real_data):
    folder = real_data / "hst_3band"
    bands = [
        {"name": "f606w", "zero_point": 26.6611, "noise_sigma": 0.0124},
        {"name": "f814w", "zero_point": 26.78212, "noise_sigma": 0.0138},
        {"name": "f125w", "zero_point": 28.03741, "noise_sigma": 0.0441},
    ]
    for band in bands:
        band["psf_fwhm_arcsec"] = 0.1
    bands[1] |= {"psf": str(folder / "f814w_psf_galfit.fits"), "psf_pixel_scale_arcsec": 0.0231}
    config = cutout_config(files_options(bands=bands, parent_px=128))
    images = folder / "gals201_f606w_f814w_f125w.npz"
    table = files_catalogue(
        images, "images", folder / "gals201_headers.csv", {"id": "id"}, "pix", config
    )
    given = pd.read_csv(folder / "gals201_headers.csv")["f814w_MAG"]
    assert np.median(np.abs(table["mag"] - given)) < 0.02
    selected = select(table, CUTS, 1)
    batches = files_cutouts(
        1, "hst", images, selected, config, images_key="images", add_noise=True, recentre=True
    )
    stamps = concatenate(list(batches))
    kept, _ = keep_usable(stamps)
    assert len(kept) > 100
    assert 0.06 < fwhm_from_area(stamps.psf)[1] * SCALE < 0.16


def test_negative_redshifts_are_unknown(tmp_path):
    """They pass the authors' cut as other unknown ones do."""
    table = Table({"n": list("abcdefg"), "z": [-1.0, -99.0, np.nan, 0.0, 0.1, 0.11, 5.0]})
    table["mag"] = 22.0
    table.write(tmp_path / "z.csv")
    columns = {"id": "n", "redshift": "z", "mag": "mag"}
    read = read_cutout_catalogue(tmp_path / "z.csv", columns, SCALE, "pix")
    np.testing.assert_array_equal(read["redshift"], [np.nan] * 3 + [0.0, 0.1, 0.11, 5.0])
    selected = select(read, {**CUTS, "redshift_min": 0.1}, 1)
    assert selected["reason"].tolist() == ["", "", "", "redshift", "redshift", "", "redshift"]
    other = add_redshifts(
        read.assign(redshift=1.0), tmp_path / "z.csv", {"id": "n", "redshift": "z"}
    )
    np.testing.assert_array_equal(other["redshift"], read["redshift"])


def test_sentinels_of_a_catalogue_are_unknown_and_counted(tmp_path):
    (tmp_path / "c.csv").write_text(
        "n,mag,z,fwhm,star,ra,dec\n"
        "a,22,0.5,6,0.1,10:00:33.6,-27:48:36\n"
        "b,-99,-99,-99,-99,150.14,-27.81\n"
        "c,null,0.7,7,0.1,150.14,-27.9\n"
        "d,99,99,0,2,150.14,-27.9\n"
        "e,22,0.5,6,0.1,-,-\n"
    )
    columns = {"id": "n", "mag": "mag", "redshift": "z", "fwhm": "fwhm", "class_star": "star"}
    read = read_cutout_catalogue(
        tmp_path / "c.csv", {**columns, "ra": "ra", "dec": "dec"}, SCALE, "pix"
    )
    np.testing.assert_array_equal(read["mag"], [22, np.nan, np.nan, np.nan, 22])
    np.testing.assert_array_equal(read["redshift"], [0.5, np.nan, 0.7, np.nan, 0.5])
    np.testing.assert_array_equal(read["fwhm_px"], [6, np.nan, 7, np.nan, 6])
    np.testing.assert_array_equal(read["class_star"], [0.1, np.nan, 0.1, np.nan, 0.1])
    np.testing.assert_allclose(read["ra"], [150.14] * 4 + [np.nan])
    np.testing.assert_allclose(read["dec"], [-27.81, -27.81, -27.9, -27.9, np.nan])
    selected = select(read, {**CUTS, "fwhm_min_px": 1.0}, 1)
    assert selected["reason"].tolist() == ["", *["no_magnitude"] * 3, "no_position"]


@pytest.mark.parametrize("unit", ["mag(AB)", "ABmag", "mag"])
def test_magnitudes_have_units_of_several_names(tmp_path, unit):
    table = Table({"n": ["a"], "m": [22.5]}, units={"m": u.Unit(unit, parse_strict="silent")})
    table.write(tmp_path / "c.ecsv")
    read = read_cutout_catalogue(tmp_path / "c.ecsv", {"id": "n", "mag": "m"}, SCALE, "pix")
    assert read["mag"].tolist() == [22.5]


def test_an_id_that_a_table_of_redshifts_has_twice_is_refused(tmp_path):
    catalogue = pd.DataFrame({"id": ["2", "0"]})
    names = {"id": "n", "redshift": "z"}
    # That of another field does not matter.
    (tmp_path / "z.csv").write_text("z,n\n1.5,0\n3,77\n4,77\n0.5,2\n")
    assert add_redshifts(catalogue, tmp_path / "z.csv", names)["redshift"].tolist() == [0.5, 1.5]
    (tmp_path / "z.csv").write_text("z,n\n1.5,0\n3,2\n0.5,2\n")
    with pytest.raises(DeblendError, match="column n of .*z.csv has 1 ids .* .the first: 2"):
        add_redshifts(catalogue, tmp_path / "z.csv", names)
    with pytest.raises(DeblendError, match="names id: it has to name id and redshift"):
        add_redshifts(catalogue, tmp_path / "z.csv", {"id": "n"})


def test_stamps_in_other_units_are_converted(own):
    folder, images = own
    hdu = fits.PrimaryHDU(images)
    hdu.header["BUNIT"], hdu.header["EXPTIME"] = "electrons", 500.0
    hdu.writeto(folder / "own.fits")
    catalogue = files_catalogue(
        folder / "own.fits", None, folder / "own.csv", {"id": "name"}, "pix",
        cutout_config(files_options()),
    )  # fmt: skip
    np.testing.assert_allclose(catalogue["mag"][0], 26 - 2.5 * np.log10(35 / 500))
    selected = catalogue.assign(split="train", reason="")
    config = cutout_config(files_options(parent_px=100))
    options = {"images_key": None, "add_noise": False, "recentre": False}
    [stamps] = files_cutouts(1, "own", folder / "own.fits", selected, config, **options)
    np.testing.assert_allclose(stamps.images, images / 500)
    bands = files_options()["bands"]
    config = cutout_config(
        files_options(parent_px=100, bands=[bands[0] | {"unit": "e-/s"}, bands[1]])
    )
    [stamps] = files_cutouts(1, "own", folder / "own.fits", selected, config, **options)
    np.testing.assert_allclose(stamps.images, images / np.array([1, 500])[:, None, None])


def own_stamps(folder, sides):
    """A FITS file a galaxy, (band, y, x), with its number in the middle of each band."""
    for name, side in zip("abcdef", sides, strict=True):
        image = np.zeros((2, side, side), np.float32)
        image[:, side // 2, side // 2] = ord(name), 2 * ord(name)
        fits.writeto(folder / f"cut_{name}.fits", image, fits.Header({"BUNIT": "nJy"}))
    return str(folder / "cut_*.fits")


def test_the_pixel_scale_of_a_header_and_units_of_files_are_compared(own, caplog):
    folder, _ = own
    pattern = own_stamps(folder, [80] * 6)
    args = (None, folder / "own.csv", {"id": "name"}, "pix")
    caplog.set_level("INFO")
    files_catalogue(pattern, *args, cutout_config(files_options()))
    said = [r.getMessage() for r in caplog.records if "in nJy" in r.getMessage()]
    assert ["6 of 6 files" in text for text in said] == [True, True]
    for path in folder.glob("cut_*.fits"):
        fits.setval(path, "PIXELSCL", value=2 * SCALE)
    with pytest.raises(DeblendError, match=r"cut_a.fits: the pixels are .* arcsec by its header"):
        files_catalogue(pattern, *args, cutout_config(files_options()))


def test_stamps_in_a_file_each_are_found_by_their_names(own):
    """Of different sizes, in another order, and in nanojansky."""
    folder, _ = own
    pattern = own_stamps(folder, (90, 81, 101, 90, 100, 99))
    table = Table({"name": list("fbdaec"), "m": np.full(6, 21.0)})
    table.write(folder / "own.csv", overwrite=True)
    config = cutout_config(files_options(parent_px=80))
    columns = {"id": "name", "mag": "m"}
    args = (None, folder / "own.csv", columns, "pix", config)
    selected = files_catalogue(pattern, *args).assign(split="train", reason="")
    options = {"images_key": None, "add_noise": False, "recentre": False}
    factors = 10 ** (0.4 * (np.array([26.0, 25.5]) - 31.4))
    for images in (pattern, [str(folder / f"cut_{name}.fits") for name in "abcdef"]):
        if images != pattern:
            for name in "abcdef":
                (folder / f"cut_{name}.fits").rename(folder / f"{name}.fits")
            images = [str(folder / f"{name}.fits") for name in "abcdef"]
        [stamps] = files_cutouts(1, "own", images, selected, config, **options)
        assert stamps.images.shape == (6, 2, 80, 80)
        expected = np.array([[ord(name), 2 * ord(name)] for name in "fbdaec"]) * factors
        np.testing.assert_allclose(stamps.images[:, :, 40, 40], expected, rtol=1e-5)
    # Magnitudes are measured in the same files.
    measured = files_catalogue(str(folder), None, folder / "own.csv", {"id": "name"}, "pix", config)
    np.testing.assert_allclose(measured["mag"][0], 31.4 - 2.5 * np.log10(ord("f")), atol=1e-4)


def test_stamps_in_a_file_each_that_do_not_fit_are_named(own):
    folder, _ = own
    pattern = own_stamps(folder, (90, 81, 101, 70, 100, 99))
    config = cutout_config(files_options(parent_px=80))
    args = (None, folder / "own.csv", {"id": "name"}, "pix", config)
    with pytest.raises(
        DeblendError, match="1 of 6 stamps.* smaller than parent_px 80; .* galaxy d in .*70 x 70"
    ):
        files_catalogue(pattern, *args)
    (folder / "cut_b.fits").unlink()
    with pytest.raises(DeblendError, match="1 of 6 galaxies .* have no image in .*first: b"):
        files_catalogue(pattern, *args)
    fits.writeto(folder / "cut_b.fits", np.zeros((1, 2, 90, 90), np.float32))
    with pytest.raises(DeblendError, match=r"cut_b.fits has shape \(1, 2, 90, 90\): give"):
        files_catalogue(pattern, *args)


def test_the_noise_of_cutouts_is_compared_by_band_or_measured(own, caplog):
    folder, _ = own
    images = np.random.default_rng(0).normal(0, 1, (6, 2, 100, 100)) * [[[[0.01]], [[0.08]]]]
    np.savez(folder / "own.npz", images=images.astype(np.float32))
    table = Table({"name": list("abcdef"), "m": np.full(6, 21.0)})
    table.write(folder / "own.csv", overwrite=True)
    selected = own_catalogue(folder, {"id": "name", "mag": "m", "mag_f160w": "m"})
    selected = selected.assign(split="train", reason="")
    stamps = read_own(folder, selected, files_options())
    assert stamps.bands["noise_sigma"].tolist() == [0.01, 0.02]
    assert "band f160w: the noise of a pixel, measured in 6 images beside objects, is 0.0" in (
        caplog.text
    )
    assert "band f814w" not in caplog.text
    options = files_options()
    del options["bands"][1]["noise_sigma"]
    stamps = read_own(folder, selected, options)
    np.testing.assert_allclose(stamps.bands["noise_sigma"], [0.01, 0.08], rtol=0.05)


def test_psfs_with_a_hot_pixel_or_a_pedestal_are_mended(tmp_path, caplog):
    clean = psf_image(0.1, 2.5, SCALE)
    broken = 30 * clean + 0.1
    broken[7, 9] = 40
    options = files_options()
    psfs = []
    for image in (clean, broken):
        fits.writeto(tmp_path / "psf.fits", image, overwrite=True)
        options["bands"][0] |= {"psf": str(tmp_path / "psf.fits")}
        psfs.append(band_psfs(cutout_config(options))[0])
    np.testing.assert_allclose(psfs[1], psfs[0], atol=1e-3 * clean.max())
    assert "of band f814w has 1 hot pixels" in caplog.text
    assert "of band f814w has a pedestal" in caplog.text
