import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.catalog import (
    COLUMNS,
    catalog_columns,
    check_catalog,
    describe_catalog,
    describe_networks,
    describe_published,
    output_catalog,
    read_catalog,
    zero_points,
)
from deblend.boucaud2020.methods import network_method
from deblend.boucaud2020.predictions import prediction_table
from deblend.errors import DeblendError
from deblend.units import flux_from_mag, mag_from_flux

from tests.conftest import make_stamps


@pytest.fixture
def parts():
    stamps = make_stamps(np.zeros((3, 16, 16)), mag=[20.0, 21.0, 22.0], redshift=0.5)
    blends = pd.DataFrame({"blend": [0, 1], "central": [0, 2], "companion": [1, 0]})
    blends["dx"], blends["dy"] = [3, 0], [4, -7]
    network = prediction_table(
        np.array([0, 1]),
        np.array([[100.0, 50.0], [20.0, 10.0]]),
        "my_net",
        np.full((1, 2), 25.96 + 2.5),  # ten times the counts of the data set's
    )
    sep_flux = np.array([[90.0, np.nan], [15.0, 8.0]])
    sep = pd.concat(
        [
            prediction_table(np.array([0, 1]), sep_flux, "sep_iso", np.full((1, 2), 25.67)),
            prediction_table(np.array([0, 1]), sep_flux + 5, "sep_auto", np.full((1, 2), 25.9)),
        ]
    )
    return stamps, blends, {"blend2flux": network, "sep": sep}, pd.Series([0, 2])


def test_the_format_is_the_published_one(real_data):
    published = pd.read_csv(real_data / "published" / "boucaud2020_output_catalog_sample.csv")
    assert tuple(published.columns) == COLUMNS
    check_catalog(published)
    np.testing.assert_allclose(flux_from_mag(published["g1_mag"], 25.96), published["g1_flux"])
    np.testing.assert_allclose(
        mag_from_flux(published["g1_flux_sex"], 25.67), published["g1_sex_mag"], equal_nan=True
    )


def test_columns_are_what_they_say(parts):
    table = output_catalog(*parts)
    assert tuple(table.columns) == COLUMNS
    assert table["distance"].tolist() == [5.0, 7.0]
    assert table["g1_id"].tolist() == ["g0", "g2"]
    assert table["g2_mag"].tolist() == [21.0, 20.0]
    assert table["g1_flux"][0] == pytest.approx(flux_from_mag(20.0, 25.96))
    assert table["g1_flux_b2f"].tolist() == pytest.approx([10.0, 2.0])
    assert table["g1_flux_sex"].tolist() == [90.0, 15.0]
    assert np.isnan(table["g2_flux_sex"][0])
    assert np.isnan(table["g2_sex_mag"][0])
    assert table["g1_sex_mag"][1] == pytest.approx(mag_from_flux(15.0, 25.67))
    assert table[["g1_flux_b2m2f", "g2_flux_b2m2f"]].isna().all(axis=None)
    about = describe_catalog(table, parts[0], parts[2]["sep"])
    assert about["sextractor_zero_point"] == 25.67
    assert about["detection_2_percent"] == 50
    assert about["n_galaxies"] == 3
    assert zero_points(about) == {"network_zero_point": 25.96, "sextractor_zero_point": 25.67}


def test_another_network_has_columns_under_its_own_name(parts, tmp_path):
    stamps, blends, predictions, detection = parts
    published = output_catalog(*parts)
    # Such a name must not be taken for that of a column of texts or of SExtractor.
    for name in ("joint_text", "grid", "my_type", "not_sex"):
        own = {"sep": predictions["sep"], name: predictions["blend2flux"]}
        table = output_catalog(stamps, blends, own, detection, [network_method(name)])
        expected = [c.replace("b2f", name) for c in COLUMNS if "b2m2f" not in c]
        assert list(table.columns) == expected
        assert tuple(expected) == catalog_columns([network_method(name)])
        for column in published:
            if "b2m2f" not in column:
                renamed = table[column.replace("b2f", name)].rename(column)
                pd.testing.assert_series_equal(renamed, published[column])
        table.loc[0, f"g1_flux_{name}"] = -99.0  # a bad flux, no sentinel
        table.to_csv(tmp_path / "catalog.csv", index=False)
        read = read_catalog(tmp_path / "catalog.csv")
        pd.testing.assert_frame_equal(read, table)


