"""Figure 6: magnitudes where SExtractor detects or misses the pair."""

import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig6_pairs import draw_fig6, fig6_data, fig6_statistics
from deblend.boucaud2020.methods import catalog_methods

from tests.unit.boucaud2020.conftest import (
    LACKING,
    METHODS,
    ZERO_POINTS,
    check_errors,
    draw_once_or_twice,
    errors,
    of_networks,
    without,
)


def test_panels_have_both_galaxies_of_each_pair(catalog_file, rows):
    table = fig6_statistics(fig6_data(pd.read_csv(catalog_file), **ZERO_POINTS))
    table = table.set_index(["method", "pair"])
    assert len(table) == 5
    assert ("SExtractor", "pair_missed") not in table.index
    for (method, pair), got in table.iterrows():
        suffix, zero_point = next((s, z) for m, s, z in METHODS if m == method)
        chosen = [r for r in rows if (r["detection"] == "2") == (pair == "pair_detected")]
        dmag = errors(chosen, "g1", suffix, zero_point) + errors(chosen, "g2", suffix, zero_point)
        true = [float(r["g1_mag"]) for r in chosen] + [float(r["g2_mag"]) for r in chosen]
        check_errors(got, true, dmag)


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, lacking):
    points = fig6_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig6_statistics(points)
    draw_once_or_twice(lambda outputs: draw_fig6(points, table, outputs, "x"), lacking, tmp_path)


def test_missed_pairs_are_of_networks_only(made_up):
    catalog = of_networks(made_up, "joint_text")
    points = fig6_data(catalog, **ZERO_POINTS)
    table = fig6_statistics(points, catalog_methods(catalog))
    assert table[["method", "pair"]].to_numpy().tolist() == [
        *(["joint_text", "pair_detected"], ["SExtractor", "pair_detected"]),
        ["joint_text", "pair_missed"],
    ]
    assert table["n"].tolist()[::2] == [
        2 * (made_up["detection"] == 2).sum(),
        2 * (made_up["detection"] != 2).sum(),
    ]
