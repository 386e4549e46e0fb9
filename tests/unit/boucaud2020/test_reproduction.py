"""The published numbers of Boucaud et al. 2020 beside ours."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.boucaud2020.reproduction import (
    bin_rows,
    detection_rows,
    flux_rows,
    iou_rows,
    panel_rows,
    parameter_rows,
    table1_rows,
    table2_rows,
    training_rows,
)
from deblend.report.numbers import COLUMNS, reproduction_table

from tests.conftest import ROOT

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["boucaud2020"]


def test_rows_of_every_kind():
    statistics = pd.DataFrame(
        [["fig5", "sextractor", "central", 500, 0.1, 0.8, 10.5, 1.5, 25.0]],
        columns=["figure", "network", "galaxy", "n", "mean", "sigma", "outliers_percent"]
        + ["mape_mag_percent", "mape_flux_percent"],
    )
    table2 = pd.DataFrame(
        [[256, 5000, 25.696, 8.4, 8.0, 8.2]],
        columns=["filters", "n", "n_parameters_million"]
        + [f"{part}_percent" for part in ("central", "companion", "total")],
    )
    about = {f"detection_{code}_percent": share for code, share in ((0, 10), (1, 12), (2, 74))}
    about |= {"detection_3_percent": 4, "n_blends": 5000}
    iou = pd.DataFrame(
        {"network": ["unet"] * 4, "blend": [0, 0, 1, 1], "iou": [0.7, 0.9, 0.9, np.nan]}
    )
    record = {"n_epochs": 80, "converged": True, "n_parameters": 25_696_002}
    rows = [
        *panel_rows(PUBLISHED["panels"], statistics),
        *table2_rows(PUBLISHED, table2),
        *detection_rows(PUBLISHED["sextractor_detections_percent"], about),
        *iou_rows(PUBLISHED["mean_iou"], iou),
        *training_rows(PUBLISHED["training"], {"blend2flux": record}),
    ]
    table = reproduction_table({"a": rows}, "boucaud2020")
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(["item", "quantity"]).any()
    assert ((table["status"] == "not run") == table["reproduced"].isna()).all()
    assert ((table["source"] == "this run") == table["reproduced"].notna()).all()
    index = table.set_index(["item", "quantity"])
    sigma = index.loc[("Fig. 5, sextractor, central (Sect. 4.1)", "sigma (published: 0.5 to 0.7)")]
    assert (sigma["published"], sigma["reproduced"], sigma["n"]) == (0.7, 0.8, 500)
    assert sigma["ratio"] == pytest.approx(0.8 / 0.7)
    total = index.loc[("Table 2, 256 filters", "mape_flux_percent, total")]
    assert (total["published"], total["status"], total["ratio"]) == (8.2, "reproduced", 1.0)
    assert index.loc[("Table 2, 64 filters", "mape_flux_percent, total"), "status"] == "not run"
    assert index.loc[("Table 2, 256 filters", "parameters_million"), "status"] == "reproduced"
    assert index.loc[("Sect. 3.3, one detected", "detection_percent"), "reproduced"] == 22
    assert index.loc[("Sect. 4.4, unet", "mean_iou"), "reproduced"] == pytest.approx(0.85)
    assert index.loc[("Sect. 4.4, blend2mask2flux", "mean_iou"), "status"] == "not run"
    assert index.loc[("Training of blend2flux", "epochs"), "reproduced"] == 80


def test_epochs_count_only_where_training_ends_on_a_plateau():
    record = {"n_epochs": 60, "converged": False}
    rows = list(training_rows({"blend2flux": {"epochs": 70}}, {"blend2flux": record}))
    assert math.isnan(rows[0][3])


def test_table_1_bins_fluxes_and_parameters():
    table1 = pd.DataFrame(
        [["sph", "bulge", 400, 352, 386, 352], ["unknown", "unknown", 3, 3, pd.NA, pd.NA]],
        columns=["morphology", "galaxy_type", "before", "after"]
        + ["published_before", "published_after"],
    )
    found = reproduction_table({"a": table1_rows(table1)}, "boucaud2020")
    assert found["reproduced"].tolist() == [400, 352]
    assert found["published"].tolist() == [386, 352]

    bins = pd.DataFrame(
        {
            "method": "blend2flux",
            "bin": ["all", "0", "1", "2"],
            "n": [100, 50, 47, 3],
            "median": [0.0, 0.02, -0.04, 0.5],
            "sigma_mag": [0.1, 0.1, 0.15, 0.9],
        }
    )
    entries = [{"figure": "fig8", "network": "blend2flux", "where": "x", "median_at_most": 0.05}]
    entries.append({"figure": "fig8", "network": "other", "where": "x", "sigma_mag": 1.0})
    entries.append({"figure": "fig8", "network": "sextractor", "where": "y", "sigma_mag": 1.0})
    bins = pd.concat([bins, bins.assign(method="SExtractor", sigma_mag=0.9)])
    found = reproduction_table({"a": bin_rows(entries, {"fig8": bins})}, "boucaud2020")
    # The bin of three galaxies does not count.
    assert found["reproduced"].tolist()[0] == pytest.approx(0.04)
    assert found["status"].tolist() == ["reproduced", "not run", "reproduced"]

    catalog = pd.DataFrame(
        {"g1_flux": [10.0, 10.0], "g2_flux": [5.0, 5.0], "g1_flux_b2f": [11.0, 9.0]}
        | {"g2_flux_b2f": [5.0, 5.0], "g1_flux_b2m2f": np.nan, "g2_flux_b2m2f": np.nan}
    )
    found = reproduction_table({"a": flux_rows({"abstract": 7}, catalog)}, "boucaud2020")
    assert found["reproduced"].tolist()[0] == pytest.approx(5)
    assert found["status"].tolist() == ["differs", "not run"]

    records = {"blend2mask2flux": {"n_parameters": 18_550_000}}
    found = reproduction_table(
        {"a": parameter_rows({"blend2mask2flux": 18.5}, records)}, "boucaud2020"
    )
    assert found["ratio"].tolist() == pytest.approx([1.0027], abs=1e-4)