def test_catalogues_may_have_any_number_of_networks(parts):
    stamps, blends, predictions, detection = parts
    networks = [network_method(name) for name in ("one", "two", "three")]
    own = {m.name: predictions["blend2flux"] for m in networks}
    own["sep"] = predictions["sep"]
    table = output_catalog(stamps, blends, own, detection, networks)
    assert list(check_catalog(table).columns) == list(catalog_columns(networks))
    both = output_catalog(*parts).assign(g1_flux_mine=1.0, g2_flux_mine=2.0)
    assert [c for c in check_catalog(both) if c not in COLUMNS] == ["g1_flux_mine", "g2_flux_mine"]


def test_networks_are_described():
    joint = {"name": "joint_text", "architecture": "blend2mask2flux"}
    flux = {"name": "small", "architecture": "blend2flux"}
    assert describe_networks([flux, joint], of_paper=True) == {
        "network": "small",
        "joint": "joint_text",
        "architecture": None,
        "not_learnt": "",
    }
    assert describe_networks([joint], of_paper=False) == {
        "network": "joint_text",
        "joint": None,
        "architecture": "blend2mask2flux",
        "not_learnt": "",
    }
    lost = flux | {"problem": "its fluxes are constant"}
    assert describe_networks([lost], of_paper=True)["not_learnt"].startswith("small has not learnt")


def test_the_fluxes_of_sextractor_may_be_those_in_kron_apertures(parts):
    stamps, blends, predictions, detection = parts
    stamps.bands["noise_sigma"] = 0.25
    isophotal = output_catalog(*parts)
    auto = output_catalog(*parts, sextractor_flux="auto")
    assert auto["g1_flux_sex"].tolist() == [95.0, 20.0]
    assert auto["g2_sex_mag"][1] == pytest.approx(25.9 - 2.5 * np.log10(13.0))
    others = [column for column in COLUMNS if "_sex" not in column]
    pd.testing.assert_frame_equal(auto[others], isophotal[others])
    for flux, zero_point in (("isophotal", 25.67), ("auto", 25.9)):
        about = describe_catalog(auto, stamps, predictions["sep"], flux)
        assert (about["sextractor_flux"], about["sextractor_zero_point"]) == (flux, zero_point)
        assert about["noise_sigma"] == 0.25


def test_predictions_of_another_run_are_refused(parts):
    stamps, blends, predictions, detection = parts
    predictions["blend2flux"] = predictions["blend2flux"][predictions["blend2flux"]["blend"] == 0]
    with pytest.raises(DeblendError, match="no prediction for 1 of 2 blends"):
        output_catalog(stamps, blends, predictions, detection)


def test_other_formats_are_refused(parts):
    table = output_catalog(*parts)
    with pytest.raises(DeblendError, match="lacks the columns g1_flux_sex, detection"):
        check_catalog(table.drop(columns=["g1_flux_sex", "detection"]))
    own = table.rename(columns={f"g{i}_flux_b2f": f"g{i}_flux_mine" for i in (1, 2)})
    with pytest.raises(DeblendError, match="lacks the columns g2_flux_b2m2f"):
        check_catalog(table.drop(columns=["g2_flux_b2m2f"]))
    own = own.drop(columns=["g1_flux_b2m2f", "g2_flux_b2m2f"])
    for column in ("g1_flux_mine", "g2_flux_mine", "g1_flux_sex"):
        with pytest.raises(DeblendError, match=f"mine.csv lacks the columns {column}: "):
            check_catalog(own.drop(columns=[column]), "mine.csv")
    twice = table.assign(g1_flux_blend2flux=1.0, g2_flux_blend2flux=1.0)
    with pytest.raises(DeblendError, match="mine.csv: .* are all fluxes of blend2flux"):
        check_catalog(twice, "mine.csv")
    with pytest.raises(DeblendError, match=r"detection codes \[7\]"):
        check_catalog(table.assign(detection=7))
    with pytest.raises(DeblendError, match="no rows"):
        check_catalog(table.iloc[:0])


