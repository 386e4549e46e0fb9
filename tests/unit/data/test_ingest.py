import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.data.ingest import (
    FilesConfig,
    RealGalaxyConfig,
    centre_on_light,
    cut,
    ingest_files,
    ingest_real_galaxies,
    read_array,
    read_catalog,
    read_psf,
)
from deblend.errors import DeblendError

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


def test_repeated_ids_are_refused(tmp_path):
    path = tmp_path / "c.csv"
    pd.DataFrame({"name": ["a", "a"], "m": [1, 2], "r": [1, 2]}).to_csv(path, index=False)
    with pytest.raises(DeblendError, match="the first: a"):
        read_catalog(path, COLUMNS, 0.06, "pix")


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


@pytest.mark.parametrize(("shape", "peak"), [((21, 21), (10, 10)), ((20, 22), (10, 11))])
def test_a_psf_of_odd_or_even_size_goes_into_the_stamps(files, shape, peak):
    y, x = np.indices(shape)
    star = 50 * np.exp(-((y - peak[0]) ** 2 + (x - peak[1]) ** 2) / (2 * 1.7**2))
    fits.writeto(files[0] / "psf.fits", star)
    psf = ingest_files(config(files[0], psf=str(files[0] / "psf.fits")), seed=1).psf
    np.testing.assert_allclose(psf, star[None] / star.sum(), atol=1e-7)
    assert ingest_files(config(files[0]), seed=1).psf is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((2, 9, 9)), r"has the shape \(2, 9, 9\)"),
        (np.full((9, 9), np.nan), "not finite or no light"),
        (np.zeros((9, 9)), "not finite or no light"),
        (np.eye(9, 8) * np.arange(8), r"of 8 x 9 px is brightest in pixel x = 7, y = 7"),
        (None, "cannot read an array from"),
    ],
)
def test_an_image_that_is_no_psf_is_refused(tmp_path, image, message):
    if image is not None:
        fits.writeto(tmp_path / "psf.fits", image)
    with pytest.raises(DeblendError, match=message):
        read_psf(tmp_path / "psf.fits")


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
        DeblendError, match=r"segs.npy has shape \(4, 32, 32\), the 4 stamps \(32, 32\) and"
    ):
        np.save(folder / "segs.npy", np.zeros((4, 32, 32)))
        ingest_files(one_each(folder, pattern, segmaps=str(folder / "segs.npy")), seed=1)
    (own_files / "stamp_b_f160w.fits").unlink()
    with pytest.raises(
        DeblendError, match="1 of 4 galaxies of the catalogue have no image .*first: b"
    ):
        ingest_files(one_each(folder, pattern), seed=1)
