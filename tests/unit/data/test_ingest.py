import logging

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from deblend.boucaud2020.clean import clean
from deblend.data.ingest import (
    FilesConfig,
    RealGalaxyConfig,
    centre_on_light,
    cut,
    ingest_files,
    ingest_real_galaxies,
    read_catalog,
    real_galaxy_table,
)
from deblend.errors import DeblendError

from tests.unit.boucaud2020.test_clean import CONFIG

COLUMNS = {"id": "name", "mag": "m", "half_light_radius": "r"}


@pytest.fixture
def files(tmp_path):
    """Files with four stamps of 40 px in two bands, and a catalogue."""
    images = np.random.default_rng(0).normal(size=(4, 2, 40, 40)).astype(np.float32)
    np.savez(tmp_path / "stamps.npz", images=images, other=np.zeros(3))
    table = pd.DataFrame({"name": list("abcd"), "m": [20, 21, 22, 23.0], "r": [0.3, 0.6, 1.2, 0.6]})
    table.to_csv(tmp_path / "catalog.csv", index=False)
    return tmp_path, images


def config(folder, **changes):
    values = {
        "images": str(folder / "stamps.npz"),
        "images_key": "images",
        "plane": 1,
        "catalog": str(folder / "catalog.csv"),
        "columns": COLUMNS,
        "band": "f814w",
        "pixel_scale_arcsec": 0.06,
        "zero_point": 26.0,
        "noise_sigma": 0.0,
        "stamp_size": 32,
        "radius_unit": "arcsec",
    }
    return FilesConfig(**{**values, **changes})


def test_stamps_and_catalogue(files):
    folder, images = files
    stamps = ingest_files(config(folder), seed=1)
    np.testing.assert_array_equal(stamps.images[:, 0], images[:, 1, 4:36, 4:36])
    assert stamps.galaxies["half_light_radius_px"].tolist() == pytest.approx([5, 10, 20, 10])
    assert stamps.galaxies["id"].tolist() == list("abcd")
    assert (stamps.galaxies["morphology"] == "unknown").all()
    assert stamps.bands.iloc[0].to_dict() == {
        "name": "f814w",
        "pixel_scale_arcsec": 0.06,
        "zero_point": 26.0,
        "noise_sigma": 0.0,
    }


def test_added_noise_depends_on_the_galaxy(files):
    folder, images = files
    noisy = ingest_files(config(folder, add_noise=True, noise_sigma=0.5), seed=1)
    difference = noisy.images[:, 0] - images[:, 1, 4:36, 4:36]
    assert np.std(difference) == pytest.approx(0.5, rel=0.1)
    pd.read_csv(folder / "catalog.csv").iloc[::-1].to_csv(folder / "catalog.csv", index=False)
    np.savez(folder / "stamps.npz", images=images[::-1])
    again = ingest_files(config(folder, add_noise=True, noise_sigma=0.5), seed=1)
    np.testing.assert_array_equal(again.images[::-1], noisy.images)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images_key": None}, "arrays images, other: name one"),
        ({"images_key": "imgs"}, "it is 'imgs'"),
        ({"plane": 2}, "2 bands and plane is 2"),
        ({"plane": None}, "plane is None"),
        ({"stamp_size": 64}, "smaller than stamp_size 64"),
        ({"images_key": "other"}, r"shape \(3,\), the catalogue 4 galaxies"),
        ({"columns": {**COLUMNS, "mag": "magnitude"}}, "lacks the columns magnitude; it has name"),
        ({"columns": {"id": "name", "mag": "m"}}, "which column .* is half_light_radius"),
        ({"columns": {**COLUMNS, "colour": "m"}}, "columns names colour"),
    ],
)
def test_input_that_does_not_fit_is_named(files, changes, message):
    with pytest.raises(DeblendError, match=message):
        ingest_files(config(files[0], **changes), seed=1)


def test_units_of_the_catalogue_are_converted(tmp_path):
    path = tmp_path / "c.ecsv"
    table = Table({"name": ["a"], "m": [20.0], "r": [0.01]}, units={"m": "mag", "r": "arcmin"})
    table.write(path)
    catalog = read_catalog(path, COLUMNS, 0.06, "arcsec")
    assert catalog["half_light_radius_px"][0] == pytest.approx(10.0)
    table["m"].unit = "Jy"
    table.write(path, overwrite=True)
    with pytest.raises(DeblendError, match="column m of .* is in Jy, which cannot be converted"):
        read_catalog(path, COLUMNS, 0.06, "arcsec")


