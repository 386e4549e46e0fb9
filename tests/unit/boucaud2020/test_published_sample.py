"""Distributions of a catalogue, and their comparison with the published ones."""

import numpy as np
import pytest
from deblend.boucaud2020.published_sample import compare, quantities, summarise


def test_quantities_of_both_galaxies(four_blends):
    found = quantities(four_blends)
    assert sorted(found["mag"]) == sorted([20.0, 21.0, 22.0, 20.5, 21.0, 20.5, 22.5, 21.5])
    assert sorted(found["radius_px"]) == [4, 4, 5, 5, 6, 6, 8, 9]
    assert found["delta_mag"].tolist() == [-1.0, 0.5, -0.5, -1.0]
    assert found["distance_px"].tolist() == [10, 14, 20, 12]
    # Over the larger of the two radii.
    assert found["distance_over_radius"] == pytest.approx([10 / 6, 14 / 8, 20 / 9, 12 / 6])


def test_percentiles_and_percentages(four_blends):
    table = summarise(four_blends).set_index(["quantity", "item"])["value"]
    assert table.index.is_unique
    assert table["distance_px", "p50"] == 13
    assert table["distance_px", "p25"] == pytest.approx(11.5)
    assert table["mag", "p95"] == pytest.approx(22.5 - 0.35 * 0.5)  # rank 6.65 of 0 to 7
    assert table["type_percent"].to_dict() == {"sph": 25, "disk": 37.5, "sphd": 12.5, "irr": 25}
    found = {"-1": 0, "0": 25, "1": 25, "2": 50, "3": 0}
    assert table["detection_percent"].to_dict() == found


def test_comparison_with_itself_is_zero(four_blends):
    published = {}
    for quantity, item, value in summarise(four_blends).itertuples(index=False):
        published.setdefault(quantity, {})[item] = value
    assert compare(four_blends, published)["difference"].abs().max() == 0
    other = compare(four_blends.assign(g1_mag=four_blends["g1_mag"] + 1), published)
    assert other.query("quantity == 'delta_mag' and item == 'p50'")["difference"].item() == 1


def test_what_was_not_published_has_no_difference(four_blends):
    table = compare(four_blends, {"mag": {"p50": 20.75}}).set_index(["quantity", "item"])
    assert table.loc[("mag", "p50"), "difference"] == pytest.approx(21.0 - 20.75)
    others = table.drop(("mag", "p50"))
    assert others[["published", "difference"]].isna().all(axis=None)
    assert np.isfinite(others["reproduced"]).all()
