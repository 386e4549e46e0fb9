"""Figures 2, 3, 4 and 8 of Hemmati et al. 2022, with made-up images."""

import numpy as np
import pytest
from deblend.hemmati2022.figures.fig2_3_4_8_images import draw_fig2, draw_fig3, draw_fig4, draw_fig8

from tests.figures import opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column

PIXEL = 0.06
BANDS = ["F435W", "F606W", "F775W", "F814W", "F850lp", "F125W", "F160W"]


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


def test_gallery_has_real_galaxies_in_the_middle(drawn, tmp_path):
    real, made = galaxies(8), galaxies(16, seed=3)
    draw_fig2(real, made, PIXEL, [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1380)
    shown = [axis.images[0].get_array() for axis in drawn[0].axes]
    assert np.array_equal(shown[8], real[0])
    assert np.array_equal(shown[16], made[8])
    draw_fig2(real, made[:0], PIXEL, [], LABEL)
    assert "not trained" in texts(drawn[1])


def test_resolutions_side_by_side(drawn, tmp_path):
    high, low = galaxies(5), galaxies(5, 22, noise=0.05)
    draw_fig3(high, low, high + 0.1, PIXEL, [tmp_path / "fig3.png"], LABEL)
    opens(tmp_path / "fig3.png", 660)
    *panels, bar = drawn[0].axes
    assert len(panels) == 20
    assert bar.get_ylabel() == "GAN − high (asinh scale)"
    assert np.allclose(panels[3].images[0].get_array(), 0.1)
    # 22 low-resolution px are 66 px, of which the figure shows 64.
    assert panels[1].get_xlim() == pytest.approx((-0.5 + 1 / 3, 21.5 - 1 / 3))


def test_examples_have_their_peaks(drawn, tmp_path):
    kinds = ["detected_in_all", "detected_by_the_gan", "missed"]
    draw_fig4(examples(), kinds, PIXEL, [tmp_path / "fig4.png"], LABEL)
    opens(tmp_path / "fig4.png", 1380)
    marks = [len(axis.collections[0].get_offsets()) for axis in drawn[0].axes]
    assert marks == [1, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1]
    assert "detected by the gan" in texts(drawn[0])


def test_one_blend_in_all_bands(drawn, tmp_path):
    draw_fig8(multi(), BANDS, "F775W", PIXEL, [tmp_path / "fig8.png"], LABEL)
    opens(tmp_path / "fig8.png", 1380)
    marks = [sum(len(c.get_offsets()) for c in axis.collections) for axis in drawn[0].axes]
    assert [n for n in marks if n] == [2, 1, 2]
    assert [marks[2], marks[9], marks[16]] == [2, 1, 2]
    draw_fig8({}, [], "F775W", PIXEL, [], LABEL)
    assert texts(drawn[1]).count("not trained") == 3


DRAWINGS = {
    "vanilla, n = 24": lambda: draw_fig2(galaxies(8), galaxies(16), PIXEL, [], LABEL),
    "sr, n = 5": lambda: draw_fig3(
        galaxies(5), galaxies(5, 22), galaxies(5, seed=1), PIXEL, [], LABEL
    ),
    "sr, n = 3": lambda: draw_fig4(examples(), ["easy", "gained", "missed"], PIXEL, [], LABEL),
    "sr_multi, n = 1": lambda: draw_fig8(multi(), BANDS, "F775W", PIXEL, [], LABEL),
}


@pytest.mark.parametrize("after", DRAWINGS)
def test_images_have_a_scale_bar_and_one_stretch(drawn, after):
    DRAWINGS[after]()
    figure = drawn[0]
    assert stands_in_a_column(figure, after)
    bar = figure.axes[0].lines[0]
    # The bar is an arcsecond of the 64 px of the panel.
    assert np.ptp(bar.get_xdata()) == pytest.approx(1 / (64 * PIXEL))
    assert [t for t in texts(figure) if t.endswith('"')] == ['1"']
    images = [i for axis in figure.axes for i in axis.images if i.get_cmap().name == "gray"]
    sides = {i.get_array().shape[0] for i in images}
    stretches = {(i.get_array().shape[0], *i.get_clim()) for i in images}
    assert len(stretches) == len(sides)
    for image in images:
        # Sky noise is neither black nor hidden, and galaxies are bright.
        scaled = np.clip(np.ma.filled(image.norm(image.get_array())), 0, 1)
        assert 0.01 < np.median(scaled) < 0.6
        assert scaled.max() > np.median(scaled) + 0.3


def test_peaks_at_the_edge_are_seen_whole(drawn):
    shown = examples() | {"peaks_gan": np.array([(0, -0.5, 30.0)])}
    draw_fig4(shown, ["easy"], PIXEL, [], LABEL)
    marks = drawn[0].axes[4].collections[0]
    assert not marks.get_clip_on()
    assert drawn[0].axes[4].get_xlim() == (-0.5, 63.5)
