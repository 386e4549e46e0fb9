"""Figures 5 and 9 of Hemmati et al. 2022, with made-up detections."""

import numpy as np
import pytest
from deblend.hemmati2022.figures.fig5_9_detections import (
    FIG5,
    FIG9,
    binned_fractions,
    draw_fractions,
)
from matplotlib.collections import LineCollection

from tests.figures import opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column
from tests.unit.hemmati2022.test_claims import EASE, blends


def test_fractions_in_bins(drawn, tmp_path):
    table = binned_fractions(blends(), FIG5)
    assert set(table["quantity"]) == set(FIG5)
    assert set(table["resolution"]) == set(EASE)
    draw_fractions(table, FIG5, 5000, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 1380)
    assert stands_in_a_column(drawn[0], "sr, n = 5,000")
    # Both readings of the paper's separation divided by sizes come first.
    labels = [axis.get_xlabel() for axis in drawn[0].axes[4:]]
    assert labels[:2] == ["separation / ΣFWHM", "separation / √ΣFWHM (√px)"]
    panel = drawn[0].axes[0]
    mine = table[(table["quantity"] == FIG5[0]) & (table["resolution"] == "high")]
    curve = panel.lines[0]
    assert curve.get_ydata() == pytest.approx(mine["fraction"].to_numpy())
    intervals = next(c for c in panel.collections if isinstance(c, LineCollection))
    ends = np.array([segment[:, 1] for segment in intervals.get_segments()])
    assert ends == pytest.approx(mine[["low", "high"]].to_numpy())
    # Each interval runs through its mark, and marks of different curves are side by side.
    assert [s[0, 0] for s in intervals.get_segments()] == pytest.approx(curve.get_xdata())
    marks = np.sort([line.get_xdata() for line in panel.lines], axis=0)
    assert (np.diff(marks, axis=0) > 0).all()
    low_end, high_end = mine[["bin_low", "bin_high"]].to_numpy().T
    assert (marks > low_end).all()
    assert (marks < high_end).all()
    # Areas are behind all curves and intervals.
    areas = [c for c in panel.collections if not isinstance(c, LineCollection)]
    assert max(a.get_zorder() for a in areas) < min(
        c.get_zorder() for c in (curve, intervals, *panel.lines)
    )
    assert {"high, best filter", "low, best filter"} <= set(texts(drawn[0]))
    draw_fractions(table, FIG9, 5000, [tmp_path / "fig9.png"], LABEL, multi=True)
    opens(tmp_path / "fig9.png", 660)
    assert stands_in_a_column(drawn[1], "sr, sr_multi, n = 5,000")
    assert "GAN, multi-band" in texts(drawn[1])
    assert "GAN, multi-band" not in texts(drawn[0])


def test_missing_quantities_are_noted(drawn):
    table = binned_fractions(blends().assign(delta_z=np.nan, detected_gan_multi=np.nan), FIG5)
    assert "delta_z" not in set(table["quantity"])
    draw_fractions(table, FIG5, 5000, [], LABEL)
    assert "no redshifts" in texts(drawn[0])
    draw_fractions(table, FIG9, 5000, [], LABEL, multi=True)
    warning = "multi-band network not trained"
    assert stands_in_a_column(drawn[1], "sr, sr_multi, n = 5,000", warning)
    nothing = binned_fractions(blends().head(0), FIG5)
    draw_fractions(nothing, FIG5, 0, [], LABEL)
    assert texts(drawn[2]).count("no blends") == 3
