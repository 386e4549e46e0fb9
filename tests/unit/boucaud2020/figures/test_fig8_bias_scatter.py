"""Figure 8: bias and scatter of the central galaxies."""

import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig8_bias_scatter import (
    draw_fig8,
    fig8_data,
    fig8_statistics,
    number_shown,
)

from tests.unit.boucaud2020.conftest import (
    LACKING,
    METHODS,
    ZERO_POINTS,
    check_bins,
    draw_once_or_twice,
    without,
)


def test_lines_are_of_the_centrals_that_sextractor_found(catalog_file, rows):
    table = fig8_statistics(fig8_data(pd.read_csv(catalog_file), **ZERO_POINTS))
    chosen = [r for r in rows if r["detection"] in "02"]
    for method, suffix, zero_point in METHODS:
        check_bins(table[table["method"] == method], chosen, "g1", suffix, zero_point)


def test_the_number_shown_is_that_of_the_centrals_that_sextractor_found(catalog_file, rows):
    table = fig8_statistics(fig8_data(pd.read_csv(catalog_file), **ZERO_POINTS))
    differences = [float(r["g1_mag"]) - float(r["g2_mag"]) for r in rows if r["detection"] in "02"]
    assert number_shown(table) == sum(abs(difference) <= 2 for difference in differences)


def test_the_points_have_both_galaxies_of_a_blend_for_intervals(made_up):
    points = fig8_data(made_up, **ZERO_POINTS)
    table = fig8_statistics(points, n_resamples=30, seed=1)
    drawn = table[(table["n"] - table["n_nonpositive"] >= 5)]
    for name in ("median", "sigma_mag"):
        assert (drawn[f"{name}_low"] < drawn[f"{name}_high"]).all()
    ids = {*zip(*made_up[["g1_id", "g2_id"]].astype(str).to_numpy().T, strict=True)}
    central = points[points["galaxy"] == "central"] if "galaxy" in points else points
    assert {*zip(central["galaxy_id"], central["partner_id"], strict=True)} <= ids


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, lacking):
    points = fig8_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig8_statistics(points)
    draw_once_or_twice(lambda outputs: draw_fig8(points, table, outputs, "x"), lacking, tmp_path)