def test_a_published_file_may_be_written_another_way(parts):
    """Codes as floats, sentinels and infinities where SExtractor found nothing."""
    table = output_catalog(*parts)
    other = table.assign(detection=table["detection"].astype(float), extra="x")
    other.loc[0, ["g1_flux_sex", "g2_sex_mag"]] = [-99.0, 99.0]
    other.loc[1, "g1_flux_b2f"] = np.inf
    other.loc[0, "g1_flux_b2f"] = -99.0
    checked = check_catalog(other)
    assert tuple(checked.columns) == COLUMNS
    assert checked["detection"].tolist() == [0, 2]
    assert checked["detection"].dtype == int
    assert np.isnan(checked.loc[0, "g1_flux_sex"])
    assert np.isnan(checked.loc[0, "g2_sex_mag"])
    assert np.isnan(checked.loc[1, "g1_flux_b2f"])
    assert checked.loc[0, "g1_flux_b2f"] == -99.0  # a network's bad flux is no sentinel
    assert other.loc[0, "g1_flux_sex"] == -99.0  # the caller's table stays as it is


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"detection": [2.5, 0]}, r"detection codes \[2.5\]"),
        ({"detection": [np.nan, 0]}, r"detection codes \[nan\]"),
        ({"g1_flux_sex": ["faint", 3]}, "column g1_flux_sex of .* has 'faint' in row 1, which is"),
        ({"g1_mag": [99.0, 20]}, "g1_mag, the truth, is no magnitude in 1 rows"),
        ({"g2_mag": [np.nan, 20]}, "g2_mag, the truth, is no magnitude in 1 rows"),
    ],
)
def test_what_cannot_be_right_is_refused(parts, change, message):
    with pytest.raises(DeblendError, match=message):
        check_catalog(output_catalog(*parts).assign(**change))


def test_a_catalogue_may_be_written_by_another_program(parts, tmp_path):
    """With a byte-order mark and words for no value; ids of galaxies stay as they are."""
    table = output_catalog(*parts).astype({"g1_flux_sex": object, "g1_z": object})
    table.loc[0, "g1_flux_sex"], table.loc[1, "g1_z"] = "null", -99
    table["g1_id"] = ["007", "g2"]
    table.to_csv(tmp_path / "c.csv", index=False, encoding="utf-8-sig")
    read = read_catalog(tmp_path / "c.csv")
    assert read["id"].tolist() == table["id"].tolist()
    assert read["g1_id"].tolist() == ["007", "g2"]
    assert np.isnan(read["g1_flux_sex"][0])
    assert np.isnan(read["g1_z"][1])
    assert read["g2_flux_b2f"].tolist() == table["g2_flux_b2f"].tolist()


def test_zero_points_follow_from_the_catalogue(parts, caplog):
    table = output_catalog(*parts)
    published = {"networks": 25.96, "sextractor": 25.67}
    about = describe_published(table, published)
    assert about["network_zero_point"] == pytest.approx(25.96)
    assert about["sextractor_zero_point"] == pytest.approx(25.67)
    assert not caplog.records
    # For example our own catalogue, whose zero point was fitted.
    about = describe_published(table, published | {"sextractor": 25.5})
    assert about["sextractor_zero_point"] == pytest.approx(25.67)
    assert "the zero point of sextractor is 25.670, the published one 25.500" in caplog.text
    assert about["zero_points_from"] == "networks: the catalogue; sextractor: the catalogue"
    # Magnitudes of another measurement do not give the zero point of the fluxes.
    table.loc[0, "g1_sex_mag"] += 1
    about = describe_published(table, published | {"sextractor": 25.5})
    assert about["sextractor_zero_point"] == 25.5
    assert about["zero_points_from"] == "networks: the catalogue; sextractor: the paper"
    assert "g?_flux_sex and g?_sex_mag of the catalogue have no zero point in common" in caplog.text


def test_half_a_catalogue_is_refused(parts, tmp_path):
    path = tmp_path / "catalog.csv"
    output_catalog(*parts).to_csv(path, index=False)
    assert len(read_catalog(path, 2)) == 2
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(DeblendError, match=r"catalog.csv has 1 blends, its description 2: delete"):
        read_catalog(path, 2)
