"""Cut-outs from mosaics, which are made of known cut-outs."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, read_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import neighbours_of
from deblend.hemmati2022.cutouts import keep_usable, write_cutouts
from deblend.hemmati2022.ingest import add_redshifts, cutout_config, read_cutout_catalogue
from deblend.hemmati2022.mosaic_cutouts import archive_cutouts, neighbours_in
from deblend.hemmati2022.simulate import simulate_cutouts, simulated_catalogue
from deblend.units import flux_from_mag

from tests.unit.hemmati2022.test_ingest import files_options
from tests.unit.hemmati2022.test_simulate import SCALE, simulator

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


def test_the_noise_is_that_of_galaxies_all_over_the_mosaic(tmp_path):
    """The mosaic is deeper where most of the first hundred galaxies are, but not of all."""
    nx, ny = 9, 16
    rng = np.random.default_rng(3)
    y, x = np.indices((SIZE, SIZE)) - SIZE // 2
    source = np.tile(np.exp(-(x**2 + y**2) / 8), (ny, nx))
    sigma = np.where(np.arange(ny * SIZE) < 7 * SIZE, 0.005, 0.02)[:, None]
    system = wcs(nx * SIZE)
    for name in ("f775w", "f160w"):
        pixels = (source + rng.normal(0, 1, source.shape) * sigma).astype(np.float32)
        fits.writeto(tmp_path / f"{name}.fits", pixels, system.to_header())
    j, i = np.indices((ny, nx)).reshape(2, -1)
    ra, dec = system.pixel_to_world_values(i * SIZE + SIZE // 2, j * SIZE + SIZE // 2)
    columns = {"Seq": np.arange(nx * ny), "ra": ra, "dec": dec, "F775W": 1.0, "R": 0.3}
    pd.DataFrame(columns).to_csv(tmp_path / "catalog.csv", index=False)
    table = read_cutout_catalogue(tmp_path / "catalog.csv", COLUMNS, SCALE, "arcsec")
    selected = table.assign(split="train", reason="")
    parts = list_cutouts(selected, archive_config(tmp_path, noise_sigma=None))
    assert len(parts) == 2
    for stamps, _ in parts:
        assert stamps.bands["noise_sigma"].tolist() == pytest.approx([0.02, 0.02], rel=0.1)


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


def test_integer_mosaics_and_other_units_are_read(survey, tiles):
    """Integers, of which many are 0, in one band and nanojanskys in the other."""
    quantum, of_one = 0.005, 10 ** (0.4 * (31.4 - 25.0))
    pixels, head = fits.getdata(survey / "f775w.fits", header=True)
    counts = np.round(np.nan_to_num(pixels, nan=-99) / quantum).astype("i4")
    head["BUNIT"], head["BLANK"] = "DN/s", int(np.round(-99 / quantum))
    fits.writeto(survey / "f775w.fits", counts, head, overwrite=True)
    pixels, head = fits.getdata(survey / "f160w.fits", header=True)
    head["BUNIT"] = "nJy"
    fits.writeto(survey / "f160w.fits", pixels * np.float32(of_one), head, overwrite=True)
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    [(stamps, reasons)] = archive_cutouts(
        table.assign(split="train", reason=""), archive_config(survey)
    )
    assert reasons.tolist() == [""] * 9 + ["edge", "missing_band", "bad_pixels", "missing_band"]
    np.testing.assert_array_equal(stamps.images[:9, 0], np.round(tiles.images[:, 0] / quantum))
    assert (stamps.images[:9, 0] == 0).mean() > 0.1
    np.testing.assert_allclose(stamps.images[:9, 1], tiles.images[:, 1], rtol=1e-5)


def test_weights_say_where_a_band_has_no_data(survey):
    weight = np.ones((5 * SIZE, 5 * SIZE), np.float32)
    weight[:SIZE, :SIZE] = 0
    weight[SIZE // 2, SIZE + 10] = 0
    fits.writeto(survey / "wht.fits", weight)
    options = files_options(
        bands=[
            {"name": name, "zero_point": 25.0, "noise_sigma": 0.005, "psf_fwhm_arcsec": 0.1}
            for name in ("f775w", "f160w")
        ],
        detection_band="f775w",
        parent_px=SIZE,
    )
    options["bands"][1]["weight"] = "https://example.org/wht.fits"
    mosaics = [str(survey / f"{name}.fits") for name in ("f775w", "f160w")]
    config = cutout_config(options, mosaics, weights=[str(survey / "wht.fits")])
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    [(_, reasons)] = archive_cutouts(table.assign(split="train", reason=""), config)
    assert reasons[:3].tolist() == ["missing_band", "bad_pixels", ""]


def test_distortion_terms_that_are_left_over_are_not_applied(survey, tiles, caplog):
    for name in ("f775w", "f160w"):
        pixels, head = fits.getdata(survey / f"{name}.fits", header=True)
        head.update({"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-3, "B_0_2": 1e-3})
        fits.writeto(survey / f"{name}.fits", pixels, head, overwrite=True)
    table = read_cutout_catalogue(survey / "catalog.ecsv", COLUMNS, SCALE, "arcsec")
    [(stamps, _)] = archive_cutouts(table.assign(split="train", reason=""), archive_config(survey))
    np.testing.assert_array_equal(stamps.images[:9], tiles.images)
    assert caplog.text.count("are not applied (apply_sip: false)") == 2
    [(moved, _)] = archive_cutouts(
        table.assign(split="train", reason=""), archive_config(survey, apply_sip=True)
    )
    assert not np.array_equal(moved.images[1], stamps.images[1])


def test_a_catalogue_of_another_field_is_refused(many):
    """They are too few galaxies to tell the offset."""
    selected, config = many
    shift = np.array([(9, 0), (-9, 0), (0, 9), (0, -9)] * 43)[: len(selected)].T * SCALE / 3600
    moved = selected.assign(ra=selected["ra"] + shift[0], dec=selected["dec"] + shift[1])
    moved = moved.iloc[80:94]
    with pytest.raises(DeblendError, match="brightest galaxies of the catalogue have a source"):
        list_cutouts(moved, config, None, (0, 4 * SCALE))


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
