"""Cut-outs from the user's stamps and from mosaics."""

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, concatenate, read_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import neighbours_of
from deblend.hemmati2022.cutouts import keep_usable, select, write_cutouts
from deblend.hemmati2022.degrade import (
    degrade,
    fwhm_from_area,
    low_psf,
    matching_kernel,
    psf_image,
)
from deblend.hemmati2022.ingest import (
    add_redshifts,
    archive_cutouts,
    band_psfs,
    cutout_config,
    files_catalogue,
    files_cutouts,
    neighbours_in,
    read_cutout_catalogue,
)
from deblend.hemmati2022.simulate import simulate_cutouts, simulated_catalogue
from deblend.units import flux_from_mag
from scipy.ndimage import zoom

from tests.unit.hemmati2022.test_cutouts import CUTS
from tests.unit.hemmati2022.test_simulate import SCALE, simulator


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


SIZE = 66


def wcs(side):
    result = WCS(naxis=2)
    result.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    result.wcs.crval = [53.1, -27.8]
    result.wcs.crpix = [side / 2 + 0.5] * 2
    result.wcs.cd = np.diag([-SCALE / 3600, SCALE / 3600])
    return result


@pytest.fixture(scope="module")
def tiles(priors):
    config = simulator(names=("f775w", "f160w"), parent_px=SIZE)
    table = simulated_catalogue(5, "sky", 9, priors, config)
    return simulate_cutouts(5, "sky", table, np.arange(9), priors, config)


