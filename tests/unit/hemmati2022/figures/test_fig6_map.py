"""Figure 6 of Hemmati et al. 2022, with a made-up map."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from deblend.hemmati2022.figures.fig6_map import draw_fig6

from tests.figures import opens, texts
from tests.unit.hemmati2022.test_claims import SOM

LABEL = "toy scale, cut-outs made_up"


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
