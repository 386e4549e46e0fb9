"""Recovered magnitudes, and their statistics in panels and bins."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.methods import PAPER_METHODS
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.recovered import (
    MIN_IN_BIN,
    binned_statistics,
    panel_statistics,
    panels,
    predicted_magnitudes,
    published_curves,
    recovered_magnitudes,
    statistics_table,
)
from deblend.errors import DeblendError

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
    # A galaxy without a magnitude is in the tails.
    assert table.loc[4, "tails_percent"] == 50
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


def test_panels_are_row_by_row():
    assert panels(PAPER_METHODS[1:], ["a", "b"]) == [
        *(("blend2mask2flux", "a"), ("SExtractor", "a")),
        *(("blend2mask2flux", "b"), ("SExtractor", "b")),
    ]


def test_each_point_has_the_other_galaxy_of_its_blend(made_up):
    points = recovered_magnitudes(made_up, **ZERO_POINTS)
    ids = made_up[["g1_id", "g2_id"]].astype(str).to_numpy().tolist()
    for galaxy, columns in (
        ("central", ["galaxy_id", "partner_id"]),
        ("companion", ["partner_id", "galaxy_id"]),
    ):
        rows = points[(points["galaxy"] == galaxy) & (points["method"] == "SExtractor")]
        assert rows[columns].to_numpy().tolist() == ids


def test_a_network_under_its_own_name_has_the_zero_point_of_networks(made_up):
    own = made_up.drop(columns=["g1_flux_b2m2f", "g2_flux_b2m2f"])
    own = own.rename(columns={f"g{i}_flux_b2f": f"g{i}_flux_mine" for i in (1, 2)})
    points = recovered_magnitudes(own, **ZERO_POINTS)
    paper = recovered_magnitudes(made_up, **ZERO_POINTS)
    assert set(points["method"]) == {"mine", "SExtractor"}
    for mine, name in (("mine", "blend2flux"), ("SExtractor", "SExtractor")):
        pd.testing.assert_frame_equal(
            points[points["method"] == mine].drop(columns="method").reset_index(drop=True),
            paper[paper["method"] == name].drop(columns="method").reset_index(drop=True),
        )


def long_form(catalog):
    """The catalogue's fluxes as predictions: SExtractor's as of "iso", the others' as of "net"."""
    blend = catalog["id"].to_numpy()
    return pd.concat(
        prediction_table(
            blend, catalog[[f"g1_flux_{s}", f"g2_flux_{s}"]].to_numpy(), name, np.full((1, 2), zero)
        )
        for name, s, zero in (("iso", "sex", 25.67), ("net", "b2f", 25.96))
    )


def test_predictions_and_the_catalogue_s_columns_give_the_same_points(made_up):
    points = predicted_magnitudes(long_form(made_up).sample(frac=1, random_state=1), made_up)
    paper = recovered_magnitudes(made_up, **ZERO_POINTS)
    order = ["galaxy", "mag_isolated", "mag_blended"]
    for name, method in (("iso", "SExtractor"), ("net", "blend2flux")):
        found = points[points["method"] == name].sort_values(order)
        expected = paper[paper["method"] == method].sort_values(order)[found.columns]
        for column in found.columns.drop("method"):
            assert found[column].tolist() == pytest.approx(expected[column].tolist(), nan_ok=True)


def test_predictions_of_other_blends_are_refused(made_up):
    predictions = long_form(made_up)
    for other in (predictions[predictions["blend"] != 7], predictions.assign(blend=-1)):
        with pytest.raises(DeblendError, match="differ in .* of different runs"):
            predicted_magnitudes(other, made_up)


def test_bins_have_intervals_of_bias_and_scatter():
    """Of independent errors of unit variance: 1.25 and 0.71 over the root of their number."""
    n = 600
    rng = np.random.default_rng(3)
    errors = rng.normal(0, 1, n)
    points = pd.DataFrame(
        {
            "method": "x",
            "galaxy_id": np.arange(n).astype(str),
            "partner_id": (n + np.arange(n)).astype(str),
            "delta_mag": [0.1] * (n - 4) + [1.9] * 4,
            "mag_isolated": 20.0,
            "mag_blended": 20 + errors,
            "flux_ratio": 10 ** (-0.4 * errors),
        }
    )
    table = binned_statistics(points, ["method"], [("x",)], n_resamples=400, seed=1)
    row = table.set_index("bin").loc["all"]
    for name, error in (("median", 1.253), ("sigma_mag", 0.707)):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        half = (row[f"{name}_high"] - row[f"{name}_low"]) / 2
        assert half == pytest.approx(error * np.sqrt(1 / n), rel=0.15)
    for name in ("nmad_mag", "half_68_mag", "tails_percent"):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    few = table.set_index("bin").loc[5]
    assert few["n"] == 4 < MIN_IN_BIN
    assert few[["median_low", "sigma_mag_high"]].isna().all()
    without = binned_statistics(points, ["method"], [("x",)])
    pd.testing.assert_frame_equal(table[without.columns], without)


def test_curves_of_the_authors_are_those_of_the_same_architecture():
    methods = ["blend2flux", "blend2mask2flux", "SExtractor"]
    tables = [pd.DataFrame({"method": methods, "median": [k, k + 1, k + 2]}) for k in (7, 17, 27)]
    assert published_curves([], {"architecture": "blend2flux", "network": "mine"}) == {}
    paper = published_curves(iter(tables), {"architecture": None})
    assert list(paper) == [7, 8, 9]
    assert paper[8]["method"].tolist() == methods
    own = published_curves(tables, {"architecture": "blend2mask2flux", "network": "mine"})
    assert own[9]["method"].tolist() == ["mine", "SExtractor"]
    assert own[9]["median"].tolist() == [28, 29]
    assert tables[2]["method"].tolist() == methods


@pytest.mark.parametrize("n_resamples", [0, 20])
def test_the_table_of_figures_5_and_6(made_up, n_resamples):
    points = recovered_magnitudes(made_up, **ZERO_POINTS)
    points["pair"] = "pair_detected"
    five = panel_statistics(points, "galaxy", [("blend2flux", "central")], n_resamples, 0)
    six = panel_statistics(points, "pair", [("SExtractor", "pair_detected")], n_resamples, 0)
    table = statistics_table(five, six)
    statistics = ["mean", "sigma", "outliers_percent", "mape_mag_percent", "mape_flux_percent"]
    statistics += ["nmad", "half_68", "tails_percent"]
    ends = [f"{name}_{end}" for name in statistics for end in ("low", "high") if n_resamples]
    assert list(table.columns) == ["figure", "network", "galaxy", "n", *statistics, *ends]
    names = table[["figure", "network", "galaxy"]].to_numpy().tolist()
    assert names == [
        ["fig5", "blend2flux", "central"],
        ["fig6", "sextractor", "pair_detected"],
    ]
    for mine, name in (
        *(("mean", "mean_dmag"), ("sigma", "sigma_mag"), ("nmad", "nmad_mag")),
        *(("half_68", "half_68_mag"), ("tails_percent", "tails_percent")),
    ):
        for end in ("", *(("_low", "_high") if n_resamples else ())):
            assert table[mine + end].tolist() == [five[name + end][0], six[name + end][0]]
