"""A supplement to Figure 8: bias and scatter against the true and the recovered magnitude."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig8_predicted import (
    draw_fig8_predicted,
    fig8_predicted_data,
    fig8_predicted_statistics,
    magnitude_edges,
)
from deblend.boucaud2020.methods import Method

from tests.figures import texts
from tests.unit.boucaud2020.conftest import LACKING, ZERO_POINTS, draw_once_or_twice, without

#: A normal population of magnitudes, and the noise of a measurement of each.
MEAN, WIDTH, NOISE = 22.0, 0.7, 0.5
#: The posterior mean is so much nearer to the population's mean than the measurement.
BAYES = WIDTH**2 / (WIDTH**2 + NOISE**2)


def shrunk(shrinkage, n=150_000):
    """Centrals whose recovered magnitude is a noisy measurement, shrunk to the mean of all."""
    rng = np.random.default_rng(5)
    true = rng.normal(MEAN, WIDTH, n)
    recovered = MEAN + shrinkage * (true + rng.normal(0, NOISE, n) - MEAN)
    points = {"method": "x", "galaxy": "central", "mag_isolated": true, "mag_blended": recovered}
    return pd.DataFrame(points).assign(flux_ratio=10 ** (0.4 * (true - recovered)))


@pytest.mark.parametrize("shrinkage", [1.0, BAYES, 0.4])
def test_bias_of_a_normal_population_is_the_analytic_one(shrinkage):
    table = fig8_predicted_statistics(points := shrunk(shrinkage), [Method("x", "x", "k")])
    table = table[(table["galaxy"] == "central") & (table["bin"] != "all") & (table["n"] > 2000)]
    # Expected errors at a given true and at a given recovered magnitude, and their scatter.
    slopes = {"true": shrinkage - 1, "recovered": 1 - BAYES / shrinkage}
    scatters = {"true": shrinkage * NOISE, "recovered": WIDTH * np.sqrt(1 - BAYES)}
    columns = {"true": "mag_isolated", "recovered": "mag_blended"}
    for binned_by, column in columns.items():
        rows = table[table["binned_by"] == binned_by]
        assert len(rows) >= 4
        for _, row in rows.iterrows():
            inside = points.loc[points[column].between(row["mag_low"], row["mag_high"]), column]
            assert row["n"] == len(inside)
            slope, scatter = slopes[binned_by], scatters[binned_by]
            assert row["median"] == pytest.approx(slope * (inside.mean() - MEAN), abs=0.03)
            # A bin is wide, so that the bias within it adds to the scatter.
            within = np.hypot(scatter, slope * inside.std())
            assert row["sigma_mag"] == pytest.approx(within, rel=0.04)


def test_magnitudes_outside_the_bins_are_counted():
    points = pd.DataFrame({"mag_isolated": [20.1, 20.2, 21.9, 21.8, 21.0]})
    points["mag_blended"] = [20.2, 19.0, 22.3, np.nan, 21.1]
    points["flux_ratio"] = 10 ** (0.4 * (points["mag_isolated"] - points["mag_blended"]))
    points.loc[3, "flux_ratio"] = -0.1  # it has no magnitude
    points = points.assign(method="x", galaxy="companion")
    assert magnitude_edges(points).tolist() == [20, 20.5, 21, 21.5, 22]
    table = fig8_predicted_statistics(points, [Method("x", "x", "k")])
    table = table[(table["galaxy"] == "companion") & (table["bin"] == "all")]
    table = table.set_index("binned_by")
    assert table.loc["true", ["n", "n_nonpositive", "n_beyond"]].tolist() == [5, 1, 0]
    assert table.loc["recovered", ["n", "n_nonpositive", "n_beyond"]].tolist() == [2, 0, 3]


def test_one_magnitude_has_a_bin():
    assert magnitude_edges(pd.DataFrame({"mag_isolated": [21.0]})).tolist() == [21.0, 21.5]


@pytest.mark.parametrize("lacking", LACKING)
def test_the_figure_is_drawn_alike_twice_and_empty_too(made_up, tmp_path, drawn, lacking):
    points = fig8_predicted_data(without(made_up, lacking), **ZERO_POINTS)
    table = fig8_predicted_statistics(points, n_resamples=20, seed=1)
    draw_once_or_twice(
        lambda outputs: draw_fig8_predicted(points, table, outputs, "x"), lacking, tmp_path
    )
    shown = texts(drawn[0])
    assert {"magnitude (true)", "magnitude (recovered)", "central", "companion"} <= set(shown)
    assert ("blend2mask2flux (no fluxes)" in shown) == (lacking != "nothing")
