"""The figures of Hemmati et al. 2022, on made-up tables and images."""

import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.figures.fig1_networks import draw_fig1
from deblend.hemmati2022.figures.fig2_3_4_8_images import draw_fig2, draw_fig3, draw_fig4, draw_fig8
from deblend.hemmati2022.figures.fig5_9_detections import (
    FIG5,
    FIG9,
    binned_fractions,
    draw_fractions,
)
from deblend.hemmati2022.figures.fig6_map import draw_fig6
from deblend.hemmati2022.figures.fig7_photometry import _density, draw_fig7, photometry_points
from deblend.hemmati2022.regression import fit_scatter
from deblend.plots.style import style

from tests.figures import keep_figures, opens, texts
from tests.unit.hemmati2022.test_claims import EASE, SOM, blends, photometry

LABEL = "toy scale, cut-outs made_up"
COLUMNS = ["name", "kind", "in_channels", "out_channels", "kernel", "stride", "side"]
BANDS = ["F435W", "F606W", "F775W", "F814W", "F850lp", "F125W", "F160W"]


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


def layers(rows):
    table = pd.DataFrame(rows, columns=COLUMNS)
    weights = table["in_channels"] * table["out_channels"] * table["kernel"] ** 2
    return table.assign(n_parameters=weights)


def plain(kind, channels, side, name="x"):
    return (name, kind, channels, channels, 0, 0, side)


def discriminator(channels):
    rows, before, side = [plain("Input", channels, 64)], channels, 64
    for after in (32, 64, 128, 256):
        side //= 2
        rows += [("conv", "Conv2d", before, after, 4, 2, side)]
        rows += [plain("BatchNorm2d", after, side), plain("LeakyReLU", after, side)]
        before = after
    return layers([*rows, ("conv", "Conv2d", before, 1, 4, 1, 1)])


def vanilla():
    rows, before, side = [plain("Input", 100, 1)], 100, 2
    for after in (256, 128, 64, 32):
        side *= 2
        stride = 1 if before == 100 else 2
        rows += [("up", "ConvTranspose2d", before, after, 4, stride, side)]
        rows += [plain("BatchNorm2d", after, side), plain("ReLU", after, side)]
        before = after
    return layers([*rows, ("up", "ConvTranspose2d", 32, 1, 4, 2, 64), plain("Tanh", 1, 64)])


def super_resolution(channels, n_blocks=4):
    rows = [plain("Input", channels, 22), ("first", "Conv2d", channels, 32, 9, 1, 22)]
    rows += [plain("ReLU", 32, 22)]
    for k in range(n_blocks):
        name = f"block{k}"
        rows += [(f"{name}.conv1", "Conv2d", 32, 32, 3, 1, 22)]
        rows += [
            plain("BatchNorm2d", 32, 22, f"{name}.norm1"),
            plain("ReLU", 32, 22, f"{name}.act"),
        ]
        rows += [(f"{name}.conv2", "Conv2d", 32, 32, 3, 1, 22)]
        rows += [plain("BatchNorm2d", 32, 22, f"{name}.norm2"), plain("Add", 32, 22, f"{name}.add")]
    rows += [("tail", "Conv2d", 32, 32, 3, 1, 22), plain("Add", 32, 22)]
    rows += [plain("Upsample", 32, 66), ("up", "ConvTranspose2d", 32, 32, 3, 1, 66)]
    rows += [plain("BatchNorm2d", 32, 66), plain("ReLU", 32, 66)]
    return layers([*rows, ("out", "Conv2d", 32, channels, 9, 1, 64), plain("Tanh", channels, 64)])


def networks():
    both = {
        name: {"generator": super_resolution(c), "discriminator": discriminator(c)}
        for name, c in (("sr", 1), ("sr_multi", 7))
    }
    return {"vanilla": {"generator": vanilla(), "discriminator": discriminator(1)}} | both


def galaxies(n, side=64, seed=0, offset=0.0, noise=0.01):
    """Smooth spots on a noisy sky, scaled by the inverse hyperbolic sine."""
    rng = np.random.default_rng(seed)
    unit = 64 / side
    y, x = np.mgrid[:side, :side] * unit - 31.5
    images = np.empty((n, side, side))
    for i in range(n):
        angle, width, ratio = rng.uniform(0, np.pi), rng.uniform(2, 5), rng.uniform(0.4, 1)
        u = np.cos(angle) * (x - offset) + np.sin(angle) * y
        v = -np.sin(angle) * (x - offset) + np.cos(angle) * y
        spot = np.exp(-np.sqrt(u**2 + (v / ratio) ** 2) / width)
        images[i] = np.arcsinh((rng.uniform(0.3, 1) * spot + rng.normal(0, noise, x.shape)) / 0.05)
    return images / 4