@pytest.fixture
def survey(tmp_path, tiles):
    """Nine galaxies side by side in two bands; four others lack data or are outside."""
    side, n = 5 * SIZE, 3 * SIZE
    sky = np.random.default_rng(0).normal(0, 0.005, (2, side, side)).astype(np.float32)
    for b in range(2):
        for k in range(9):
            j, i = divmod(k, 3)
            sky[b, j * SIZE : (j + 1) * SIZE, i * SIZE : (i + 1) * SIZE] = tiles.images[k, b]
    sky[1, :, 4 * SIZE :] = 0.0  # not observed
    sky[0, n + 40, 100] = np.nan
    for b, name in enumerate(("f775w", "f160w")):
        header = wcs(side).to_header()
        fits.PrimaryHDU(sky[b], header).writeto(tmp_path / f"{name}.fits")
    centre = [(i * SIZE + SIZE // 2, j * SIZE + SIZE // 2) for j in range(3) for i in range(3)]
    x, y = np.array([*centre, (20, 4 * SIZE), (4.5 * SIZE, 100), (100, n + 40), (9999, 9)]).T
    ra, dec = wcs(side).pixel_to_world_values(x, y)
    table = Table(
        {
            "Seq": [str(i) for i in range(13)],
            "ra": ra,
            "dec": dec,
            "F775W": [*flux_from_mag(tiles.galaxies["mag"], 23.9), 1, 1, 1, 1],
            "R": np.full(13, 0.3),
        },
        units={"ra": "deg", "dec": "deg", "R": "arcsec"},
    )
    table.write(tmp_path / "catalog.ecsv")
    return tmp_path


COLUMNS = {"id": "Seq", "ra": "ra", "dec": "dec", "flux": "F775W", "fwhm": "R", "mag": None}


def archive_config(folder, **changes):
    bands = [
        {"name": name, "zero_point": 25.0, "noise_sigma": 0.005, "psf_fwhm_arcsec": 0.1} | changes
        for name in ("f775w", "f160w")
    ]
    options = files_options(bands=bands, detection_band="f775w", parent_px=SIZE)
    return cutout_config(options, [str(folder / f"{b['name']}.fits") for b in bands])


def test_cutouts_from_mosaics_have_the_pixels_of_the_mosaics(survey, tiles):
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    np.testing.assert_allclose(table["mag"][:9], tiles.galaxies["mag"])
    np.testing.assert_allclose(table["fwhm_px"], 5)
    selected = table.assign(split="train", reason="")
    [(stamps, reasons)] = archive_cutouts(selected, archive_config(survey))
    np.testing.assert_array_equal(stamps.images[:9], tiles.images)
    assert reasons.tolist() == [""] * 9 + ["edge", "missing_band", "bad_pixels", "missing_band"]
    kept, excluded = keep_usable(stamps, reasons)
    assert len(kept) == 9
    assert excluded["reason"].tolist() == reasons[9:].tolist()
    assert excluded["id"].tolist() == ["9", "10", "11", "12"]
    # Galaxies that the selection left out are skipped.
    [(stamps, _)] = archive_cutouts(
        selected.assign(reason=["star", *[""] * 12]), archive_config(survey)
    )
    assert stamps.galaxies["id"][0] == "1"
    assert "reason" not in stamps.galaxies


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


def test_redshifts_come_from_another_table(survey, tmp_path):
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    Table({"n": ["2", "0", "77"], "z": [0.5, 1.5, 9.0]}).write(tmp_path / "z.csv")
    joined = add_redshifts(table, tmp_path / "z.csv", {"id": "n", "redshift": "z"})
    assert joined["redshift"][[0, 2]].tolist() == [1.5, 0.5]
    assert joined["redshift"].count() == 2
    with pytest.raises(DeblendError, match="has no redshift for any id of the catalogue"):
        add_redshifts(table.assign(id="x"), tmp_path / "z.csv", {"id": "n", "redshift": "z"})


def list_cutouts(*args):
    return list(archive_cutouts(*args))


def test_a_missing_band_is_an_error(survey):
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    selected = table.assign(split="train", reason="")
    with pytest.raises(DeblendError, match="band f775w: cannot read extension 3 of the mosaic"):
        list_cutouts(selected, archive_config(survey, extension=3))
    with pytest.raises(DeblendError, match=r"are 0.06 x 0.06 arcsec, pixel_scale_arcsec is 0.03"):
        config = archive_config(survey)
        list_cutouts(selected, type(config)(**{**vars(config), "pixel_scale_arcsec": 0.03}))
    with pytest.raises(DeblendError, match="band f775w: none of the 13 selected .* ra and dec"):
        list_cutouts(selected.assign(ra=10.0), archive_config(survey))
    fits.PrimaryHDU(np.ones((99, 99))).writeto(survey / "f160w.fits", overwrite=True)
    with pytest.raises(DeblendError, match="f160w.fits has no celestial coordinates"):
        list_cutouts(selected, archive_config(survey))
    cube = fits.PrimaryHDU(np.ones((2, 99, 99)), wcs(99).to_header())
    cube.writeto(survey / "f160w.fits", overwrite=True)
    with pytest.raises(DeblendError, match="band f160w: cannot read .*it has 3 axes"):
        list_cutouts(selected, archive_config(survey))
    (survey / "f160w.fits").unlink()
    with pytest.raises(DeblendError, match="band f160w: cannot read .*or leave the band out"):
        list_cutouts(selected, archive_config(survey))
    with pytest.raises(DeblendError, match="band f814w has no mosaic: give its path or address"):
        list_cutouts(selected, cutout_config(files_options(parent_px=SIZE)))


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_a_broken_mosaic_is_named(survey):
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    path = survey / "f160w.fits"
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(DeblendError, match="band f160w: cannot read extension 0 of the mosaic"):
        list_cutouts(table.assign(split="train", reason=""), archive_config(survey))


def test_other_errors_do_not_blame_the_mosaic(survey):
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    selected = table.assign(split="train", reason="")
    with pytest.raises(ValueError, match="broadcast"):
        list_cutouts(selected, archive_config(survey), None, (0.0, 0.0, 0.0))


MANY_PX = 100


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A mosaic of 169 points of light, and a catalogue that is 4 px south of them."""
    folder = tmp_path_factory.mktemp("many")
    n, side = 13 * 13, 13 * 40
    row, column = np.divmod(np.arange(n), 13)
    x, y = 20 + 40 * column, 20 + 40 * row
    sky = np.random.default_rng(1).normal(0, 0.01, (side, side)).astype(np.float32)
    sky[y, x] = 1
    fits.PrimaryHDU(sky, wcs(side).to_header()).writeto(folder / "f775w.fits")
    ra, dec = wcs(side).pixel_to_world_values(x, y - 4)
    table = pd.DataFrame({"id": [f"g{i:03d}" for i in range(n)], "ra": ra, "dec": dec})
    for name in (*GALAXY_COLUMNS, "mag_f160w", "class_star"):
        if name not in table:
            table[name] = "" if name in TEXT_COLUMNS else 22.0
    band = {"name": "f775w", "zero_point": 25.0, "noise_sigma": 0.01, "psf_fwhm_arcsec": 0.1}
    options = files_options(bands=[band], detection_band="f775w", parent_px=MANY_PX)
    config = cutout_config(options, [str(folder / "f775w.fits")])
    return table.assign(split=np.where(np.arange(n) % 2, "train", "test"), reason=""), config


def test_another_origin_of_positions_stops_with_the_offset(many):
    selected, config = many
    with pytest.raises(DeblendError) as caught:
        list_cutouts(selected, config)
    message = str(caught.value)
    assert "+0.0 px in x and +4.0 px in y" in message
    needed = [float(x) for x in message.rsplit("[", 1)[1].rstrip("]").split(", ")]
    np.testing.assert_allclose(needed, [0, 4 * SCALE], atol=2e-3)
    parts = list_cutouts(selected, config, None, needed)
    images = np.concatenate([stamps.images for stamps, _ in parts])
    inside = np.concatenate([reasons for _, reasons in parts]) == ""
    assert inside.sum() == 11 * 11
    np.testing.assert_array_equal(images[inside, 0, MANY_PX // 2, MANY_PX // 2], 1)
    # The remedy takes a wrong offset into account. A difference in right ascension is one in the
    # coordinate.
    with pytest.raises(DeblendError, match=r"px in x .* offset_arcsec \[0.3, 0.0\]: set") as caught:
        list_cutouts(selected, config, None, (0.3, 0.0))
    needed = [float(x) for x in str(caught.value).rsplit("[", 1)[1].rstrip("]").split(", ")]
    np.testing.assert_allclose(needed, [0, 4 * SCALE], atol=0.5 * SCALE)
    # A few galaxies can be off by chance.
    few = list_cutouts(selected[:10], config)
    assert len(few) == 1


def test_cutouts_are_written_batch_by_batch(many, tmp_path):
    selected, config = many
    batches = archive_cutouts(selected, config, None, (0, 4 * SCALE))
    sizes = []

    def parts():
        for stamps, reasons in batches:
            sizes.append(len(stamps))
            yield keep_usable(stamps, reasons)

    split, excluded = write_cutouts(tmp_path / "cutouts.h5", parts(), selected, "f775w")
    assert max(sizes) < 169 == sum(sizes) == len(split)
    written = read_stamps(tmp_path / "cutouts.h5")
    assert len(written) == 11 * 11 == 169 - len(excluded)
    np.testing.assert_array_equal(written.images[:, 0, MANY_PX // 2, MANY_PX // 2], 1)
    kept = split[split["split"] != "none"]
    assert written.galaxies["id"].tolist() == kept["id"].tolist()
    assert written.galaxies["split"].tolist() == kept["split"].tolist()
    # Neighbours in other batches are found too: the whole grid is around each.
    around = neighbours_of(written.galaxies)
    assert (np.isfinite(around[..., 0]).sum(axis=1) == 8).all()


def test_neighbours_are_counted_from_the_pixel_of_the_galaxy():
    galaxies = np.array([[100.2, 50.4], [300.0, 300.0]])
    sources = np.array(
        [
            [100.2, 50.4],  # the galaxy itself
            [103.0, 45.0],
            [68.0, 50.0],  # the first pixel of 64
            [131.4, 50.0],  # the last one
            [132.0, 50.0],  # outside
            [300.0, 300.0],
        ]
    )
    found = neighbours_in(galaxies, sources, np.arange(20.0, 26.0), 64)
    assert sorted(map(tuple, found[0].round(3))) == [(-32, 0, 22), (3, -5, 21), (31.4, 0, 23)]
    assert found[1].shape == (0, 3)
    assert neighbours_in(galaxies, sources[:0], np.empty(0), 64)[1].shape == (0, 3)
