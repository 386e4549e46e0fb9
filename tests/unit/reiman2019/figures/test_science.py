"""Errors of flux, colour, size and shape, with made-up numbers."""

import pandas as pd
from deblend.reiman2019.figures.science import draw_science
from deblend.reiman2019.science import QUANTITIES

from tests.figures import opens, texts

METHODS = {"gan": 0.1, "gan_batch": 0.2, "sep": 0.3, "blend": 0.4}


def test_each_method_is_a_line_against_separation_and_flux_ratio(drawn, tmp_path):
    rows = [
        (method, galaxy, quantity, by, low, 4 * low, 50, 5 * (method == "sep"), bias, 0.02, 0.5)
        for method, bias in METHODS.items()
        for galaxy in ("central", "companion")
        for quantity in QUANTITIES
        for by, edges in (("all", [1]), ("separation_px", [5, 6]), ("flux_ratio", [0.5, 2]))
        for low in edges
    ]
    columns = ["method", "galaxy", "quantity", "by", "from", "to", "n", "failures", "median"]
    table = pd.DataFrame(rows, columns=[*columns, "median_error", "nmad"]).assign(nmad_error=0.1)
    draw_science(table, [tmp_path / "science.png"], "toy scale")
    opens(tmp_path / "science.png", 1380)
    axes = drawn[0].axes
    assert len(axes) == 2 * len(QUANTITIES) * 4
    for axis in axes:
        assert len(axis.containers) == len(METHODS)
    of_separation, of_ratio, scatter = (axes[i].containers[0].lines[0] for i in (0, 1, 2))
    assert of_separation.get_xdata().tolist() == [12.5, 15]
    assert of_ratio.get_xdata().tolist() == [1, 4]  # the geometric mean
    assert of_ratio.get_ydata().tolist() == [0.1, 0.1]
    assert scatter.get_ydata().tolist() == [0.5, 0.5]
    assert "toy scale, n = 100" in texts(drawn[0])
    assert "SEP (10 % missing)" in texts(drawn[0])
    assert "GAN" in texts(drawn[0])