def test_what_surveys_write_for_no_value_becomes_no_number(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(
        "\ufeffname,m,r,ra,z,p\n"
        "a,20.5,4.0,10:00:33.6,0.5,0.9\n"
        "b,null,-99,-,-99,-99\n"
        "c,99,0,150.14,-1,\n"
    )
    columns = {**COLUMNS, "ra": "ra", "redshift": "z", "p_sph": "p"}
    catalog = read_catalog(path, columns, 0.06, "pix")
    for column, first in (("mag", 20.5), ("half_light_radius_px", 4.0), ("redshift", 0.5)):
        np.testing.assert_array_equal(catalog[column], [first, np.nan, np.nan])
    np.testing.assert_allclose(catalog["ra"], [150.14, np.nan, 150.14])
    np.testing.assert_array_equal(catalog["p_sph"], [0.9, np.nan, np.nan])
    path.write_text(path.read_text().replace(",0.5,", ",soon,"))
    with pytest.raises(DeblendError, match="column z of .*c.csv has 'soon' in row 1, which is not"):
        read_catalog(path, columns, 0.06, "pix")


def test_galaxies_whose_values_are_unknown_are_left_out_with_the_reason(files):
    folder, _ = files
    table = pd.read_csv(folder / "catalog.csv").astype({"m": object})
    table.loc[0, "m"], table.loc[1, "m"], table.loc[2, "r"] = -99, "null", -99
    table.to_csv(folder / "catalog.csv", index=False)
    stamps = ingest_files(config(folder), seed=1)
    rules = CONFIG.model_copy(update={"mag_max": 24.0})
    _, excluded = clean(stamps, 1, rules)
    reasons = excluded.set_index("id")["reason"]
    assert reasons[list("abc")].tolist() == ["magnitude", "magnitude", "radius"]


def test_magnitudes_may_be_in_the_unit_of_the_ab_system(tmp_path):
    table = Table({"name": ["a", "b"], "m": [20.0, 21.0], "r": [4.0, 5.0]})
    for unit in ("mag(AB)", "ABMAG", "mag"):
        table["m"].unit = unit if unit != "ABMAG" else u.Unit(unit, parse_strict="silent")
        table.write(tmp_path / "c.ecsv", overwrite=True)
        assert read_catalog(tmp_path / "c.ecsv", COLUMNS, 0.06, "pix")["mag"].tolist() == [20, 21]


def real_galaxy_files(folder, companion_rows):
    """Tables of a RealGalaxy catalogue, and of a companion with some rows of its galaxies."""
    n = 5
    ids = np.arange(n) + 100
    own = {"IDENT": ids, "RA": np.full(n, 150.0), "DEC": np.full(n, 2.0), "MAG": ids / 5.0}
    catalog = Table({**own, "PIXEL_SCALE": np.full(n, 0.03)})
    companion = Table({"IDENT": ids, "flux_radius": ids / 10, "zphot": ids / 200})
    catalog.write(folder / "catalog.fits")
    companion[companion_rows].write(folder / "fits.fits")
    return folder / "catalog.fits", folder / "fits.fits"


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
def test_sizes_and_redshifts_of_real_galaxies_are_found_by_their_ids(tmp_path, rows):
    catalog, companion = real_galaxy_files(tmp_path, rows)
    table = real_galaxy_table(catalog, companion, 0.06)
    assert table["id"].tolist() == ["100", "101", "102", "103", "104"]
    np.testing.assert_allclose(table["half_light_radius_px"], [5, 5.05, 5.1, 5.15, 5.2])
    np.testing.assert_allclose(table["redshift"], [0.5, 0.505, 0.51, 0.515, 0.52])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 1, 3, 4], "fits.fits lacks 1 of the 5 galaxies of .* IDENT 102.: give the companion"),
        ([0, 1, 2, 3, 4, 3], "IDENT of .*fits.fits has 1 ids of the catalogue more than .*: 103"),
    ],
)
def test_a_companion_of_other_galaxies_is_refused(tmp_path, rows, message):
    with pytest.raises(DeblendError, match=message):
        real_galaxy_table(*real_galaxy_files(tmp_path, rows), 0.06)


