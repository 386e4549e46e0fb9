"""Tables of this run, and those of the authors' catalogue."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.compared_tables import (
    AUTHORS,
    AUTHORS_TABLES,
    authors_tables,
    authorship,
    catalogue_name,
    isophotal_only,
    masks_to_find,
    panel_table,
    read_authors,
    training_hours,
)
from deblend.boucaud2020.masks import mask_table
from deblend.report.numbers import read_published

from tests.conftest import ROOT

PUBLISHED = read_published(ROOT / "config/published.yaml")["boucaud2020"]


def test_the_published_panels_are_a_table_with_whole_galaxies():
    table = panel_table(PUBLISHED["panels"]).set_index(["figure", "network", "galaxy"])
    assert len(table) == 11
    central = table.loc[("fig5", "blend2flux", "central")]
    assert (central["n"], central["sigma"]) == (3844, 0.120)
    # 0.16 % of 3844 are 6 galaxies: 0.156 %.
    assert central["outliers_percent"] == pytest.approx(100 * 6 / 3844)
    tables, source = authors_tables({}, PUBLISHED["panels"])
    assert tables["statistics"].equals(panel_table(PUBLISHED["panels"]))
    assert source == "panel numbers in published.yaml"
    made = {"statistics": table, "catalog": pd.DataFrame(index=range(4776))}
    theirs = made | {"about": pd.DataFrame([{"is_authors": True, "label": "x"}])}
    assert authors_tables(theirs, PUBLISHED["panels"]) == (theirs, "catalogue of 4776 blends")
    assert catalogue_name(theirs) == AUTHORS
    # Another catalogue says nothing about theirs.
    other = made | {"about": pd.DataFrame([{"is_authors": False, "label": "catalogue my.csv"}])}
    assert authors_tables(other, PUBLISHED["panels"])[1] == source
    assert catalogue_name(other) == "catalogue my.csv"


def test_the_authors_file_is_known_by_its_checksum(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("a,b\n")
    digest = hashlib.sha256(b"a,b\n").hexdigest()
    assert authorship(path, f"sha256:{digest}") == {"sha256": digest, "is_authors": True}
    for other in (f"sha256:{digest[::-1]}", None):
        about = authorship(path, other)
        assert (about["is_authors"], about["label"]) == (False, "catalogue my.csv")


def test_the_authors_tables_are_read_in_their_order(tmp_path):
    paths = [tmp_path / f"{name}.csv" for name in AUTHORS_TABLES]
    for path in paths:
        pd.DataFrame({"name": [path.stem]}).to_csv(path, index=False)
    paths.append(tmp_path / "about.json")
    paths[-1].write_text(json.dumps({"n_blends": 3}))
    tables = read_authors(paths)
    assert {name: table["name"][0] for name, table in tables.items() if name != "about"} == {
        name: name for name in AUTHORS_TABLES
    }
    assert tables["about"]["n_blends"].tolist() == [3]
    assert read_authors([]) == {}


def test_hours_of_the_joint_network_include_its_unet(tmp_path):
    names = {"blend2flux": "a", "unet": "b", "blend2mask2flux": "c"}
    paths = [tmp_path / f"{name}.json" for name in names.values()]
    for path, hours in zip(paths, (1, 2, 4), strict=True):
        path.write_text(json.dumps({"seconds": 3600 * hours}))
    table = training_hours(names, paths).set_index("network")["hours"]
    assert table.to_dict() == {"blend2flux": 1, "unet": 2, "blend2mask2flux": 6}
    alone = training_hours({"blend2flux": "a"}, paths[:1])
    assert alone["hours"].tolist() == [1]


def test_a_mask_that_vanished_has_an_iou_of_zero():
    true, predicted = np.zeros((2, 8, 8, 2)), np.zeros((2, 8, 8, 2))
    true[0, 2:6, 2:6] = true[1, 2:6, 2:6, 1] = 1
    predicted[0, 2:6, 2:6, 0] = predicted[1, 2:6, 2:4, 1] = 1
    iou = mask_table(np.arange(2), predicted, true, "unet")
    # The companion's mask of blend 0 vanished; blend 1 has no central galaxy to find.
    assert masks_to_find(iou)["iou"].tolist() == [1.0, 0.0, 0.5]


def test_auto_fluxes_are_not_compared_with_the_papers_isophotal_ones():
    tables = {
        "statistics": pd.DataFrame({"network": ["blend2flux", "sextractor"], "sigma": [0.1, 0.5]}),
        "fig8": pd.DataFrame({"method": ["blend2flux", "SExtractor"], "sextractor_flux": "auto"}),
        "photometry": pd.DataFrame({"method": ["sep_iso", "sep_auto"]}),
        "table1": pd.DataFrame({"morphology": ["sph"]}),
    }
    kept = isophotal_only(tables)
    assert kept["statistics"]["sigma"].tolist() == [0.1]
    assert kept["fig8"]["method"].tolist() == ["blend2flux"]
    assert len(kept["photometry"]) == 2
    assert len(kept["table1"]) == 1
    tables["fig8"]["sextractor_flux"] = "isophotal"
    assert isophotal_only(tables) is tables
