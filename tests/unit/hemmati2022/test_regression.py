"""The Gaussian process regression, with known curves and scatter."""

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.regression import fit_gpr, fit_scatter, regressions

GRID = np.linspace(20.2, 24.8, 40)


def curve(x):
    return 0.15 * np.sin(1.5 * x) + 0.05 * (x - 22)


def variance(x):
    return 0.001 * np.exp(0.9 * (x - 20)) + 0.002


def points(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(20, 25, n)
    return x, curve(x) + rng.normal(0, np.sqrt(variance(x)))


@pytest.fixture(scope="module")
def fitted():
    return fit_gpr(*points(500), GRID, seed=1)


def test_a_curve_is_recovered_within_the_bands(fitted):
    grid = fitted.grid
    pull = (grid["mean"] - curve(GRID)) / grid["sigma"]
    assert (pull.abs() < 3).all()
    assert (pull.abs() < 2).mean() > 0.8
    assert grid["sigma"].max() < 0.06
    # Another curve is outside the bands.
    assert ((grid["mean"] + 0.2 * (GRID - 22.5) - curve(GRID)) / grid["sigma"]).abs().max() > 5


def test_bands_contain_their_shares_of_the_points(fitted):
    x, y = points(4000, seed=7)
    for column, share in (("total_68", 0.683), ("total_median", 0.5)):
        width = np.interp(x, GRID, fitted.grid[column])
        inside = np.abs(y - np.interp(x, GRID, fitted.grid["mean"])) < width
        assert inside.mean() == pytest.approx(share, abs=0.06)
    for n, share in ((1, 0.683), (2, 0.954), (3, 0.997)):
        low, high = (np.interp(x, GRID, fitted.grid[f"{side}_{n}"]) for side in ("low", "high"))
        assert ((y > low) & (y < high)).mean() == pytest.approx(share, abs=0.06)


def test_the_scatter_is_that_of_the_points():
    bins, scatter = fit_scatter(*points(5000))
    assert bins["n"].sum() == 5000
    np.testing.assert_allclose(scatter["68"](GRID), variance(GRID), rtol=0.25)
    # Half of the squares of a normal variable are below 0.455 times its variance.
    np.testing.assert_allclose(scatter["median"](GRID), 0.455 * variance(GRID), rtol=0.25)


def test_points_are_drawn_if_there_are_too_many():
    x, y = points(600)
    first, again = (fit_gpr(x, y, GRID, seed=1, max_points=150) for _ in range(2))
    assert (first.n_used, first.n_points) == (150, 600)
    assert first.grid.equals(again.grid)
    assert not first.grid.equals(fit_gpr(x, y, GRID, seed=2, max_points=150).grid)
    assert first.bins["n"].sum() == 600


def test_outliers_are_counted_and_do_not_bend_the_mean(fitted):
    x, y = points(500)
    y[[10, 200, 400]] += 20
    found = fit_gpr(x, y, GRID, seed=1, max_points=100)
    assert found.n_left_out - fitted.n_left_out == 3
    assert (found.n_used, found.n_points) == (100, 500)
    np.testing.assert_allclose(found.grid["mean"], curve(GRID), atol=0.3)


def test_the_table_has_the_number_left_out():
    x, y = points(250)
    magnitudes = {"mag_input": x, "mag_low": x + y, "mag_gan": x + y}
    flags = dict.fromkeys(("flags_input", "flags_low", "flags_gan"), 0)
    table = pd.DataFrame(magnitudes | flags | {"blend": range(250)})
    table.loc[[10, 200], "mag_gan"] += 20
    scatter = regressions(table, seed=1)["scatter"]
    counts = scatter.groupby("position")["n_left_out"].unique()
    assert counts["gan"].tolist() == [counts["low"][0] + 2]
    assert scatter["n_left_out"].dtype.kind == "i"


def test_the_error_of_a_flat_mean_is_that_of_its_points():
    rng = np.random.default_rng(3)
    x = rng.uniform(20, 25, 300)
    grid = fit_gpr(x, 1 + rng.normal(0, 0.1, 300), GRID, seed=1).grid
    error = 0.1 / np.sqrt(300)
    assert ((grid["mean"] - 1).abs() < 3 * grid["sigma"]).all()
    assert 0.4 * error < grid["sigma"].median() < 3 * error


def test_invalid_points_are_refused():
    x, y = points(100)
    with pytest.raises(DeblendError, match="1 of 100 points are not finite"):
        fit_gpr(x, np.where(x == x[0], np.nan, y), GRID, seed=1)
    with pytest.raises(DeblendError, match="20 points are too few"):
        fit_gpr(x[:20], y[:20], GRID, seed=1)
    with pytest.raises(DeblendError, match="no scatter at all"):
        fit_gpr(x, np.ones(100), GRID, seed=1)
