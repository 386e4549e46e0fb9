"""Figure 7 of Hemmati et al. 2022, with made-up photometry."""

import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.figures.fig7_photometry import (
    _density,
    draw_fig7,
    photometry_points,
)
from deblend.hemmati2022.regression import fit_scatter
from deblend.plots.style import style

from tests.figures import opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column
from tests.unit.hemmati2022.test_claims import photometry


@functools.cache
def fits():
    points = photometry_points(photometry())
    grids, scatters, bins = [], [], []
    for position, mine in points.groupby("position"):
        x = mine["mag_input"].to_numpy()
        found, scatter = fit_scatter(x, mine["delta_mag"].to_numpy())
        mag = np.linspace(x.min(), x.max(), 60)
        grid = pd.DataFrame({"mag": mag, "mean": np.interp(mag, found["x"], found["median"])})
        grid["sigma"] = 0.05 * np.sqrt(scatter["68"](mag))
        for kind, fit in scatter.items():
            grid[f"total_{kind}"] = np.hypot(grid["sigma"], np.sqrt(fit(mag)))
            scatters.append((position, kind, fit.a * np.exp(-fit.b * fit.x0), fit.b, fit.c))
        grids.append(grid.assign(position=position))
        part = found[["x", "median_squared", "level_68"]].set_axis(["mag", "median", "p68"], axis=1)
        bins.append(part.assign(position=position))
    scatter = pd.DataFrame(scatters, columns=["position", "kind", "a", "b", "c"])
    return points, pd.concat(grids), scatter.assign(n_left_out=0), pd.concat(bins)


def test_photometry_with_both_positions(drawn, tmp_path):
    points, *found = fits()
    draw_fig7(points, *found, [tmp_path / "fig7.png"], LABEL)
    opens(tmp_path / "fig7.png", 1380)
    assert stands_in_a_column(drawn[0], "sr, n = 1,500")
    titles = [t for t in texts(drawn[0]) if t.startswith("positions from")]
    assert titles == ["positions from low resolution", "positions from the GAN"]
    # Each column has its inset, with both levels.
    assert texts(drawn[0]).count("variance of Δmag (mag²)") == 2
    few = [part.head(0) for part in found]
    # Tables that are read from files without rows have the type object.
    draw_fig7(points, *(part.astype(object) for part in few), [], LABEL)
    assert texts(drawn.pop(1)).count("too few for a regression") == 2
    draw_fig7(points.groupby("position").head(3), *few, [], LABEL)
    assert texts(drawn[1]).count("3 blends: too few") == 4
    draw_fig7(points.head(0), *few, [], LABEL)
    assert texts(drawn[2]).count("0 blends: too few") == 4


def test_contours_contain_their_shares():
    rng = np.random.default_rng(1)
    with style():
        figure, axis = plt.subplots()
        _density(axis, *rng.normal(0, 1, (2, 4000)), (-5, 5))
        contours = axis.collections[-1]
    for path, radius in zip(reversed(contours.get_paths()), (1.52, 2.49), strict=True):
        # The smoothing widens the contours by less than 6 %.
        assert np.hypot(*path.vertices.T).mean() == pytest.approx(1.03 * radius, rel=0.03)
    plt.close(figure)


def test_points_beyond_the_axis_are_marked_at_its_edge(drawn):
    points, *found = fits()
    points = points.copy()
    far = points.index[points["position"] == "gan"][:4]
    points.loc[far, "delta_mag"] = [-9.0, -9.0, -9.0, 9.0]
    draw_fig7(points, *found, [], LABEL)
    lower = drawn[0].axes[3]
    low, high = lower.get_ylim()
    mine = points[points["position"] == "gan"]
    for marker, edge, beyond in (("v", low, mine["delta_mag"] < low), ("^", high, None)):
        beyond = mine["delta_mag"] > high if beyond is None else beyond
        marks = next(line for line in lower.lines if line.get_marker() == marker)
        assert marks.get_ydata() == pytest.approx(np.full(beyond.sum(), edge))
        assert marks.get_xdata() == pytest.approx(mine.loc[beyond, "mag_input"].to_numpy())


def test_blends_left_out_of_the_regression_are_counted(drawn):
    points, curves, scatter, bins = fits()
    draw_fig7(points, curves, scatter, bins, [], LABEL)
    assert not any("left out" in text for text in texts(drawn[0]))
    left_out = scatter.assign(n_left_out=scatter["position"].map({"low": 0, "gan": 1200}))
    draw_fig7(points, curves, left_out, bins, [], LABEL)
    notes = [[t.get_text() for t in axis.texts] for axis in drawn[1].axes[:2]]
    assert not any("left out" in text for text in notes[0])
    assert any("n = 1,500, 1,200 left out of the regression" in text for text in notes[1])
