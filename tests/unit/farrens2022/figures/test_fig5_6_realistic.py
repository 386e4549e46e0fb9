"""Figures 5 and 6 of Farrens et al. 2022, with made-up accuracies."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.fig5_6_realistic import PANELS, draw_fig5, draw_fig6

from tests.figures import opens, texts

LABEL = "toy scale, realistic stamps (made up)"


LEVELS = (5.0, 14.5, 25.0, 30.0, 35.0)


def accuracies(methods, n):
    """Accuracies of each method on the same subsets, of which the one of all blends has weights."""
    effective = n | {"blends": n["blends"] / 2}
    rows = [
        (sigma, method, subset, n[subset], share, np.sqrt(share * (1 - share) / effective[subset]))
        for sigma in LEVELS
        for method, share in methods.items()
        for subset in n
    ]
    names = ["noise_sigma", "method", "subset", "n", "accuracy", "error"]
    return pd.DataFrame(rows, columns=names)


def bar(container):
    """Ends of the first bar."""
    return container[2][0].get_segments()[0][:, 1]


def test_relative_accuracy_against_noise(drawn, tmp_path):
    table = pd.DataFrame({"noise_sigma": LEVELS, "mean": 0.8, "std": 0.01})
    parts = [table.assign(subset=subset) for subset in ("all", "close", "distant")]
    n = {"all": 8000, "close": 480, "distant": 3520, "blends": 4000}
    numbers = accuracies({"BlendHunter": 0.9, "SEP": 0.5}, n)
    draw_fig5(pd.concat(parts), numbers, 14.5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 660)
    assert {"all stamps, n = 8,000", "distant blends, n = 3,520"} <= set(texts(drawn[0]))
    assert {"68 % interval (stamps)", "std. dev. (realisations)"} <= set(texts(drawn[0]))
    assert drawn[0].get_suptitle().replace("\n", " ") == f"{LABEL}, BlendHunter, n = 8,000"
    interval, curve = drawn[0].axes[0].containers[:2]
    assert curve[0].get_ydata() == pytest.approx(80)
    assert bar(curve) == pytest.approx([79, 81])
    # The scatter of ratios of two binomial numbers.
    rng = np.random.default_rng(1)
    ratios = rng.binomial(8000, 0.9, 100_000) / rng.binomial(8000, 0.5, 100_000)
    assert np.ptp(bar(interval)) / 2 == pytest.approx(100 * ratios.std(), rel=0.02)


def test_there_is_no_error_relative_to_an_accuracy_of_zero(drawn):
    table = pd.DataFrame({"noise_sigma": LEVELS, "mean": np.nan, "std": np.nan, "subset": "all"})
    n = {"all": 80, "close": 48, "distant": 32, "blends": 40}
    draw_fig5(table, accuracies({"BlendHunter": 0.9, "SEP": 0.0}, n), 14.5, [], LABEL)
    assert not np.isfinite(drawn[0].axes[0].containers[0][2][0].get_segments()).any()


def test_shares_of_blends_and_of_isolated_stamps(drawn, tmp_path):
    rows = [
        (sigma, method, panel, realisation, 0.4 + 0.2 * realisation, 1.0, 48, 60)
        for sigma in LEVELS
        for method in ("BlendHunter", "SEP")
        for panel in ("close", "distant", "all")
        for realisation in (0, 1)
    ]
    names = ["noise_sigma", "method", "panel", "realisation", "true_positive", "true_negative"]
    names += ["n_blends", "n_isolated"]
    n = {"close": 48, "distant": 48, "blends": 48}
    numbers = accuracies({"BlendHunter": 0.5, "SEP": 0.7}, n)
    draw_fig6(pd.DataFrame(rows, columns=names), numbers, [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1380)
    titles = {f"{panel}\n48 blends, 60 isolated" for panel in PANELS.values()}
    assert titles | {"SEP, isolated", f"{LABEL}, BlendHunter, n = 108"} <= set(texts(drawn[0]))
    assert {"68 % interval (stamps)", "std. dev. (realisations)"} <= set(texts(drawn[0]))
    interval, curve, isolated = drawn[0].axes[0].containers[:3]
    assert curve[0].get_ydata() == pytest.approx(50)
    # Error bars of one standard deviation, of 40 and 60 %.
    assert bar(curve) == pytest.approx([40, 60])
    # Half of Wilson's interval of a half is 1 / (2 sqrt(n + 1)); that of all of n begins at
    # n / (n + 1).
    assert bar(interval) == pytest.approx([50 - 50 / 7, 50 + 50 / 7])
    assert bar(isolated) == pytest.approx([100 * 60 / 61, 100])
    # All blends count like half their number, since they have weights.
    assert bar(drawn[0].axes[2].containers[0]) == pytest.approx([40, 60])