def multi():
    images = {
        "multi_high": galaxies(7),
        "multi_low": galaxies(7, 22, noise=0.05),
        "multi_gan": galaxies(7, noise=0.002),
    }
    peaks = {"high": [[32, 32], [40, 30]], "low": [[10.5, 10.5]], "gan": [[32, 33], [40, 30]]}
    return images | {f"multi_peaks_{r}": np.array(xy, float) for r, xy in peaks.items()}


def examples():
    one, two = galaxies(3, seed=1), galaxies(3, seed=2, offset=9)
    low = galaxies(3, 22, seed=1, noise=0.03)
    high = [(i, 31.5, 31.5) for i in range(3)] + [(0, 40.5, 31.5), (1, 40.5, 31.5)]
    return {
        "galaxy1": one,
        "galaxy2": two,
        "high": one + two,
        "gan": one + two + 0.02,
        "low": low,
        "positions": np.tile([[31.5, 31.5], [40.5, 31.5]], (3, 1, 1)),
        "peaks_high": np.array(high, float),
        "peaks_low": np.array([(0, 10.2, 10.2), (1, 11.8, 10.2), (2, 10.2, 10.2)]),
        "peaks_gan": np.array(high[:4], float),
    }


def cells():
    rng = np.random.default_rng(5)
    row, column = (a.ravel() for a in np.mgrid[:32, :24])
    table = pd.DataFrame({"row": row, "column": column, "n": rng.poisson(6, row.size)})
    table["separation_arcsec"] = column / 16 + rng.normal(0, 0.05, row.size)
    table["delta_mag"] = row / 8
    table["fwhm_sum_px"] = 12 + 4 * np.sin(row / 6) * np.cos(column / 5)
    table["delta_z"] = np.nan
    for resolution, ease in (("high", 6), ("low", -6), ("gan", 1)):
        share = 1 / (1 + np.exp(-(0.6 * column - 0.4 * row + ease)))
        table[f"detected_{resolution}"] = np.round(share, 1)
    table.loc[table["n"] < 3, "n"] = 0
    return table


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


def test_networks_show_their_layers(drawn, tmp_path):
    draw_fig1(networks(), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1440)
    found = texts(drawn[0])
    assert sum(LABEL in t for t in found) == 1
    # The first residual block is open, the others are boxes, in both networks.
    assert sorted(t for t in found if t.startswith("block ")) == sorted(
        2 * ["block 1", "block 2", "block 3"]
    )
    assert found.count("9×9, 7") == 1
    assert found.count("4×4, 256, 2") == 3
    parameters = networks()["vanilla"]["generator"]["n_parameters"].sum() / 1e6
    assert any(t.startswith("Vanilla GAN: generator ") and f"{parameters:.2f}" in t for t in found)


def test_networks_that_are_not_there(drawn):
    there = networks()
    empty = {part: table.head(0) for part, table in there.pop("sr_multi").items()}
    draw_fig1(there | {"sr_multi": empty}, [], LABEL)
    assert texts(drawn[0]).count("not trained") == 1
    odd = {part: table.replace("ReLU", "Mish") for part, table in there["sr"].items()}
    with pytest.raises(DeblendError, match="kind Mish"):
        draw_fig1({"sr": odd}, [], LABEL)


