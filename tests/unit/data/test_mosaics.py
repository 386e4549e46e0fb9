"""Stamps that are cut from a mosaic, which is made of known stamps."""

import logging
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.boucaud2020.clean import clean, count_exclusions
from deblend.boucaud2020.tables import SELECTION
from deblend.data.mosaics import FieldConfig, cut_field
from deblend.data.stamps import Stamps, read_stamps, write_stamps
from deblend.errors import DeblendError

from tests.unit.boucaud2020.test_clean import CONFIG
from tests.unit.data.conftest import SCALE, SIZE, header

COLUMNS = {
    "id": "Seq",
    "ra": "_RAJ2000",
    "dec": "_DEJ2000",
    "mag": "Hmag",
    "half_light_radius": "Re",
    "redshift": "z",
}
#: Galaxies on the mosaic: all except the one outside of it, which belongs to another field.
ON = [*range(10), 11]
NUMBERS = [100 + i for i in ON]
PROBABILITIES = {"ra": "RA", "dec": "DEC", "p_sph": "fsph", "p_disk": "fdisk", "p_irr": "firr"}


def config(folder, **changes):
    values = {
        "name": "gds",
        "mosaic": str(folder / "mosaic.fits"),
        "catalog": str(folder / "catalog.ecsv"),
        "columns": COLUMNS,
        "radius_unit": "arcsec",
        "band": "f160w",
        "pixel_scale_arcsec": SCALE,
        "zero_point": 25.9463,
        "noise_sigma": 0.0065,
        "stamp_size": SIZE,
        "match_radius_arcsec": 0.5,
    }
    return FieldConfig(**{**values, **changes})


def test_stamps_are_the_pixels_that_were_put_in(survey, stamps):
    folder, table = survey
    cut = cut_field(config(folder))
    np.testing.assert_array_equal(cut.images[:9, 0], stamps.images[:, 0])
    assert np.isnan(cut.images[9:]).all()
    galaxies = cut.galaxies
    assert galaxies["id"].tolist() == [f"gds-{i}" for i in NUMBERS]
    assert galaxies["ra"].tolist() == table["_RAJ2000"][ON].tolist()
    assert galaxies["dec"].tolist() == table["_DEJ2000"][ON].tolist()
    np.testing.assert_allclose(
        galaxies["half_light_radius_px"][:9], stamps.galaxies["half_light_radius_px"]
    )


def test_the_psf_goes_into_the_stamps(survey, tmp_path):
    y, x = np.indices((15, 15)) - 7
    star = np.exp(-(y**2 + x**2) / 8)
    fits.writeto(tmp_path / "psf.fits", star)
    cut = cut_field(config(survey[0], psf=str(tmp_path / "psf.fits")))
    np.testing.assert_allclose(cut.psf, star[None] / star.sum(), atol=1e-7)


def test_galaxies_outside_are_counted(survey):
    folder, _ = survey
    cut = cut_field(config(folder))
    kept, excluded = clean(cut, 1, CONFIG)
    outside = excluded[excluded["reason"] == "outside"]
    assert outside["id"].tolist() == ["gds-109", "gds-111"]
    counts = count_exclusions(excluded, kept.galaxies["morphology"]).set_index("reason")["n"]
    assert counts["outside"] == 2
    assert counts["bad_pixels"] == 0
    assert "outside" in SELECTION


def test_galaxies_without_a_position_are_counted(survey, tmp_path, caplog):
    """Also a galaxy with only one of the coordinates; others keep their stamps."""
    folder, table = survey
    table["_RAJ2000"][1] = table["_DEJ2000"][4] = np.nan
    table.write(folder / "catalog.ecsv", overwrite=True)
    with caplog.at_level(logging.INFO):
        parents = cut_field(config(folder))
    assert "2 galaxies of the catalogue have no position" in caplog.text
    # As the next rule reads it.
    write_stamps(tmp_path / "parents.h5", parents)
    cut = read_stamps(tmp_path / "parents.h5")
    kept, excluded = clean(cut, 1, CONFIG)
    reasons = excluded.set_index("id")["reason"]
    assert reasons[reasons == "no_position"].index.tolist() == ["gds-101", "gds-104"]
    assert reasons[["gds-109", "gds-111"]].tolist() == ["outside"] * 2
    counts = count_exclusions(excluded, kept.galaxies["morphology"]).set_index("reason")["n"]
    assert counts[["no_position", "outside"]].tolist() == [2, 2]
    assert {"no_position", "outside"} < {*SELECTION}
    # Stamps that were given, not cut, need no position.
    given = Stamps(cut.images, cut.segmaps, cut.galaxies.assign(ra=np.nan), cut.bands)
    reasons = clean(given, 1, CONFIG)[1]["reason"]
    assert "no_position" not in reasons.tolist()


