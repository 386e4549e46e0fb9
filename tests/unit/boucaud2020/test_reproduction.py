"""The published numbers of Boucaud et al. 2020 beside ours."""

import math

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.compared_tables import (
    masks_to_find,
)
from deblend.boucaud2020.figures.fig7_errors import fig7_statistics
from deblend.boucaud2020.reproduction import (
    bin_rows,
    box_rows,
    detection_rows,
    flux_errors,
    flux_rows,
    iou_rows,
    panel_rows,
    parameter_rows,
    range_rows,
    table1_rows,
    table2_rows,
    training_rows,
)
from deblend.report.numbers import COLUMNS, decimals, read_published, reproduction_table

from tests.conftest import ROOT

PUBLISHED = read_published(ROOT / "config/published.yaml")["boucaud2020"]
PARTS = ("central", "companion", "total")
BOOTSTRAP = {"n_resamples": 300, "seed": 1}


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
        [[256, 5000, *[8.4, 8.0, 8.2], *[8.3, 7.9, 8.1]]],
        columns=["filters", "n"]
        + [f"{p}_{kind}" for kind in ("percent", "percent_low") for p in PARTS],
    )
    catalog = pd.DataFrame({"id": range(100), "g1_id": range(100), "g2_id": range(100, 200)})
    catalog["detection"] = np.repeat([0, 1, 2, 3], [10, 12, 74, 4])
    iou = pd.DataFrame(
        {"network": ["unet"] * 4, "blend": [0, 0, 1, 1], "iou": [0.7, 0.9, 0.9, np.nan]}
        | {"area_true_px": [9, 9, 9, 0]}
    )
    record = {"n_epochs": 80, "converged": True, "n_parameters": 25_696_002}
    table = reproduced(
        [
            *panel_rows(PUBLISHED["panels"], statistics),
            *table2_rows(PUBLISHED, table2),
            *detection_rows(PUBLISHED["sextractor_detections_percent"], catalog, BOOTSTRAP),
            *iou_rows(PUBLISHED["mean_iou"], masks_to_find(iou), catalog, BOOTSTRAP),
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
    assert exact["status"] == "differs"  # a stronger or weaker baseline is not ours to judge
    total = index.loc[("Table 2, 256 filters", "mape_flux_percent, total")]
    assert (total["published"], total["status"], total["ratio"]) == (8.2, "agrees", 1.0)
    assert total["low"] == 8.1
    assert total["published_decimals"] == 2
    assert index.loc[("Table 2, 64 filters", "mape_flux_percent, total"), "status"] == "not run"
    one = index.loc[("Sect. 3.3, one detected", "detection_percent")]
    assert (one["reproduced"], one["n"], one["status"]) == (22, 100, "agrees")
    unet = index.loc[("Sect. 4.4, unet", "mean_iou")]
    assert unet["reproduced"] == pytest.approx(0.85)
    assert unet["low"] < 0.85 < unet["high"]
    assert index.loc[("Sect. 4.4, blend2mask2flux", "mean_iou"), "status"] == "not run"
    assert index.loc[("Training of blend2flux", "epochs"), "reproduced"] == 80


def test_all_numbers_of_the_panels_are_published():
    complete = [panel for panel in PUBLISHED["panels"] if panel["where"] == "authors' catalogue"]
    assert len(complete) == 11
    for panel in complete:
        digits = {name: decimals(panel[name]) for name in ("mean", "sigma", "mape_mag_percent")}
        assert digits == {"mean": 3, "sigma": 3, "mape_mag_percent": 2}


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


def test_bins_and_ranges():
    bins = pd.DataFrame(
        {
            "method": "blend2flux",
            "bin": ["all", "0", "1", "2"],
            "n": [100, 50, 47, 3],
            "median": [0.0, 0.02, -0.04, 0.5],
            "sigma_mag": [0.1, 0.1, 0.15, 0.9],
            "median_low": [0.0, 0.01, -0.06, 0.4],
            "median_high": [0.0, 0.03, -0.03, 0.6],
        }
    )
    entries = [{"figure": "fig8", "network": "blend2flux", "where": "x", "median_at_most": 0.05}]
    entries.append({"figure": "fig8", "network": "other", "where": "x", "sigma_mag": 1})
    entries.append({"figure": "fig8", "network": "sextractor", "where": "y", "sigma_mag": 1})
    bins = pd.concat([bins, bins.assign(method="SExtractor", sigma_mag=0.9)])
    found = reproduced(bin_rows(entries, {"fig8": bins}))
    # The bin of three galaxies does not count.
    assert found.loc[0, ["reproduced", "low", "high"]].tolist() == [0.04, 0.03, 0.06]
    assert found["n"].tolist()[::2] == [47, 50]  # of the bin with the largest value
    assert found["status"].tolist() == ["agrees", "not run", "agrees"]
    mags = pd.DataFrame({"g1_mag": [19.0, 22.0], "g2_mag": [17.0, 23.9]})
    found = reproduced(range_rows([18, 24], mags))
    assert found["reproduced"].tolist() == [17.0, 23.9]
    assert found["status"].tolist() == ["differs", "agrees"]


def galaxy_noise(rng, n, n_galaxies):
    """Ids of both galaxies of n blends, and numbers that galaxies have in common."""
    ids = rng.integers(0, n_galaxies, (n, 2))
    return ids, rng.normal(size=n_galaxies)[ids]


def test_boxes_are_those_of_figure_7():
    rng = np.random.default_rng(4)
    n = 1200
    ids, noise = galaxy_noise(rng, n, 60)
    points = pd.DataFrame(
        {"method": "SExtractor", "galaxy": np.resize(["central", "companion"], n)}
    )
    points[["galaxy_id", "partner_id"]] = ids.astype(str)
    points["delta_mag"] = rng.uniform(-2.2, 2.2, n)
    points["mag_isolated"], points["flux_ratio"] = 21.0, 1.0
    points["mag_blended"] = 21 + 0.3 * noise.sum(axis=1)
    bins = fig7_statistics(points)
    bins = bins[(bins["bin"] != "all") & (bins["n"] > 0)]
    row, other = box_rows({"sextractor": 0.25, "other": 0.25}, points, BOOTSTRAP)
    assert row.reproduced == pytest.approx(((bins["p75"] - bins["p25"]) / 2).median())
    assert row.n == bins["n"].sum()
    assert row.low < row.reproduced < row.high
    # Sixty galaxies know their scatter to about a tenth, however often they are measured.
    assert row.high - row.low > 0.1 * row.reproduced
    # Our estimator is not the paper's: neither smaller nor larger numbers are better.
    assert math.isnan(other.reproduced)
    wide = row._replace(reproduced=0.9, low=0.88, high=0.92)
    assert reproduced([wide])["status"].tolist() == ["differs"]


def blends(n=300, n_galaxies=25):
    """A catalogue whose errors belong to the galaxies, in either role."""
    rng = np.random.default_rng(2)
    ids, noise = galaxy_noise(rng, n, n_galaxies)
    table = pd.DataFrame({"id": range(n), "g1_id": ids[:, 0], "g2_id": ids[:, 1]})
    error = 0.1 + 0.02 * noise.sum(axis=1)
    for g in ("g1", "g2"):
        table[f"{g}_flux"], table[f"{g}_flux_b2f"] = 10.0, 10 * (1 + error)
        table[f"{g}_flux_b2m2f"] = np.nan
    table["detection"] = np.where(noise.sum(axis=1) > 0, 2, 1)
    return table


def test_errors_of_the_flux_are_of_all_blends():
    catalog = blends().iloc[:2]
    catalog = catalog.assign(g1_flux_b2f=[11.0, 9.0], g2_flux_b2f=10.0, detection=-1)
    percent, galaxies = flux_errors(catalog, "blend2flux")
    assert percent == pytest.approx([10, 10, 0, 0])
    first, second = catalog[["g1_id", "g2_id"]].astype(str).to_numpy().tolist()
    assert galaxies.tolist() == [first, second, first[::-1], second[::-1]]
    found = reproduced(flux_rows({"abstract": 7}, catalog, BOOTSTRAP))
    assert found["reproduced"][0] == pytest.approx(5)
    assert found["status"].tolist()[1] == "not run"


def test_intervals_are_by_galaxy_in_either_role():
    """The same galaxies in more blends tell little new: blends are not independent."""
    catalog = blends()
    rows = [
        *flux_rows({"abstract": 7}, catalog, BOOTSTRAP),
        *detection_rows({"two": 75}, catalog, BOOTSTRAP),
    ]
    iou = pd.DataFrame({"blend": catalog["id"], "network": "unet", "area_true_px": 9})
    iou["iou"] = (catalog["g1_flux_b2f"] / 10 - 1).clip(0, 1)
    rows += iou_rows({"unet": 0.8}, iou, catalog, BOOTSTRAP)
    spreads = [100 * iou["iou"].std(), 50, iou["iou"].std()]
    measured = [row for row in rows if math.isfinite(row.reproduced)]
    assert len(measured) == 3
    for row, spread in zip(measured, spreads, strict=True):
        assert row.low < row.reproduced < row.high
        naive = spread / math.sqrt(len(catalog))
        assert (row.high - row.low) / 2 > 1.5 * naive
    none = list(flux_rows({"abstract": 7}, catalog, BOOTSTRAP | {"n_resamples": 0}))[0]
    assert math.isnan(none.low)


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
