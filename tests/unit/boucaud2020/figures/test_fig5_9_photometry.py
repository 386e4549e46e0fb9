"""Figures 5 to 9 from one catalogue."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig5_9_photometry import FIGURES, draw_figure

from tests.figures import texts
from tests.unit.boucaud2020.conftest import ZERO_POINTS, without

ABOUT = ZERO_POINTS | {"scale": "toy", "dataset": "simulated", "network": "small"}


@pytest.mark.parametrize("number", FIGURES)
def test_a_figure_says_what_it_shows_and_its_table_too(drawn, made_up, number):
    points, table = draw_figure(number, made_up, ABOUT, [])
    shown = "\n".join(texts(drawn[0]))
    assert "toy scale, simulated, small" in shown
    assert "SExtractor" in shown and "AUTO" not in shown
    assert set(table["dataset"]) == {"simulated"}
    assert set(table["method"]) == {"blend2flux", "blend2mask2flux", "SExtractor"}
    # Centrals: those that SExtractor found, or all, or all twice (with their type and "all").
    found, n = int(made_up["detection"].isin([0, 2]).sum()), len(made_up)
    if "galaxy" in points:
        points = points[points["galaxy"] == "central"]
    expected = {5: found, 6: n, 7: found, 8: found, "8_predicted": found, 9: 2 * n}[number]
    assert (points["method"] == "blend2flux").sum() == expected


@pytest.mark.parametrize("number", FIGURES)
def test_a_network_that_was_not_run_has_no_panel(drawn, made_up, number):
    _, table = draw_figure(number, without(made_up, "joint network"), ABOUT, [])
    draw_figure(number, made_up, ABOUT, [])
    alone, both = ("\n".join(texts(figure)) for figure in drawn)
    assert "blend2mask2flux" not in alone and "no fluxes" not in alone
    assert "blend2flux" in alone and "SExtractor" in alone
    assert "blend2mask2flux" in both
    # The table still says that there are none.
    assert table.loc[table["method"] == "blend2mask2flux", "n"].eq(0).all()


@pytest.mark.parametrize("number", FIGURES)
def test_fluxes_in_kron_apertures_are_called_so(drawn, made_up, number):
    draw_figure(number, made_up, ABOUT | {"sextractor_flux": "auto"}, [])
    shown = "\n".join(texts(drawn[0]))
    assert "SExtractor (AUTO" in shown
    assert "SExtractor (central" not in shown and "SExtractor (pair" not in shown


@pytest.mark.parametrize("number", [7, 8, 9])
def test_the_table_of_another_catalogue_gives_its_curves_and_their_name(drawn, made_up, number):
    own = ABOUT | {"label": "catalogue of mine", "is_authors": False}
    _, table = draw_figure(number, made_up, own, [])
    draw_figure(number, made_up, ABOUT, [], pd.DataFrame(table), n_resamples=10, seed=3)
    assert "catalogue of mine" in "\n".join(texts(drawn[1]))
    assert "authors" not in "\n".join(texts(drawn[1]))


def test_intervals_follow_the_seed(made_up):
    first, again, other = (
        draw_figure(8, made_up, ABOUT, [], n_resamples=20, seed=seed)[1] for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["nmad_mag_low"], other["nmad_mag_low"], equal_nan=True)
