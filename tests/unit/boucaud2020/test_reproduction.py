"""The published numbers of Boucaud et al. 2020 beside ours."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.reproduction import (
    AUTHORS_TABLES,
    authors_tables,
    bin_rows,
    box_rows,
    detection_rows,
    flux_rows,
    iou_rows,
    panel_rows,
    panel_table,
    parameter_rows,
    range_rows,
    read_authors,
    table1_rows,
    table2_rows,
    training_hours,
    training_rows,
    with_vanished,
)
from deblend.report.numbers import COLUMNS, decimals, read_published, reproduction_table

from tests.conftest import ROOT

PUBLISHED = read_published(ROOT / "config/published.yaml")["boucaud2020"]
PARTS = ("central", "companion", "total")


def reproduced(rows):
    table = reproduction_table({"a": rows}, "boucaud2020")
    assert not table.duplicated(["item", "quantity"]).any()
    return table


def test_rows_of_every_kind():
    statistics = pd.DataFrame(
        [["fig5", "sextractor", "central", 500, 0.1, 0.8, 10.5, 1.5, 25.0, 0.7, 0.9]],
        columns=["figure", "network", "galaxy", "n", "mean", "sigma", "outliers_percent"]
        + ["mape_mag_percent", "mape_flux_percent", "sigma_low", "sigma_high"],
    )
    table2 = pd.DataFrame(
        [[256, 5000, *[8.4, 8.0, 8.2], *[0.1] * 3]],
        columns=["filters", "n"] + [f"{p}_{kind}" for kind in ("percent", "error") for p in PARTS],
    )
    about = {f"detection_{code}_percent": share for code, share in ((0, 10), (1, 12), (2, 74))}
    about |= {"detection_3_percent": 4, "n_blends": 5000}
    iou = pd.DataFrame(
        {"network": ["unet"] * 4, "blend": [0, 0, 1, 1], "iou": [0.7, 0.9, 0.9, np.nan]}
        | {"area_true_px": [9, 9, 9, 0]}
    )
    record = {"n_epochs": 80, "converged": True, "n_parameters": 25_696_002}
    table = reproduced(
        [
            *panel_rows(PUBLISHED["panels"], statistics),
            *table2_rows(PUBLISHED, table2),
            *detection_rows(PUBLISHED["sextractor_detections_percent"], about),
            *iou_rows(PUBLISHED["mean_iou"], with_vanished(iou)),
            *training_rows(PUBLISHED["training"], {"blend2flux": record}),
        ]
    )
    assert tuple(table.columns) == COLUMNS
    assert ((table["status"] == "not run") == table["reproduced"].isna()).all()
    assert ((table["source"] == "this run") == table["reproduced"].notna()).all()
    index = table.set_index(["item", "quantity"])
    sigma = index.loc[("Fig. 5, sextractor, central (Sect. 4.1)", "sigma (published: 0.5 to 0.7)")]
    assert (sigma["published"], sigma["reproduced"], sigma["n"]) == (0.7, 0.8, 500)
    assert (sigma["low"], sigma["high"], sigma["status"]) == (0.7, 0.9, "agrees")
    exact = index.loc[("Fig. 5, sextractor, central (authors' catalogue)", "sigma")]
    assert (exact["published"], exact["published_decimals"]) == (0.542, 3)
    assert exact["status"] == "worse"
    total = index.loc[("Table 2, 256 filters", "mape_flux_percent, total")]
    assert (total["published"], total["status"], total["ratio"]) == (8.2, "agrees", 1.0)
    assert total["published_decimals"] == 2
    assert index.loc[("Table 2, 64 filters", "mape_flux_percent, total"), "status"] == "not run"
    one = index.loc[("Sect. 3.3, one detected", "detection_percent")]
    assert (one["reproduced"], one["status"]) == (22, "agrees")
    unet = index.loc[("Sect. 4.4, unet", "mean_iou")]
    assert unet["reproduced"] == pytest.approx(0.85)
    assert unet["low"] == pytest.approx(0.85 - 0.05 / math.sqrt(2))
    assert index.loc[("Sect. 4.4, blend2mask2flux", "mean_iou"), "status"] == "not run"
    assert index.loc[("Training of blend2flux", "epochs"), "reproduced"] == 80


def test_all_numbers_of_the_panels_are_published():
    complete = [panel for panel in PUBLISHED["panels"] if panel["where"] == "authors' catalogue"]
    assert len(complete) == 11
    for panel in complete:
        digits = {name: decimals(panel[name]) for name in ("mean", "sigma", "mape_mag_percent")}
        assert digits == {"mean": 3, "sigma": 3, "mape_mag_percent": 2}


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
    assert authors_tables(made, PUBLISHED["panels"]) == (made, "catalogue of 4776 blends")


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
    iou = pd.DataFrame({"iou": [0.8, np.nan, np.nan, 0.0], "area_true_px": [5, 5, 0, 0]})
    assert with_vanished(iou)["iou"].tolist() == [0.8, 0.0]


def test_epochs_count_only_where_training_ends_on_a_plateau():
    record = {"n_epochs": 60, "converged": False}
    rows = list(training_rows({"blend2flux": {"epochs": 70}}, {"blend2flux": record}))
    assert math.isnan(rows[0][3])


def test_table_1_compares_shares():
    table1 = pd.DataFrame(
        [
            ["sph", "bulge", 40, 20, 386, 352],
            ["unknown", "unknown", 3, 3, pd.NA, pd.NA],
            ["irr", "irregular", 0, 0, 875, 432],
            ["total", "total", 200, 50, 2618, 1919],
        ],
        columns=["morphology", "galaxy_type", "before", "after"]
        + ["published_before", "published_after"],
    )
    found = reproduced(table1_rows(table1)).set_index(["item", "quantity"])
    assert not any("unknown" in item for item, _ in found.index)
    before = found.loc[("Table 1, bulge, before inspection", "type_percent")]
    assert before["published"] == pytest.approx(100 * 386 / 2618, abs=0.05)
    assert (before["reproduced"], before["n"]) == (20, 200)
    assert found.loc[("Table 1, bulge, after inspection", "type_percent"), "reproduced"] == 40
    kept = found.loc[("Table 1, total", "kept_percent")]
    assert kept["published"] == pytest.approx(100 * 1919 / 2618, abs=0.05)
    assert (kept["reproduced"], kept["n"], kept["status"]) == (25, 200, "differs")
    assert found.loc[("Table 1, irregular", "kept_percent"), "status"] == "not run"


def test_bins_boxes_and_ranges():
    bins = pd.DataFrame(
        {
            "method": "blend2flux",
            "bin": ["all", "0", "1", "2"],
            "n": [100, 50, 47, 3],
            "median": [0.0, 0.02, -0.04, 0.5],
            "sigma_mag": [0.1, 0.1, 0.15, 0.9],
            "median_low": [0.0, 0.01, -0.06, 0.4],
            "median_high": [0.0, 0.03, -0.03, 0.6],
            "p25": [0.0, -0.1, -0.2, 0.0],
            "p75": [9.0, 0.1, 0.4, 9.0],
        }
    )
    entries = [{"figure": "fig8", "network": "blend2flux", "where": "x", "median_at_most": 0.05}]
    entries.append({"figure": "fig8", "network": "other", "where": "x", "sigma_mag": 1})
    entries.append({"figure": "fig8", "network": "sextractor", "where": "y", "sigma_mag": 1})
    bins = pd.concat([bins, bins.assign(method="SExtractor", sigma_mag=0.9)])
    found = reproduced(bin_rows(entries, {"fig8": bins}))
    # The bin of three galaxies does not count.
    assert found.loc[0, ["reproduced", "low", "high"]].tolist() == [0.04, 0.03, 0.06]
    assert found["status"].tolist() == ["agrees", "not run", "agrees"]
    found = reproduced(box_rows({"sextractor": 0.25, "other": 0.25}, bins))
    assert found["reproduced"].tolist() == pytest.approx([0.2, np.nan], nan_ok=True)
    assert found["status"].tolist() == ["better", "not run"]

    mags = pd.DataFrame({"g1_mag": [19.0, 22.0], "g2_mag": [17.0, 23.9]})
    found = reproduced(range_rows([18, 24], mags))
    assert found["reproduced"].tolist() == [17.0, 23.9]
    assert found["status"].tolist() == ["differs", "agrees"]


def test_errors_of_the_flux():
    catalog = pd.DataFrame(
        {"g1_id": [1, 2], "g2_id": [3, 4]}
        | {"g1_flux": [10.0, 10.0], "g2_flux": [5.0, 5.0], "g1_flux_b2f": [11.0, 9.0]}
        | {"g2_flux_b2f": [5.0, 5.0], "g1_flux_b2m2f": np.nan, "g2_flux_b2m2f": np.nan}
    )
    found = reproduced(flux_rows({"abstract": 7}, catalog)).iloc[0]
    assert found["reproduced"] == pytest.approx(5)
    # The standard error of 10, 10, 0 and 0 %.
    assert found["high"] - found["reproduced"] == pytest.approx(5 / math.sqrt(4))
    assert found["status"] == "agrees"
    # The same galaxies twice tell nothing new.
    again = reproduced(flux_rows({"abstract": 7}, pd.concat([catalog] * 2))).iloc[0]
    assert again["high"] == pytest.approx(found["high"])
    assert reproduced(flux_rows({"abstract": 7}, catalog))["status"].tolist()[1] == "not run"


def test_parameters_are_those_of_networks_as_large_as_in_the_paper():
    parameters = pd.DataFrame(
        [("blend2flux", 256, 25_696_002), ("unet", 32, 10), ("blend2mask2flux", 159, 18_550_000)],
        columns=["architecture", "filters", "n_parameters"],
    )
    found = reproduced(parameter_rows(PUBLISHED, parameters)).set_index("item")
    assert found.loc["Table 2, 256 filters", "status"] == "agrees"
    assert found.loc["Table 2, 64 filters", "status"] == "not run"
    # 18.55 is rounded to 18.5 or 18.6.
    assert found.loc["Sect. 3.2, blend2mask2flux", "status"] == "agrees"
    assert not found["depends_on_data"].any()
    assert set(reproduced(parameter_rows(PUBLISHED, None))["status"]) == {"not run"}
