"""Figure 5: recovered against isolated magnitudes."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig5_magnitudes import (
    baselines_data,
    draw_fig5,
    fig5_data,
    fig5_statistics,
)
from deblend.boucaud2020.methods import baseline_methods, catalog_methods
from deblend.boucaud2020.predictions import prediction_table

from tests.figures import texts
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


def numbers(catalog):
    """Statistics by method and galaxy."""
    return fig5_statistics(fig5_data(catalog, **ZERO_POINTS)).set_index(["method", "galaxy"])


def test_panels_have_the_galaxies_that_sextractor_found(catalog_file, rows):
    table = numbers(pd.read_csv(catalog_file))
    assert len(table) == 6
    for galaxy, g, codes in (("central", "g1", "02"), ("companion", "g2", "12")):
        chosen = [r for r in rows if r["detection"] in codes]
        true = [float(r[f"{g}_mag"]) for r in chosen]
        for method, suffix, zero_point in METHODS:
            got = table.loc[(method, galaxy)]
            check_errors(got, true, errors(chosen, g, suffix, zero_point))


def test_the_published_sample_is_what_section_4_1_says(published):
    table = numbers(pd.read_csv(published))
    assert 0.09 < table.loc[("blend2flux", "central"), "sigma_mag"] < 0.14
    assert 0.4 < table.loc[("SExtractor", "central"), "sigma_mag"] < 0.8


def test_a_panel_without_rows_has_no_numbers(made_up, tmp_path):
    """SEP found only the companion in every blend."""
    points = fig5_data(made_up.assign(detection=1), **ZERO_POINTS)
    table = fig5_statistics(points, n_resamples=5, seed=1)
    assert table.set_index(["method", "galaxy"]).loc[("SExtractor", "central"), "n"] == 0
    assert len(table) == 6
    draw_fig5(points, table, [tmp_path / "empty.png"], "sample")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_a_network_that_did_not_run_has_no_numbers(made_up):
    table = numbers(without(made_up, "joint network"))
    assert table.loc["blend2mask2flux", "n"].tolist() == [0, 0]
    assert (table.drop("blend2mask2flux", level="method")["n"] > 0).all()


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, lacking):
    points = fig5_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig5_statistics(points)
    draw_once_or_twice(lambda outputs: draw_fig5(points, table, outputs, "x"), lacking, tmp_path)


def test_the_baselines_are_compared_where_sextractor_found_the_galaxy(made_up, drawn):
    blend = made_up["id"].to_numpy()
    flux = made_up[["g1_flux", "g2_flux"]].to_numpy()
    predictions = pd.concat(
        [
            prediction_table(blend, flux, "exact", np.full((1, 2), 25.96)),
            prediction_table(blend, flux, "sep_auto", np.full((1, 2), 25.46)),
        ]
    )
    points = baselines_data(predictions, made_up)
    methods = baseline_methods(["exact", "sep_auto"])
    table = fig5_statistics(points, methods).set_index(["method", "galaxy"])
    assert list(points.columns) == list(fig5_data(made_up, **ZERO_POINTS).columns)
    for galaxy, codes in (("central", [0, 2]), ("companion", [1, 2])):
        n = made_up["detection"].isin(codes).sum()
        for name, bias in (("exact", 0.0), ("sep_auto", -0.5)):
            assert table.loc[(name, galaxy), "n"] == n
            assert table.loc[(name, galaxy), "mean_dmag"] == pytest.approx(bias, abs=1e-9)
    draw_fig5(points, table.reset_index(), [], "x", methods)
    titles = texts(drawn[0])
    assert {"exact (central)", "SEP AUTO (companion)"} <= set(titles)


def test_networks_of_any_name_have_panels(made_up):
    catalog = of_networks(made_up, "joint_text", "other")
    points = fig5_data(catalog, **ZERO_POINTS)
    table = fig5_statistics(points, catalog_methods(catalog)).set_index(["method", "galaxy"])
    paper = numbers(made_up)
    assert len(table) == 6
    for galaxy in ("central", "companion"):
        for name in ("joint_text", "other"):
            assert table.loc[(name, galaxy), "n"] == paper.loc[("blend2flux", galaxy), "n"]
            sigma = paper.loc[("blend2flux", galaxy), "sigma_mag"]
            assert table.loc[(name, galaxy), "sigma_mag"] == sigma
