"""Accuracies against magnitude, made up."""

import pandas as pd
import pytest
from deblend.farrens2022.figures.fig5_magnitudes import draw_magnitudes

from tests.figures import opens, texts

LABEL = "toy scale, real stamps (made up)"


def rows(against, kind, low, n_galaxies=20):
    values = {"against": against, "kind": kind, "bin_low_mag": low, "bin_high_mag": low + 0.8}
    table = pd.DataFrame(
        {
            "method": ["BlendHunter", "SEP"],
            "noise_sigma": [15.0, None],
            "accuracy": [0.9, 0.8],
            "low": [0.85, 0.7],
            "high": [0.93, 0.85],
        }
    )
    return table.assign(**values, n_galaxies=n_galaxies)


def test_points_are_in_their_bins_with_the_limit_of_the_training(drawn, tmp_path):
    table = [
        rows("fainter_mag", kind, low) for kind in ("blends", "isolated") for low in (24.4, 25.2)
    ]
    # A bin with too few galaxies is not drawn, which leaves the last panel empty.
    table = pd.concat(
        [*table, rows("fainter_mag", "blends", 20.4, 2), rows("delta_mag", "blends", 1.0, 2)]
    )
    draw_magnitudes(table, 25.2, [tmp_path / "fig5_magnitudes.png"], LABEL, 4000)
    opens(tmp_path / "fig5_magnitudes.png", 1380)
    figure = drawn[0]
    axis = figure.axes[0]
    assert [c[0].get_xdata() for c in axis.containers] == [
        pytest.approx([24.8, 25.6], abs=0.1) for _ in range(2)
    ]
    assert axis.containers[0][0].get_ydata() == pytest.approx(90)
    assert axis.containers[1][2][0].get_segments()[0][:, 1] == pytest.approx([70, 85])
    assert [
        line.get_xdata()[0] for line in axis.lines if line.get_label() == "end of training"
    ] == [25.2]
    assert figure.get_suptitle().replace("\n", " ") == f"{LABEL}, BlendHunter, n = 4,000"
    assert "fewer than 3 galaxies in each bin" in texts(figure)
    assert r"BlendHunter, trained at $\sigma_{\rm noise}$ = 15" in texts(figure)