def test_numbers_that_stand_for_no_value_are_not_within_limits(survey, caplog):
    folder, table = survey
    table["chi2"] = [1.0, -99.0, 3.0, 99.0, *np.full(8, 1.0)]
    table.write(folder / "catalog.ecsv", overwrite=True)
    with caplog.at_level(logging.INFO):
        cut = cut_field(config(folder, max_values={"chi2": 2.0}))
    left_out = {f"gds-{i}" for i in (101, 102, 103)}
    assert set(cut.galaxies["id"]) == {f"gds-{i}" for i in NUMBERS} - left_out
    assert "left out 3 of 12 galaxies" in caplog.text
    assert "(chi2 2); 2 of them lack a value" in caplog.text


def test_a_catalogue_without_any_position_is_refused(survey):
    folder, table = survey
    table["_RAJ2000"] = np.nan
    table.write(folder / "catalog.ecsv", overwrite=True)
    with pytest.raises(DeblendError, match="none of the 0 positions in .* is on .*ra and dec"):
        cut_field(config(folder))


def test_morphologies_are_matched_on_the_sky(survey):
    folder, table = survey
    near = Table(table["_RAJ2000", "_DEJ2000"][:4], names=["RA", "DEC"])
    near["DEC"] += np.array([0.1, -0.3, 0.0, 0.7]) / 3600  # the last one is too far away
    near["fsph"] = [0.9, 0.1, 0.9, 0.9]
    near["fdisk"] = [0.1, 0.9, 0.95, 0.1]
    near["firr"] = np.ma.array([0.1, 0.1, 0.1, 0.1])
    near.add_row(
        [near["RA"][0], near["DEC"][0] + 1e-6, 0.0, 0.0, 1.0]
    )  # farther away from the first one
    near.write(folder / "morphology.fits")
    cut = cut_field(
        config(folder, morphology=str(folder / "morphology.fits"), morphology_columns=PROBABILITIES)
    )
    p = cut.galaxies[["p_sph", "p_disk", "p_irr"]].to_numpy()
    np.testing.assert_allclose(p[:3], [[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.9, 0.95, 0.1]])
    assert np.isnan(p[3:]).all()
    kept, excluded = clean(cut, 1, CONFIG)
    both = pd.concat([kept.galaxies, excluded]).set_index("id")["morphology"]
    assert [both[f"gds-{i}"] for i in range(100, 104)] == ["sph", "disk", "sphd", ""]


def test_entries_without_probabilities_or_position_give_none(survey):
    folder, table = survey
    galaxies = table[:3]
    lines = [
        f"{ra},{dec},{p},0.1,0.1"
        for ra, dec, p in zip(
            [galaxies["_RAJ2000"][0], galaxies["_RAJ2000"][1], "-"],
            [*galaxies["_DEJ2000"][:2], "-"],
            ["0.9", "-99", "0.9"],
            strict=True,
        )
    ]
    (folder / "m.csv").write_text("\n".join(["RA,DEC,fsph,fdisk,firr", *lines]))
    cut = cut_field(
        config(folder, morphology=str(folder / "m.csv"), morphology_columns=PROBABILITIES)
    )
    np.testing.assert_array_equal(cut.galaxies["p_sph"][:3], [0.9, np.nan, np.nan])


def test_an_entry_is_used_for_the_nearest_galaxy_only(survey):
    folder, table = survey
    close = table[[0, 0]]
    close["Seq"] = [1, 2]
    close["_DEJ2000"][0] += 0.3 / 3600
    close.write(folder / "catalog.ecsv", overwrite=True)
    entry = Table(table["_RAJ2000", "_DEJ2000"][:1], names=["RA", "DEC"])
    for name in ("fsph", "fdisk", "firr"):
        entry[name] = [0.9]
    entry.write(folder / "morphology.ecsv")
    cut = cut_field(
        config(folder, morphology=str(folder / "morphology.ecsv"), morphology_columns=PROBABILITIES)
    )
    assert cut.galaxies["p_sph"].isna().tolist() == [True, False]


