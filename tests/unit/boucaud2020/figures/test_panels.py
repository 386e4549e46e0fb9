"""What Figures 5 to 9 share."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.panels import (
    binned_line,
    draw_panel,
    figure_label,
    magnitude_limits,
    notes,
    omitted_counts,
)
from deblend.boucaud2020.recovered import binned_statistics

from tests.figures import texts


@pytest.fixture
def axis():
    figure, axis = plt.subplots()
    yield axis
    plt.close(figure)


def binned(delta_mag, flux_ratio):
    """Statistics in bins of one method with such fluxes."""
    points = pd.DataFrame({"method": "x", "delta_mag": delta_mag, "flux_ratio": flux_ratio})
    with np.errstate(invalid="ignore"):
        points["mag_blended"] = 20 - 2.5 * np.log10(points["flux_ratio"])
    return binned_statistics(points.assign(mag_isolated=20.0), ["method"], [("x",)])


def test_both_axes_have_whole_magnitudes_and_a_margin():
    points = pd.DataFrame({"mag_isolated": [19.4, 22.7, 20.0]})
    assert magnitude_limits(points) == (18.8, 23.2)
    assert magnitude_limits(points.iloc[:0]) == (17.8, 23.2)


def test_no_line_goes_through_bins_of_few_galaxies():
    # Five galaxies in the first bin, four in the last one.
    table = binned([-1.9] * 5 + [1.9] * 4, 0.9)
    x, y = binned_line(table, "median")
    assert x == pytest.approx([-5 / 3, -1, -1 / 3, 1 / 3, 1, 5 / 3])
    assert y[0] == pytest.approx(-2.5 * np.log10(0.9))
    assert np.isnan(y[1:]).all()


def test_fluxes_that_are_not_shown_are_counted():
    table = binned([0.0, 0.5, 3.0, -2.5, 1.0], [1.0, -1.0, 1.0, 0.9, np.nan])
    assert omitted_counts(table) == "fluxes not positive: 1; fluxes beyond the bins: 2"
    assert notes("toy scale", table) == ["toy scale", omitted_counts(table)]
    whole = binned([0.0, 1.0], [1.0, 1.1])
    assert omitted_counts(whole) == ""
    assert (notes("toy scale", whole), notes("", whole)) == (["toy scale"], [])


def test_a_label_names_the_data_set_or_is_the_given_one():
    about = {"scale": "small", "dataset": "candels"}
    assert figure_label(about, 5000) == "small scale, data set candels, 5000 test blends"
    assert figure_label({"label": "published sample"}, 300) == "published sample, 300 test blends"


def test_a_panel_shows_its_points_and_numbers(axis):
    panel = pd.DataFrame({"mag_isolated": [20.0, 21.0], "mag_blended": [20.1, 24.0]})
    numbers = pd.Series(
        {"n": 3, "mean_dmag": 1.5502, "sigma_mag": 1.45, "outliers_percent": 66.66}
        | {"mape_mag_percent": 7.4, "n_nonpositive": 1}
    )
    draw_panel(axis, panel, numbers, (18.8, 24.2), "#000000")
    np.testing.assert_array_equal(axis.collections[0].get_offsets(), panel.to_numpy())
    shown = "\n".join(texts(axis.figure))
    for text in ("= 1.550", "= 1.450", "outliers = 66.7%", "MAPE (mag) = 7.4%"):
        assert text in shown
    assert "flux not positive: 1" in shown
    # The histogram ends at 2 mag and has the error of 3 mag in its last bin.
    counts = [bar.get_height() for bar in axis.child_axes[0].patches]
    assert (sum(counts), counts[-1]) == (2, 1)


def test_a_panel_without_fluxes_says_so(axis):
    draw_panel(axis, pd.DataFrame(), pd.Series({"n": 0}), (18.8, 23.2), "#000000")
    assert "no fluxes in this catalogue" in texts(axis.figure)
    assert not axis.collections