def test_gallery_has_real_galaxies_in_the_middle(drawn, tmp_path):
    real, made = galaxies(8), galaxies(16, seed=3)
    draw_fig2(real, made, [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1440)
    shown = [axis.images[0].get_array() for axis in drawn[0].axes]
    assert np.array_equal(shown[8], real[0])
    assert np.array_equal(shown[16], made[8])
    draw_fig2(real, made[:0], [], LABEL)
    assert "not trained" in texts(drawn[1])


def test_resolutions_side_by_side(drawn, tmp_path):
    high, low = galaxies(5), galaxies(5, 22, noise=0.05)
    draw_fig3(high, low, high + 0.1, [tmp_path / "fig3.png"], LABEL)
    opens(tmp_path / "fig3.png", 720)
    panels = drawn[0].axes
    assert len(panels) == 20
    assert np.allclose(panels[3].images[0].get_array(), 0.1)
    # Of 22 px, 66 of the high resolution, what its 64 px show.
    assert panels[1].get_xlim() == pytest.approx((-0.5 + 1 / 3, 21.5 - 1 / 3))


def test_examples_have_their_peaks(drawn, tmp_path):
    kinds = ["detected_in_all", "detected_by_the_gan", "missed"]
    draw_fig4(examples(), kinds, [tmp_path / "fig4.png"], LABEL)
    opens(tmp_path / "fig4.png", 1440)
    marks = [len(axis.collections[0].get_offsets()) for axis in drawn[0].axes]
    assert marks == [1, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1]
    assert "detected by the gan" in texts(drawn[0])


def test_fractions_in_bins(drawn, tmp_path):
    table = binned_fractions(blends(), FIG5)
    assert set(table["quantity"]) == set(FIG5)
    assert set(table["resolution"]) == set(EASE)
    draw_fractions(table, FIG5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 1440)
    # Both readings of the paper's separation over sizes, and two differences.
    labels = [axis.get_xlabel() for axis in drawn[0].axes[4:]]
    assert labels[:2] == ["separation / ΣFWHM", "separation / √ΣFWHM (√px)"]
    drawn_line = drawn[0].axes[0].containers[0][0].get_ydata()
    mine = table[(table["quantity"] == FIG5[0]) & (table["resolution"] == "high")]
    assert drawn_line == pytest.approx(mine["fraction"].to_numpy())
    assert {"high, best filter", "low, best filter"} <= set(texts(drawn[0]))
    draw_fractions(table, FIG9, [tmp_path / "fig9.png"], LABEL, multi=True)
    opens(tmp_path / "fig9.png", 720)
    assert "GAN, multi-band" in texts(drawn[1])
    assert "GAN, multi-band" not in texts(drawn[0])


def test_what_is_not_there_is_said_so(drawn):
    table = binned_fractions(blends().assign(delta_z=np.nan, detected_gan_multi=np.nan), FIG5)
    assert "delta_z" not in set(table["quantity"])
    draw_fractions(table, FIG5, [], LABEL)
    assert "no redshifts" in texts(drawn[0])
    draw_fractions(table, FIG9, [], LABEL, multi=True)
    assert "multi-band network not trained" in texts(drawn[1])
    nothing = binned_fractions(blends().head(0), FIG5)
    draw_fractions(nothing, FIG5, [], LABEL)
    assert texts(drawn[2]).count("no blends") == 3


def test_map_of_blends(drawn, tmp_path):
    table = cells()
    draw_fig6(table, SOM, [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1440)
    found = texts(drawn[0])
    assert "no redshifts" in found
    assert any("32 × 24 cells, 6.5 ± 3.2 blends a cell" in t for t in found)
    image = next(i for a in drawn[0].findobj(plt.Axes) for i in a.images)
    image = np.ma.filled(image.get_array(), np.nan)
    assert image.shape == (32, 24)
    assert np.isnan(image).sum() == (table["n"] == 0).sum()
    occupied = table[table["n"] > 0].iloc[40]
    assert image[int(occupied["row"]), int(occupied["column"])] == occupied["separation_arcsec"]


def test_photometry_with_both_positions(drawn, tmp_path):
    points, *found = fits()
    draw_fig7(points, *found, [tmp_path / "fig7.png"], LABEL)
    opens(tmp_path / "fig7.png", 1440)
    titles = [t for t in texts(drawn[0]) if t.startswith("positions from")]
    assert titles == [f"positions from {what}, n = 1500" for what in ("low resolution", "the GAN")]
    few = [part.head(0) for part in found]
    # As they are read from files without rows.
    draw_fig7(points, *(part.astype(object) for part in few), [], LABEL)
    assert texts(drawn.pop(1)).count("too few for a regression") == 2
    draw_fig7(points.groupby("position").head(3), *few, [], LABEL)
    assert texts(drawn[1]).count("3 blends: too few") == 4
    draw_fig7(points.head(0), *few, [], LABEL)
    assert texts(drawn[2]).count("0 blends: too few") == 4


def test_contours_hold_their_shares():
    rng = np.random.default_rng(1)
    with style():
        figure, axis = plt.subplots()
        _density(axis, *rng.normal(0, 1, (2, 20000)), (-5, 5))
        contours = axis.collections[-1]
    for path, radius in zip(reversed(contours.get_paths()), (1.52, 2.49), strict=True):
        # The smoothing by 0.3 widens what it contours by less than 5 %.
        assert np.hypot(*path.vertices.T).mean() == pytest.approx(1.04 * radius, rel=0.04)
    plt.close(figure)


def test_one_blend_in_all_bands(drawn, tmp_path):
    draw_fig8(multi(), BANDS, "F775W", [tmp_path / "fig8.png"], LABEL)
    opens(tmp_path / "fig8.png", 1440)
    marks = [sum(len(c.get_offsets()) for c in axis.collections) for axis in drawn[0].axes]
    assert [n for n in marks if n] == [2, 1, 2]
    assert [marks[2], marks[9], marks[16]] == [2, 1, 2]
    draw_fig8({}, [], "F775W", [], LABEL)
    assert texts(drawn[1]).count("not trained") == 3
