"""Recovered magnitudes, and their statistics in panels and bins."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.recovered import (
    binned_statistics,
    panel_statistics,
    recovered_magnitudes,
    statistics_table,
)

from tests.unit.boucaud2020.conftest import ZERO_POINTS


def test_each_method_has_its_zero_point_and_each_galaxy_its_detections(made_up):
    catalog = made_up.iloc[:5].assign(detection=[-1, 0, 1, 2, 3], g1_mag=20.0, g2_mag=21.5)
    catalog[["distance", "g1_rad"]] = [[10.0, 4.0]] * 4 + [[10.0, 0.0]]
    catalog["g1_flux_b2f"] = catalog["g1_flux_sex"] = 10.0  # magnitudes 23.46 and 23.17
    catalog["g2_flux_b2m2f"] = [-1.0, 0.0, np.nan, 1.0, 1.0]
    table = recovered_magnitudes(catalog, **ZERO_POINTS).set_index(["method", "galaxy"])
    assert len(table) == 5 * 3 * 2
    central = table.loc[("blend2flux", "central")]
    assert central["mag_blended"].tolist() == pytest.approx([23.46] * 5)
    assert central["flux_ratio"].tolist() == pytest.approx([10 ** (-0.4 * 3.46)] * 5)
    sextractor = table.loc[("SExtractor", "central")]
    assert sextractor["mag_blended"].tolist() == pytest.approx([23.17] * 5)
    assert sextractor["found"].tolist() == [False, True, False, True, False]
    companion = table.loc[("blend2mask2flux", "companion")]
    assert companion["found"].tolist() == [False, False, True, True, False]
    assert companion["mag_blended"].isna().tolist() == [True, True, True, False, False]
    # Of these only the third has no flux; the others have one that is not positive.
    assert companion["flux_ratio"].isna().tolist() == [False, False, True, False, False]
    assert (table["delta_mag"] == -1.5).all()
    # In radii of the central galaxy, if it has one.
    assert central["distance_over_radius"][:4].tolist() == [2.5] * 4
    assert np.isnan(central["distance_over_radius"].iloc[4])


def test_edges_belong_to_bins_and_bad_fluxes_are_counted(made_up):
    catalog = made_up.iloc[:8].assign(detection=2, g2_mag=21.0)
    catalog["g1_mag"] = [19.0, 23.0, 21.0, 21.0, 18.9, 23.1, 22.0, 22.0]
    catalog["g1_flux_b2f"] = 10 ** (0.4 * (25.96 - catalog["g1_mag"]))
    catalog.loc[6, "g1_flux_b2f"] = -1.0
    points = recovered_magnitudes(catalog, **ZERO_POINTS)
    groups = [("blend2flux", "central"), ("another", "central")]
    table = binned_statistics(points, ["method", "galaxy"], groups)
    none = table[table["method"] == "another"]
    assert (none["n"] == 0).all() and none["median"].isna().all()
    table = table[table["method"] == "blend2flux"].set_index("bin")
    assert table["n"].to_dict() == {"all": 6, 0: 1, 1: 0, 2: 0, 3: 2, 4: 2, 5: 1}
    assert table["n_nonpositive"].to_dict() == {"all": 1, 0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 5: 0}
    assert set(table["n_beyond"]) == {2}
    assert table["median"].abs().max() < 1e-9
    assert table.loc["all", ["delta_mag_low", "delta_mag_high"]].tolist() == [-2, 2]
    assert table.loc[4, ["delta_mag_low", "delta_mag_high"]].tolist() == pytest.approx(
        [2 / 3, 4 / 3]
    )


def test_intervals_of_a_panel_contain_its_numbers_and_follow_the_seed(made_up):
    points = recovered_magnitudes(made_up, **ZERO_POINTS)
    panels = [("blend2flux", "central"), ("SExtractor", "companion")]

    def found(seed):
        return panel_statistics(points, "galaxy", panels, n_resamples=200, seed=seed)

    table = found(1)
    assert table[["method", "galaxy"]].to_numpy().tolist() == [list(panel) for panel in panels]
    for name in ("mean_dmag", "sigma_mag", "mape_flux_percent"):
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[name] < table[f"{name}_high"]).all()
    pd.testing.assert_frame_equal(table, found(1))
    assert (table["mean_dmag_low"] != found(2)["mean_dmag_low"]).all()
    without_intervals = panel_statistics(points, "galaxy", panels, n_resamples=0, seed=1)
    assert not [column for column in without_intervals if column.endswith("_low")]


def test_the_table_of_figures_5_and_6(made_up):
    points = recovered_magnitudes(made_up, **ZERO_POINTS)
    points["pair"] = "pair_detected"
    five = panel_statistics(points, "galaxy", [("blend2flux", "central")], 0, 0)
    six = panel_statistics(points, "pair", [("SExtractor", "pair_detected")], 0, 0)
    table = statistics_table(five, six)
    assert list(table.columns) == [
        "figure",
        "network",
        "galaxy",
        "n",
        "mean",
        "sigma",
        "outliers_percent",
        "mape_mag_percent",
        "mape_flux_percent",
    ]
    names = table[["figure", "network", "galaxy"]].to_numpy().tolist()
    assert names == [
        ["fig5", "blend2flux", "central"],
        ["fig6", "sextractor", "pair_detected"],
    ]
    assert table["mean"].tolist() == [five["mean_dmag"][0], six["mean_dmag"][0]]
    assert table["sigma"].tolist() == [five["sigma_mag"][0], six["sigma_mag"][0]]
