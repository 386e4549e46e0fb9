"""Figure 7: photometric error against the pair's magnitude difference."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig7_errors import draw_fig7, fig7_data, fig7_statistics

from tests.unit.boucaud2020.conftest import (
    LACKING,
    METHODS,
    ZERO_POINTS,
    check_bins,
    draw_once_or_twice,
    without,
)


def test_boxes_are_the_quantiles_of_each_bin(catalog_file, rows):
    points = fig7_data(pd.read_csv(catalog_file), **ZERO_POINTS)
    table = fig7_statistics(points)
    assert len(table) == 6 * 7
    for galaxy, g, codes in (("central", "g1", "02"), ("companion", "g2", "12")):
        chosen = [r for r in rows if r["detection"] in codes]
        for method, suffix, zero_point in METHODS:
            mine = table[(table["method"] == method) & (table["galaxy"] == galaxy)]
            check_bins(mine, chosen, g, suffix, zero_point)
    one = points[(points["method"] == "blend2flux") & (points["galaxy"] == "companion")].iloc[0]
    first = next(r for r in rows if r["detection"] in "12")
    assert one["distance_over_radius"] == pytest.approx(
        float(first["distance"]) / float(first["g1_rad"])
    )


def test_the_points_have_both_galaxies_of_a_blend_for_intervals(made_up):
    points = fig7_data(made_up, **ZERO_POINTS)
    table = fig7_statistics(points, n_resamples=30, seed=1)
    drawn = table[(table["n"] - table["n_nonpositive"] >= 5)]
    for name in ("median", "sigma_mag"):
        assert (drawn[f"{name}_low"] < drawn[f"{name}_high"]).all()
    ids = {*zip(*made_up[["g1_id", "g2_id"]].astype(str).to_numpy().T, strict=True)}
    central = points[points["galaxy"] == "central"] if "galaxy" in points else points
    assert {*zip(central["galaxy_id"], central["partner_id"], strict=True)} <= ids


def test_bars_in_the_boxes_are_the_intervals_of_the_medians(drawn, made_up):
    points = fig7_data(made_up, **ZERO_POINTS)
    table = fig7_statistics(points, n_resamples=30, seed=1)
    draw_fig7(points, table, [], "x")
    draw_fig7(points, fig7_statistics(points), [], "x")
    with_intervals, without = ([axis.patches for axis in f.axes[:6]] for f in drawn)
    assert not any(without)
    bars = with_intervals[0]
    first = table[(table["method"] == "blend2flux") & (table["galaxy"] == "central")]
    first = first[first["bin"] != "all"]
    shown = [[bar.get_y(), bar.get_y() + bar.get_height()] for bar in bars]
    expected = first[["median_low", "median_high"]].to_numpy()
    np.testing.assert_allclose(shown, expected)
    centres = [bar.get_x() + bar.get_width() / 2 for bar in bars]
    np.testing.assert_allclose(centres, (first["delta_mag_low"] + first["delta_mag_high"]) / 2)


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, lacking):
    points = fig7_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig7_statistics(points)
    draw_once_or_twice(lambda outputs: draw_fig7(points, table, outputs, "x"), lacking, tmp_path)