def test_a_real_galaxy_catalogue_can_have_its_sizes_itself(tmp_path):
    catalog, _ = real_galaxy_files(tmp_path, [0])
    table = Table.read(catalog)
    table["flux_radius"], table["ZPHOT"] = [4, -99, 0, 8, 10.0], [0.5, -1.0, np.nan, 99, 1]
    table.write(catalog, overwrite=True)
    read = real_galaxy_table(catalog, None, 0.06)
    np.testing.assert_array_equal(read["half_light_radius_px"], [2, np.nan, np.nan, 4, 5])
    np.testing.assert_array_equal(read["redshift"], [0.5, np.nan, np.nan, np.nan, 1])


def test_repeated_ids_are_refused(tmp_path):
    path = tmp_path / "c.csv"
    pd.DataFrame({"name": ["a", "a"], "m": [1, 2], "r": [1, 2]}).to_csv(path, index=False)
    with pytest.raises(DeblendError, match="the first: a"):
        read_catalog(path, COLUMNS, 0.06, "pix")


def test_cutting_and_centring():
    image = np.zeros((50, 40))
    image[30, 12] = 1.0
    stamp = centre_on_light(image, 16)
    assert stamp[8, 8] == 1.0
    assert np.isfinite(stamp).all()
    edge = cut(image, 0, 0, 16)
    assert np.isnan(edge[:8]).all()
    assert np.isnan(edge[:, :8]).all()
    assert np.isfinite(edge[8:, 8:]).all()


def test_segmentation_maps_of_any_numbering(files):
    folder, images = files
    segmaps = np.zeros((4, 40, 40), int)
    segmaps[:, 18:24, 18:24] = 70123
    segmaps[:, 5:9, 5:9] = 70900
    np.save(folder / "segmaps.npy", segmaps)
    stamps = ingest_files(config(folder, segmaps=str(folder / "segmaps.npy")), seed=1)
    assert sorted(np.unique(stamps.segmaps)) == [0, 1, 2]
    assert stamps.segmaps[0, 16, 16] == 1
    np.save(folder / "segmaps.npy", segmaps[:2])
    with pytest.raises(DeblendError, match="segmaps.npy has shape"):
        ingest_files(config(folder, segmaps=str(folder / "segmaps.npy")), seed=1)


@pytest.mark.parametrize("masked", [-1, -2147483648, np.nan])
def test_zero_stays_background_whatever_masked_pixels_are_called(files, masked):
    folder, _ = files
    segmaps = np.zeros((4, 40, 40))
    segmaps[:, 18:24, 18:24] = 7
    segmaps[:, 5:9, 5:9] = masked
    segmaps[3, 16:26, 16:26] = masked
    np.save(folder / "segmaps.npy", segmaps)
    stamps = ingest_files(config(folder, segmaps=str(folder / "segmaps.npy")), seed=1)
    for segmap in stamps.segmaps[:3]:
        assert segmap[0, 0] == 0
        assert segmap[16, 16] == 1
        assert segmap[2, 2] == 2
    # A map whose central pixel is masked has no galaxy there.
    assert not stamps.segmaps[3].any()


def test_segmentation_maps_without_background_are_refused(files):
    folder, _ = files
    np.save(folder / "segmaps.npy", np.where(np.eye(40) > 0, 1, -1)[None].repeat(4, 0))
    with pytest.raises(DeblendError, match="has no pixel with the label 0"):
        ingest_files(config(folder, segmaps=str(folder / "segmaps.npy")), seed=1)


def test_stamps_in_another_unit_are_converted(files):
    """Counts/s at the zero point 26 that have the magnitudes of the nanojanskys."""
    folder, images = files
    flux = np.abs(images[:, 1]) + 1
    hdu = fits.PrimaryHDU(flux)
    hdu.header["BUNIT"] = "nJy"
    hdu.writeto(folder / "stamps.fits")
    path = str(folder / "stamps.fits")
    stamps = ingest_files(config(folder, images=path, images_key=None), seed=1)
    magnitude = (flux[:, 4:36, 4:36] * u.nJy).to_value(u.ABmag)
    np.testing.assert_allclose(26 - 2.5 * np.log10(stamps.images[:, 0]), magnitude, atol=2e-4)
    # The configuration decides, if it names a unit.
    same = ingest_files(config(folder, images=path, images_key=None, unit="counts/s"), seed=1)
    np.testing.assert_array_equal(same.images[:, 0], flux[:, 4:36, 4:36])
    with pytest.raises(DeblendError, match=r"stamps.fits is in 'K' \(unit\), which is not known"):
        ingest_files(config(folder, images=path, images_key=None, unit="K"), seed=1)


