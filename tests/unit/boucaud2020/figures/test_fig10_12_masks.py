"""Figures 10 to 12: masks."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig10_12_masks import (
    draw_fig10,
    draw_fig11,
    draw_fig12,
    examples_table,
    fig12_data,
    fig12_statistics,
    read_examples,
)
from deblend.errors import DeblendError

from tests.figures import texts


def examples(seed=0, blend=(3, 8)):
    rng = np.random.default_rng(seed)
    n = len(blend)
    return {
        "blend": np.array(blend),
        "image": rng.normal(0, 0.01, (n, 16, 16)),
        "true": (rng.uniform(size=(n, 16, 16, 2)) > 0.5).astype(np.uint8),
        "predicted": rng.uniform(size=(n, 16, 16, 2)),
    }


def test_figure_12_averages_both_galaxies_and_ignores_who_is_central(tmp_path):
    iou = pd.DataFrame(
        {
            "blend": [0, 0, 1, 1, 2, 2],
            "galaxy": ["central", "companion"] * 3,
            "network": "unet",
            "iou": [0.8, 0.6, 0.9, 0.9, np.nan, np.nan],
        }
    )
    catalog = pd.DataFrame(
        {"id": [0, 1, 2], "g1_type": ["sph", "irr", "sph"], "g2_type": ["irr", "sph", "sph"]}
    )
    data = fig12_data(iou, catalog)
    assert data["pair"].tolist()[0] == data["pair"].tolist()[1] == "sph / irr"
    numbers = fig12_statistics(data).set_index("pair")
    assert numbers.loc["all", "mean_iou"] == pytest.approx(0.8)
    assert numbers.loc["all", "n_undefined"] == 1
    assert numbers.loc["sph / irr", "n"] == 2
    draw_fig12(data, numbers.reset_index(), [tmp_path / "fig12.png"], "one network")
    assert (tmp_path / "fig12.png").stat().st_size > 1000


def test_figures_10_and_11_are_drawn_alike_twice(drawn, tmp_path):
    with h5py.File(tmp_path / "masks.h5", "w") as file:
        for name, values in examples().items():
            file[name] = values
    shown = {"unet": read_examples(tmp_path / "masks.h5"), "blend2mask2flux": examples(1)}
    table = examples_table(shown)
    assert len(table) == 8
    for i in "ab":
        draw_fig10(shown["blend2mask2flux"], 0.01, 0.06, [tmp_path / f"{i}10.pdf"], "x")
        draw_fig11(shown, 0.06, [tmp_path / f"{i}11.pdf"], "x")
    for figure in drawn[:2]:
        assert {"truth\ncentral", "truth\ncompanion"} <= set(texts(figure))
    for n in ("10", "11"):
        assert (tmp_path / f"a{n}.pdf").read_bytes() == (tmp_path / f"b{n}.pdf").read_bytes()
    with pytest.raises(DeblendError, match=r"blends \[3, 8\], .* \[3, 9\]"):
        draw_fig11({**shown, "blend2mask2flux": examples(1, (3, 9))}, 0.06, [], "x")
