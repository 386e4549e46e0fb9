"""Figure 9: bias and scatter by morphological type."""

import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig9_morphology import draw_fig9, fig9_data, fig9_statistics

from tests.unit.boucaud2020.conftest import (
    LACKING,
    METHODS,
    ZERO_POINTS,
    check_bins,
    draw_once_or_twice,
    without,
)


def test_lines_are_of_the_centrals_of_each_type(catalog_file, rows):
    table = fig9_statistics(fig9_data(pd.read_csv(catalog_file), **ZERO_POINTS))
    for method, suffix, zero_point in METHODS:
        for kind in ("sph", "disk", "sphd", "irr", "all"):
            chosen = [
                r
                for r in rows
                if (method != "SExtractor" or r["detection"] in "02")
                and kind in ("all", r["g1_type"])
            ]
            mine = table[(table["method"] == method) & (table["type"] == kind)]
            check_bins(mine, chosen, "g1", suffix, zero_point)


def test_the_points_have_both_galaxies_of_a_blend_for_intervals(made_up):
    points = fig9_data(made_up, **ZERO_POINTS)
    table = fig9_statistics(points, n_resamples=30, seed=1)
    drawn = table[(table["n"] - table["n_nonpositive"] >= 5)]
    for name in ("median", "sigma_mag"):
        assert (drawn[f"{name}_low"] < drawn[f"{name}_high"]).all()
    ids = {*zip(*made_up[["g1_id", "g2_id"]].astype(str).to_numpy().T, strict=True)}
    central = points[points["galaxy"] == "central"] if "galaxy" in points else points
    assert {*zip(central["galaxy_id"], central["partner_id"], strict=True)} <= ids


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, lacking):
    points = fig9_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig9_statistics(points)
    draw_once_or_twice(lambda outputs: draw_fig9(points, table, outputs, "x"), lacking, tmp_path)
