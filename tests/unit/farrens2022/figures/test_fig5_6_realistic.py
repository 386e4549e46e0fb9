"""Figures 5 and 6 of Farrens et al. 2022, with made-up accuracies."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig5_6_realistic import TITLES, draw_fig5, draw_fig6
from deblend.farrens2022.metrics import METHODS, PANELS
from deblend.farrens2022.published import curves

from tests.figures import opens, texts
from tests.unit.farrens2022.conftest import PUBLISHED

LABEL = "toy scale, realistic stamps (made up)"


LEVELS = (5.0, 14.5, 25.0, 30.0, 35.0)


def bar(container):
    """Ends of the first bar."""
    return container[2][0].get_segments()[0][:, 1]


def gains():
    n = {"all": 8000, "close_with_isolated": 960, "distant_with_isolated": 7040}
    table = pd.DataFrame({"noise_sigma": LEVELS, "mean": 0.08, "std": 0.01, "error": 0.02})
    return pd.concat([table.assign(subset=name, n=number) for name, number in n.items()])


def test_points_over_sep_against_noise(drawn, tmp_path):
    draw_fig5(gains(), 14.5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 660)
    assert {"all stamps, n = 8,000", "close + isolated, n = 960"} <= set(texts(drawn[0]))
    assert {"68 % interval (stamps)", "std. dev. (realisations)"} <= set(texts(drawn[0]))
    assert drawn[0].get_suptitle().replace("\n", " ") == f"{LABEL}, BlendHunter, n = 8,000"
    interval, curve = drawn[0].axes[0].containers[:2]
    assert curve[0].get_ydata() == pytest.approx(8)
    assert bar(curve) == pytest.approx([7, 9])
    assert bar(interval) == pytest.approx([6, 10])
    assert not any("published" in text for text in texts(drawn[0]))


def test_published_curves_are_under_ours(drawn):
    draw_fig5(gains(), 14.5, [], LABEL, curves(PUBLISHED)[5])
    axis = drawn[0].axes[0]
    assert "published (read off)" in texts(drawn[0])
    theirs = [c for c in axis.containers if len(c[0].get_xdata()) == 7]
    assert [c[0].get_ydata()[2] for c in theirs] == pytest.approx([2.1, 17.9, 0.0])
    assert bar(theirs[1]) == pytest.approx([5.4, 6.0])
    ours = [c for c in axis.containers if len(c[0].get_xdata()) == 5 and c.get_label()[0] != "_"]
    assert max(c[0].get_zorder() for c in theirs) < min(c[0].get_zorder() for c in ours)
    # Each has the colour of ours.
    assert [c[0].get_color() for c in theirs] == [c[0].get_color() for c in ours]


def confusion():
    rows = [
        (sigma, method, panel, realisation, 0.2 + 0.1 * realisation, 0.5, 48, 48)
        for sigma in LEVELS
        for method in METHODS
        for panel in PANELS
        for realisation in (0, 1)
    ]
    names = ["noise_sigma", "method", "panel", "realisation", "positive_fraction"]
    return pd.DataFrame(rows, columns=[*names, "negative_fraction", "n_blends", "n_isolated"])


def accuracies():
    """Of each method on the same 48 stamps, where those of all blends count like half of them."""
    rows = [
        (sigma, method, subset, 48, share, np.sqrt(share * (1 - share) / n))
        for sigma in LEVELS
        for method, share in (("BlendHunter", 0.5), ("SEP", 0.7))
        for subsets in PANELS.values()
        for subset in subsets
        for n in [24 if subset == "blends" else 48]
    ]
    names = ["noise_sigma", "method", "subset", "n", "accuracy", "error"]
    return pd.DataFrame(rows, columns=names)


def test_fractions_of_all_stamps(drawn, tmp_path):
    draw_fig6(confusion(), accuracies(), [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1380)
    titles = {f"{title}\n48 blends, 48 isolated" for title in TITLES.values()}
    assert titles | {"SEP, isolated", f"{LABEL}, BlendHunter, n = 96"} <= set(texts(drawn[0]))
    assert {"68 % interval (stamps)", "std. dev. (realisations)"} <= set(texts(drawn[0]))
    assert all("isolated" in title for title in titles)
    interval, curve, isolated = drawn[0].axes[0].containers[:3]
    assert curve[0].get_ydata() == pytest.approx(0.25)
    assert bar(curve) == pytest.approx([0.2, 0.3])
    # Half of the blends, which are half of the stamps. Half of Wilson's interval of a half is
    # 1 / (2 sqrt(n + 1)); that of all of n begins at n / (n + 1).
    assert bar(interval) == pytest.approx([0.25 - 0.25 / 7, 0.25 + 0.25 / 7])
    assert bar(isolated) == pytest.approx([0.5 * 48 / 49, 0.5])
    assert bar(drawn[0].axes[2].containers[0]) == pytest.approx([0.2, 0.3])
    low, high = drawn[0].axes[0].get_ylim()
    assert low == 0 and 0.5 < high < 0.6


def test_published_fractions_are_those_of_all_stamps(drawn):
    draw_fig6(confusion(), accuracies(), [], LABEL, curves(PUBLISHED)[6])
    n_curves = [
        sum(len(c[0].get_xdata()) == 7 for c in axis.containers) for axis in drawn[0].axes[:3]
    ]
    assert n_curves == [0, 0, 4]
    theirs = [c for c in drawn[0].axes[2].containers if len(c[0].get_xdata()) == 7]
    assert theirs[0][0].get_ydata()[0] == pytest.approx(0.38)
    assert bar(theirs[0]) == pytest.approx([0.371, 0.389])
    assert "published (bars: std. dev.)" in texts(drawn[0])