def test_a_mosaic_is_not_read_completely(tmp_path):
    """The mosaic has twelve gigabytes of a sparse file, with one galaxy."""
    side = 56000
    head = fits.PrimaryHDU(np.zeros((1, 1), np.float32), header(side).to_header()).header
    head["NAXIS1"] = head["NAXIS2"] = side
    text = head.tostring().encode()
    patch = np.random.default_rng(0).normal(0, 1, (SIZE, SIZE)).astype(">f4")
    x0, y0 = 20000, 30000
    with open(tmp_path / "mosaic.fits", "wb") as file:
        file.write(text)
        for row in range(SIZE):
            file.seek(len(text) + 4 * ((y0 + row) * side + x0))
            file.write(patch[row].tobytes())
        file.truncate(len(text) + -(-4 * side * side // 2880) * 2880)
    ra, dec = header(side).pixel_to_world_values(x0 + SIZE // 2, y0 + SIZE // 2)
    row = {"Seq": ["a"], "_RAJ2000": [ra], "_DEJ2000": [dec], "Hmag": [21.0], "Re": [0.3], "z": [1]}
    Table(row).write(tmp_path / "catalog.ecsv")
    tracemalloc.start()
    cut = cut_field(config(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(cut.images[0, 0], patch)
    assert peak < 50e6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pixel_scale_arcsec": 0.03},
            "are 0.06 x 0.06 arcsec, pixel_scale_arcsec is 0.03",
        ),
        ({"extension": 2}, "cannot read extension 2 of the mosaic"),
        ({"mosaic": "nowhere.fits"}, "cannot read extension 0 of the mosaic nowhere.fits"),
        ({"columns": {**COLUMNS, "mag": "mag"}}, "lacks the columns mag; it has Seq"),
        (
            {"columns": {k: v for k, v in COLUMNS.items() if k != "ra"}},
            "field gds: columns does not say which column of .* is ra",
        ),
        ({"morphology": "m.csv"}, "morphology_columns does not say .* is ra, dec, p_sph"),
        (
            {"morphology": "m.csv", "morphology_columns": PROBABILITIES},
            "cannot read the catalogue m.csv",
        ),
    ],
)
def test_what_does_not_fit_is_named(survey, changes, message):
    with pytest.raises(DeblendError, match=message):
        cut_field(config(survey[0], **changes))


def test_a_mosaic_without_coordinates_is_refused(survey):
    fits.PrimaryHDU(np.ones((99, 99))).writeto(survey[0] / "mosaic.fits", overwrite=True)
    with pytest.raises(DeblendError, match="has no celestial coordinates"):
        cut_field(config(survey[0]))


def test_a_catalogue_of_another_field_is_refused(survey):
    folder, table = survey
    table["_RAJ2000"] += 90
    table.write(folder / "catalog.ecsv", overwrite=True)
    with pytest.raises(DeblendError, match="none of the 12 positions in .* is on .*ra and dec"):
        cut_field(config(folder))


def write_mosaic(folder, change, **keywords):
    """The mosaic of the survey, with other pixels."""
    with fits.open(folder / "mosaic.fits") as file:
        pixels, head = change(file[0].data), file[0].header
    head.update(keywords)
    fits.PrimaryHDU(pixels, head).writeto(folder / "mosaic.fits", overwrite=True)


def test_a_mosaic_of_integers_keeps_its_galaxies(survey, stamps, caplog):
    folder, _ = survey

    def in_counts(pixels):
        return np.round(np.nan_to_num(pixels, nan=-9.9) / 0.0065).astype("i2")

    write_mosaic(folder, in_counts, BUNIT="adu", BLANK=int(in_counts(np.array(np.nan))))
    cut = cut_field(config(folder))
    np.testing.assert_array_equal(cut.images[:9, 0], np.round(stamps.images[:, 0] / 0.0065))
    assert (cut.images[:9] == 0).mean() > 0.1
    assert np.isnan(cut.images[9:]).all()
    assert "is in adu (BUNIT), not per second" in caplog.text


def test_a_compressed_mosaic_keeps_its_galaxies(survey, stamps):
    folder, _ = survey
    with fits.open(folder / "mosaic.fits") as file:
        # Coarse steps, of three sigmas of the noise: most pixels of the sky are 0.
        hdu = fits.CompImageHDU(file[0].data, file[0].header, quantize_level=-0.02)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / "mosaic.fits.fz")
    cut = cut_field(config(folder, mosaic=str(folder / "mosaic.fits.fz")))
    np.testing.assert_allclose(cut.images[:9, 0], stamps.images[:, 0], atol=0.0101)
    assert np.isnan(cut.images[9:]).all()


def test_a_mosaic_in_nanojansky_has_the_same_magnitudes(survey, stamps):
    folder, _ = survey
    of_one = 10 ** (0.4 * (31.4 - 25.9463))
    write_mosaic(folder, lambda pixels: pixels * np.float32(of_one), BUNIT="nJy")
    cut = cut_field(config(folder))
    np.testing.assert_allclose(cut.images[:9, 0], stamps.images[:, 0], rtol=1e-4, atol=1e-6)
    cut = cut_field(config(folder, unit="electrons/s"))
    np.testing.assert_allclose(cut.images[:9, 0], stamps.images[:, 0] * of_one, rtol=1e-4)


def test_where_no_exposure_reached_there_are_no_data(survey, caplog):
    """Zeros at the right of the mosaic; a galaxy whose weights are 0 is outside, too."""
    folder, _ = survey
    n = 3 * SIZE

    def without_a_column(pixels):
        pixels[:, n - SIZE // 2 :] = 0
        return pixels

    write_mosaic(folder, without_a_column)
    cut = cut_field(config(folder))
    outside = np.isnan(cut.images[:9, 0, 0, 0])
    assert outside.tolist() == [False, False, True] * 3
    weight = np.ones((n + SIZE, n), np.float32)
    weight[SIZE + 20, 20] = 0
    fits.writeto(folder / "weight.fits", weight)
    cut = cut_field(config(folder, weight=str(folder / "weight.fits")))
    # With weights, zeros are data.
    assert np.isnan(cut.images[:9, 0, 0, 0]).tolist() == [False] * 3 + [True] + [False] * 5


def test_leftover_distortion_terms_do_not_move_stamps(survey, stamps, caplog):
    folder, _ = survey
    terms = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 5e-4, "B_0_2": 5e-4}
    write_mosaic(folder, lambda pixels: pixels, **terms)
    cut = cut_field(config(folder))
    np.testing.assert_array_equal(cut.images[:9, 0], stamps.images[:, 0])
    assert "are not applied (apply_sip: false)" in caplog.text
    moved = cut_field(config(folder, apply_sip=True))
    assert not np.array_equal(moved.images[0, 0], stamps.images[0, 0])


def test_a_catalogue_that_is_shifted_is_refused_with_the_offset(survey):
    folder, table = survey
    wcs = header(3 * SIZE)
    x, y = wcs.world_to_pixel_values(table["_RAJ2000"], table["_DEJ2000"])
    table["_RAJ2000"], table["_DEJ2000"] = wcs.pixel_to_world_values(x - 9, y - 5)
    table[[0, 1, 3, 4, 6, 7]].write(folder / "catalog.ecsv", overwrite=True)
    mosaic = np.pad(fits.getdata(folder / "mosaic.fits"), 20, constant_values=0.01)
    head = header(3 * SIZE)
    head.wcs.crpix += 20
    fits.writeto(folder / "mosaic.fits", mosaic, head.to_header(), overwrite=True)
    with pytest.raises(DeblendError, match=r"field gds: only 0 of the 6 brightest galaxies") as e:
        cut_field(config(folder))
    dx, dy = (float(word) for word in str(e.value).split() if word[0] in "+-" and len(word) < 6)
    assert (dx, dy) == pytest.approx((9, 5), abs=1)


def test_no_stamp_at_all_is_blamed_on_the_coordinates(survey):
    folder, table = survey
    table[[9, 11]].write(folder / "catalog.ecsv", overwrite=True)
    with pytest.raises(
        DeblendError, match="2 are on the mosaic .*, 1 of them too near .* 1 have pi"
    ):
        cut_field(config(folder))


def test_a_mosaic_of_another_layout_is_read(survey, stamps):
    """Image, mask and variance in extensions; the number of the extension is the default."""
    folder, _ = survey
    pixels, head = fits.getdata(folder / "mosaic.fits", header=True)
    mask = np.where(np.isnan(pixels), 1, 0).astype("i4")
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(np.nan_to_num(pixels), head, name="IMAGE"),
            fits.ImageHDU(mask, name="MASK"),
            fits.ImageHDU(np.ones_like(pixels), name="VARIANCE"),
        ]
    ).writeto(folder / "mosaic.fits", overwrite=True)
    for extension in (0, 1, "image"):
        cut = cut_field(config(folder, extension=extension))
        np.testing.assert_array_equal(cut.images[:9, 0], stamps.images[:, 0])
        assert np.isnan(cut.images[9:]).all()


def test_stamps_that_do_not_fit_into_memory_are_said(survey, needs_memory):
    needs_memory(
        lambda: cut_field(config(survey[0])),
        lambda stamps: (stamps.images[:9],),
        "a smaller stamp_size, or a catalogue of fewer galaxies",
    )
