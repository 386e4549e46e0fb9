"""Figures 5 and 9 of Hemmati et al. 2022, with made-up detections."""

import numpy as np
import pytest
from deblend.hemmati2022.figures.fig5_9_detections import (
    FIG5,
    FIG9,
    binned_fractions,
    draw_fractions,
)

from tests.figures import opens, texts
from tests.unit.hemmati2022.test_claims import EASE, blends

LABEL = "toy scale, cut-outs made_up"


def test_fractions_in_bins(drawn, tmp_path):
    table = binned_fractions(blends(), FIG5)
    assert set(table["quantity"]) == set(FIG5)
    assert set(table["resolution"]) == set(EASE)
    draw_fractions(table, FIG5, [tmp_path / "fig5.png"], LABEL)
    opens(tmp_path / "fig5.png", 1440)
    # Both readings of the paper's separation divided by sizes come first.
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


def test_missing_quantities_are_noted(drawn):
    table = binned_fractions(blends().assign(delta_z=np.nan, detected_gan_multi=np.nan), FIG5)
    assert "delta_z" not in set(table["quantity"])
    draw_fractions(table, FIG5, [], LABEL)
    assert "no redshifts" in texts(drawn[0])
    draw_fractions(table, FIG9, [], LABEL, multi=True)
    assert "multi-band network not trained" in texts(drawn[1])
    nothing = binned_fractions(blends().head(0), FIG5)
    draw_fractions(nothing, FIG5, [], LABEL)
    assert texts(drawn[2]).count("no blends") == 3