def test_one_galaxy_is_one_image(files):
    folder, images = files
    fits.writeto(folder / "one.fits", images[0, 1])
    pd.read_csv(folder / "catalog.csv").iloc[:1].to_csv(folder / "one.csv", index=False)
    options = {"images": str(folder / "one.fits"), "catalog": str(folder / "one.csv")}
    stamps = ingest_files(config(folder, images_key=None, **options), seed=1)
    np.testing.assert_array_equal(stamps.images[0, 0], images[0, 1, 4:36, 4:36])


@pytest.mark.parametrize(("shape", "peak"), [((21, 21), (10, 10)), ((20, 22), (10, 11))])
def test_a_psf_of_odd_or_even_size_goes_into_the_stamps(files, shape, peak):
    y, x = np.indices(shape)
    star = 50 * np.exp(-((y - peak[0]) ** 2 + (x - peak[1]) ** 2) / (2 * 1.7**2))
    fits.writeto(files[0] / "psf.fits", star)
    psf = ingest_files(config(files[0], psf=str(files[0] / "psf.fits")), seed=1).psf
    np.testing.assert_allclose(psf, star[None] / star.sum(), atol=1e-7)
    assert ingest_files(config(files[0]), seed=1).psf is None


def test_real_galaxies_keep_their_flux(real_data):
    folder = real_data / "cosmos"
    stamps = ingest_real_galaxies(
        RealGalaxyConfig(
            catalog=str(folder / "real_galaxy_catalog_26_extension_example.fits"),
            fits_catalog=str(folder / "real_galaxy_catalog_26_extension_example_fits.fits"),
            band="f814w",
            zero_point=25.94,
            stamp_size=64,
            pixel_scale_arcsec=0.06,
            noise_sigma=0.0065,
            psf_fwhm_arcsec=0.17,
            psf_moffat_beta=2.5,
        ),
        seed=1,
    )
    assert len(stamps) == 100
    bright = stamps.galaxies["mag"] < 24
    flux = stamps.images[bright, 0].sum(axis=(1, 2))
    mag = 25.94 - 2.5 * np.log10(flux)
    assert np.median(mag - stamps.galaxies["mag"][bright]) == pytest.approx(0, abs=0.1)
    corner = stamps.images[:, 0, :12, :12]
    assert np.median(np.std(corner, axis=(1, 2))) == pytest.approx(0.0065, rel=0.15)


def test_real_galaxies_need_sizes(real_data):
    config = RealGalaxyConfig(
        catalog=str(real_data / "cosmos" / "real_galaxy_catalog_26_extension_example.fits"),
        fits_catalog=None,
        band="f814w",
        zero_point=25.94,
        stamp_size=64,
        pixel_scale_arcsec=0.06,
        noise_sigma=0.0065,
    )
    with pytest.raises(DeblendError, match="has no sizes: give fits_catalog"):
        ingest_real_galaxies(config, seed=1)


SIDES = {"d": 40, "c": 41, "b": 35, "a": 32, "x": 20}


