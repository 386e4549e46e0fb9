"""Figure 6 of Hemmati et al. 2022, with a made-up map."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.figures.fig6_map import NO_PEAK, ONE_PEAK, cell_colours, draw_fig6
from matplotlib.colors import to_rgb

from tests.figures import opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column
from tests.unit.hemmati2022.test_claims import SOM


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


def test_map_of_blends(drawn, tmp_path):
    table = cells()
    draw_fig6(table, SOM, [tmp_path / "fig6.png"], LABEL)
    opens(tmp_path / "fig6.png", 1380)
    n = table["n"].sum()
    assert stands_in_a_column(drawn[0], "sr", f"n = {n:,}")
    found = texts(drawn[0])
    assert "no redshifts" in found
    assert any("32 × 24 cells\n6.5 ± 3.2 blends a cell" in t for t in found)
    image = next(i for a in drawn[0].findobj(plt.Axes) for i in a.images)
    image = np.ma.filled(image.get_array(), np.nan)
    assert image.shape == (32, 24)
    assert np.isnan(image).sum() == (table["n"] == 0).sum()
    occupied = table[table["n"] > 0].iloc[40]
    assert image[int(occupied["row"]), int(occupied["column"])] == occupied["separation_arcsec"]


def test_one_peak_and_none_have_two_colours():
    """Cells: all detected, all with one peak, none with a peak, half and half, empty."""
    detected = np.array([[1.0, 0.0, 0.0, 0.0, np.nan]])
    none = np.array([[0.0, 0.0, 1.0, 0.5, np.nan]])
    all_two, one, no_peak, mixed, empty = cell_colours(detected, none)[0]
    assert one[:3] == pytest.approx(to_rgb(ONE_PEAK))
    assert no_peak[:3] == pytest.approx(to_rgb(NO_PEAK))
    assert mixed == pytest.approx((one + no_peak) / 2)
    assert np.abs(all_two - one).max() > 0.3
    assert [c[3] for c in (all_two, one, no_peak, mixed, empty)] == [1, 1, 1, 1, 0]
    # Tables without the numbers of peaks tell detected and not detected apart only.
    assert np.array_equal(
        cell_colours(detected, np.full((1, 5), np.nan))[0, :2], np.array([all_two, one])
    )
