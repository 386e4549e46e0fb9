"""Figures 4 and 5 of Reiman & Goehre 2019, with made-up scores."""

import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.figures.fig4_5_scores import FIG4, FIG5, distributions, draw_distributions

from tests.figures import opens, texts

LABEL = "toy scale, images made up"


def test_distributions_are_of_all_images(drawn, tmp_path, scored):
    table = scored[2].copy()
    table.loc[table["method"].eq("blend") & table["blend"].eq(3), "psnr_db"] = np.inf
    for name, quantities, published in (
        ("fig4", FIG4, {"mean": 34.61, "sigma": 2.2}),
        ("fig5", FIG5, {"mean": 0.928, "sigma": 0.032}),
    ):
        found = distributions(table, quantities)
        assert found.groupby(["quantity", "method"])["share"].sum().to_numpy() == pytest.approx(1)
        draw_distributions(found, published, [tmp_path / f"{name}.png"], LABEL)
        opens(tmp_path / f"{name}.png", 1380)
        panels = [axis for axis in drawn[-1].axes if axis.get_xlabel()]
        assert len(panels) == len(quantities)
        written = texts(drawn[-1])
        for quantity, axis in zip(quantities, panels, strict=True):
            gan = table.loc[table["method"] == "gan", quantity]
            digits = 2 if name == "fig4" else 3
            expected = (
                f"GAN: mean {gan.mean():.{digits}f}, $\\sigma$ = {gan.std(ddof=0):.{digits}f}"
            )
            assert expected in axis.get_title()
        assert f"{LABEL}, deblender_gan and deblender_mse, n = 24" in written
        # The bins that are drawn hold all images.
        assert sum(panels[0].patches[0].get_data().values) == pytest.approx(1)
        assert any(f"published: {published['mean']}" in t for t in written)
    fig4 = distributions(table, FIG4).drop_duplicates(["quantity", "method"])
    assert fig4.set_index(["quantity", "method"]).loc[("psnr_db", "blend"), "n_infinite"] == 2
    # The other generator has a line of its own.
    other = table[table["method"] == "mse"].assign(method="copy_gate")
    found = distributions(pd.concat([table, other], ignore_index=True), FIG4)
    draw_distributions(found, {"mean": 34.61, "sigma": 2.2}, [tmp_path / "four.png"], LABEL)
    assert "copy gate" in texts(drawn[-1])
    assert any("deblender_mse and deblender_copy_gate" in text for text in texts(drawn[-1]))
    # A collapsed generator, whose images are all equal, can be drawn too.
    alike = distributions(table.assign(ssim=0.5), ("ssim",))
    assert alike.groupby("method")["share"].sum().to_numpy() == pytest.approx(1)