def own_image(name):
    """Image of a galaxy, of its own size, with the galaxy's number in its central pixel."""
    side = SIDES[name]
    image = np.zeros((side, side), np.float32)
    image[side // 2, side // 2] = ord(name)
    return image


@pytest.fixture
def own_files(files):
    """A folder with a FITS file for each galaxy, and one that the catalogue does not have."""
    folder = files[0] / "own [images]"
    folder.mkdir()
    for name in SIDES:
        fits.writeto(folder / f"stamp_{name}_f160w.fits", own_image(name))
    return folder


def assert_matched_by_id(stamps):
    """Each galaxy has its own image, cut around its centre."""
    assert stamps.galaxies["id"].tolist() == list("abcd")
    assert stamps.images[:, 0, 16, 16].tolist() == [ord(name) for name in "abcd"]


def one_each(folder, images, **changes):
    return config(folder, images=images, images_key=None, plane=None, **changes)


def test_a_pattern_of_files_of_different_sizes(files, own_files):
    pattern = str(own_files / "stamp_*_f160w.fits")
    stamps = ingest_files(one_each(files[0], pattern), seed=1)
    assert_matched_by_id(stamps)
    assert stamps.images.shape == (4, 1, 32, 32)


@pytest.mark.parametrize("kind", ["folder", "list"])
def test_a_folder_and_a_list_of_files_named_by_the_galaxies(files, own_files, kind):
    for path in list(own_files.iterdir()):
        path.rename(own_files / f"{path.name.split('_')[1]}.fits")
    (own_files / "notes.txt").touch()
    images = str(own_files)
    if kind == "list":
        images = [str(own_files / f"{name}.fits") for name in "dbca"]
    assert_matched_by_id(ingest_files(one_each(files[0], images), seed=1))


def test_the_pixel_scale_of_a_header_and_units_of_files_are_compared(files, own_files, caplog):
    for name, seconds in zip("abcd", (100.0, 200.0, 400.0, 300.0), strict=True):
        given = {"BUNIT": "ELECTRONS", "EXPTIME": seconds, "PIXSCALE": 0.06}
        path = own_files / f"stamp_{name}_f160w.fits"
        fits.writeto(path, seconds * own_image(name), fits.Header(given), overwrite=True)
    pattern = str(own_files / "stamp_*_f160w.fits")
    assert_matched_by_id(ingest_files(one_each(files[0], pattern), seed=1))
    said = [r.getMessage() for r in caplog.records if "EXPTIME" in r.getMessage()]
    assert len(said) == 1
    assert "4 of 4 files" in said[0] and "EXPTIME = 100 to 400 s" in said[0]
    with pytest.raises(DeblendError, match=r"stamp_a_f160w.fits: the pixels are 0.06 arcsec by it"):
        ingest_files(one_each(files[0], pattern, pixel_scale_arcsec=0.05), seed=1)


def test_files_with_several_bands(files, own_files):
    for name in "abcd":
        cube = np.stack([np.zeros_like(own_image(name)), own_image(name)])
        fits.writeto(own_files / f"{name}.fits", cube)
    pattern = str(own_files / "?.fits")
    several = one_each(files[0], pattern).model_copy(update={"plane": 1})
    assert_matched_by_id(ingest_files(several, seed=1))
    with pytest.raises(DeblendError, match="a.fits has 2 bands and plane is None"):
        ingest_files(one_each(files[0], pattern), seed=1)


def test_files_that_do_not_fit_are_named(files, own_files):
    folder = files[0]
    pattern = str(own_files / "stamp_*_f160w.fits")
    with pytest.raises(
        DeblendError, match="4 of 4 galaxies .* no image .*the first: a.*a.fits; the"
    ):
        ingest_files(one_each(folder, str(own_files)), seed=1)
    with pytest.raises(
        DeblendError, match=r"4 of 4 stamps are smaller .*galaxy a in .*stamp_a_f160w.fits, 32 x 32"
    ):
        ingest_files(one_each(folder, pattern, stamp_size=48), seed=1)
    with pytest.raises(
        DeblendError, match=r"galaxy b in .*segs.npy has shape \(32, 32\), its image \(35, 35\)"
    ):
        np.save(folder / "segs.npy", np.zeros((4, 32, 32)))
        ingest_files(one_each(folder, pattern, segmaps=str(folder / "segs.npy")), seed=1)
    (own_files / "stamp_b_f160w.fits").unlink()
    with pytest.raises(
        DeblendError, match="1 of 4 galaxies of the catalogue have no image .*first: b"
    ):
        ingest_files(one_each(folder, pattern), seed=1)


@pytest.mark.parametrize("kind", ["pattern", "folder", "list", "extension"])
def test_segmentation_maps_of_galaxies_in_a_file_each(files, own_files, kind):
    """The label of a galaxy's own map is in its corner, found by the name of the file."""
    folder = files[0]
    maps = folder / "maps"
    maps.mkdir()
    for number, name in enumerate(SIDES):
        image = own_image(name)
        segmap = np.zeros(image.shape, "i4")
        segmap[image != 0] = 5 + number
        # Another object in each stamp, as many pixels as its number.
        segmap[len(image) // 2 + 5, len(image) // 2 : len(image) // 2 + number + 1] = 90
        fits.writeto(maps / f"{name}.fits", segmap)
        both = [fits.PrimaryHDU(image), fits.ImageHDU(segmap, name="SEGM")]
        fits.HDUList(both).writeto(own_files / f"stamp_{name}_f160w.fits", overwrite=True)
    options = {
        "pattern": {"segmaps": str(maps / "*.fits")},
        "folder": {"segmaps": str(maps)},
        "list": {"segmaps": [str(maps / f"{name}.fits") for name in "dbca"]},
        "extension": {"segmaps_key": "SEGM"},
    }[kind]
    pattern = str(own_files / "stamp_*_f160w.fits")
    stamps = ingest_files(one_each(folder, pattern, **options), seed=1)
    assert_matched_by_id(stamps)
    assert (stamps.segmaps[:, 16, 16] == 1).all()
    expected = [1 + list(SIDES).index(name) for name in "abcd"]
    assert (stamps.segmaps == 2).sum(axis=(1, 2)).tolist() == expected


def test_segmentation_maps_in_files_that_do_not_fit_are_named(files, own_files):
    folder = files[0]
    maps = folder / "maps"
    maps.mkdir()
    for name in ("a", "b", "d"):
        fits.writeto(maps / f"{name}.fits", np.zeros(own_image(name).shape, "i2"))
    config = one_each(folder, str(own_files / "stamp_*_f160w.fits"), segmaps=str(maps))
    with pytest.raises(DeblendError, match="1 of 4 .* have no segmentation map in .*first: c"):
        ingest_files(config, seed=1)
    fits.writeto(maps / "c.fits", np.zeros((40, 40), "i2"))
    with pytest.raises(DeblendError, match=r"galaxy c in .*c.fits has shape \(40, 40\), its image"):
        ingest_files(config, seed=1)
    missing = config.model_copy(update={"segmaps": None, "segmaps_key": "SEGM"})
    with pytest.raises(DeblendError, match="cannot read extension SEGM of .*stamp_a_f160w.fits"):
        ingest_files(missing, seed=1)


def test_the_noise_of_stamps_is_compared_or_measured(files, caplog):
    folder, _ = files
    caplog.set_level(logging.INFO)
    stamps = ingest_files(config(folder, noise_sigma=1.0), seed=1)
    assert stamps.bands["noise_sigma"].tolist() == [1.0]
    assert "noise_sigma is 1" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    ingest_files(config(folder, noise_sigma=0.2), seed=1)
    assert "and noise_sigma is 0.2: correct noise_sigma or the unit" in caplog.text
    caplog.clear()
    stamps = ingest_files(config(folder, noise_sigma=None), seed=1)
    assert stamps.bands["noise_sigma"].tolist() == [pytest.approx(1.0, rel=0.1)]
    assert "it is taken, since noise_sigma is not given" in caplog.text
    with pytest.raises(DeblendError, match="add_noise is true, and noise_sigma is not given"):
        ingest_files(config(folder, noise_sigma=None, add_noise=True), seed=1)


def test_pixels_that_a_plane_of_flags_marks_have_no_data(files):
    """A stamp in the layout of Hubble's exposures, in which one pixel is hot and another warm."""
    folder, _ = files
    flags = np.zeros((40, 40), "i2")
    flags[20, 22], flags[20, 24] = 16, 64
    for name in "abcd":
        image = np.ones((40, 40), np.float32) * ord(name)
        hdus = [fits.ImageHDU(image, name="SCI"), fits.ImageHDU(flags, name="DQ")]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / f"{name}.fits")
    for bits, expected in ((None, [(16, 18)]), ([64], [(16, 20)]), ([], [])):
        stamps = ingest_files(one_each(folder, str(folder), mask_bits=bits), seed=1)
        found = np.argwhere(np.isnan(stamps.images[0, 0])).tolist()
        assert found == [list(place) for place in expected]


def test_stamps_that_do_not_fit_into_memory_are_said(files, own_files, needs_memory):
    """Each image by itself is smaller than all stamps."""
    pattern = str(own_files / "stamp_*_f160w.fits")
    needs_memory(
        lambda: ingest_files(one_each(files[0], pattern), seed=1),
        lambda stamps: (stamps.images, stamps.segmaps),
        "a smaller stamp_size, or fewer galaxies",
    )
