"""Stamps that are cut from a mosaic, which is made of known stamps."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.boucaud2020.clean import clean, count_exclusions
from deblend.boucaud2020.tables import SELECTION
from deblend.data.mosaics import FieldConfig, cut_field
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
