"""Figure 7 of Hemmati et al. 2022, with made-up photometry."""

import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.figures.fig7_photometry import _density, draw_fig7, photometry_points
from deblend.hemmati2022.regression import fit_scatter
from deblend.plots.style import style

from tests.figures import opens, texts
from tests.unit.hemmati2022.test_claims import photometry

LABEL = "toy scale, cut-outs made_up"


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
    return points, pd.concat(grids), scatter, pd.concat(bins)


def test_photometry_with_both_positions(drawn, tmp_path):
    points, *found = fits()
    draw_fig7(points, *found, [tmp_path / "fig7.png"], LABEL)
    opens(tmp_path / "fig7.png", 1440)
    titles = [t for t in texts(drawn[0]) if t.startswith("positions from")]
    assert titles == [f"positions from {what}, n = 1500" for what in ("low resolution", "the GAN")]
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
        _density(axis, *rng.normal(0, 1, (2, 20000)), (-5, 5))
        contours = axis.collections[-1]
    for path, radius in zip(reversed(contours.get_paths()), (1.52, 2.49), strict=True):
        # The smoothing widens the contours by less than 5 %.
        assert np.hypot(*path.vertices.T).mean() == pytest.approx(1.04 * radius, rel=0.04)
    plt.close(figure)
