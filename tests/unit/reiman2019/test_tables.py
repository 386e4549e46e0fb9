"""Table 1 of Reiman & Goehre 2019, of made-up galaxies."""

import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.config import scored_methods
from deblend.reiman2019.figures.science import LOOKS
from deblend.reiman2019.tables import METHOD_NAMES, NAMES, all_scores_table, blending_table, table1

from tests.unit.reiman2019.conftest import PUBLISHED, N, tables


def test_table_1_has_the_shape_of_the_papers():
    mine = tables()["scores"]
    found = table1(mine).set_index("Imaging Metrics")
    assert list(found.index) == ["PSNR (dB)", "SSIM"]
    assert list(found) == ["Mean", "Median", "Max", "Min", "Var"]
    gan = mine[mine["method"] == "gan"]
    assert found.loc["PSNR (dB)", "Var"] == pytest.approx(gan["psnr_db"].var(ddof=0))
    assert found.loc["SSIM", "Median"] == pytest.approx(gan["ssim_authors_code"].median())


def test_all_scores_stand_beside_the_published_ones():
    mine = tables()["scores"]
    found = all_scores_table(mine, PUBLISHED["table1"])
    assert len(found) == 3 * len(NAMES) * mine["method"].nunique() + 2
    found = found.set_index(["Score", "Galaxies", "Method"])
    assert found.loc[("PSNR (dB)", "both", "Published"), "Mean"] == 34.61
    assert np.isnan(found.loc[("PSNR (dB)", "both", "Published"), "Max"])
    assert found.loc[("SSIM, authors' code", "both", "Published"), "Min"] == 0.576
    companions = mine[(mine["method"] == "black") & (mine["galaxy"] == "companion")]
    row = found.loc[("SSIM on [0, 1], range 1", "companion", "Black image")]
    assert row["Mean"] == pytest.approx(companions["ssim"].mean())
    assert row["n"] == N
    assert found.loc[("PSNR (dB)", "both", "GAN"), "Nearer (%)"] == 100
    assert found.loc[("PSNR (dB)", "both", "Blend itself"), "Nearer (%)"] == 0


def test_methods_without_a_name_come_last():
    mine = tables()["scores"]
    other = mine[mine["method"] == "mse"].assign(method="another")
    found = all_scores_table(pd.concat([mine, other], ignore_index=True), PUBLISHED["table1"])
    methods = found[(found["Score"] == "PSNR (dB)") & (found["Galaxies"] == "both")]["Method"]
    names = [name for method, name in METHOD_NAMES.items() if method in set(mine["method"])]
    assert methods.tolist() == ["Published", *names, "another"]


@pytest.mark.parametrize("generator", ["residual_branches", "copy_gate"])
def test_every_method_has_a_name_and_a_colour(generator):
    names = {"residual_branches", "copy_gate"} - {generator}
    section = {
        "network": {"generator": generator},
        "other_generator": {"generator": names.pop()},
        "batch_statistics": True,
    }
    methods = scored_methods(section)
    assert {name for name in methods if name.endswith("_batch")}
    assert set(methods) <= set(METHOD_NAMES)
    assert {name.removesuffix("_batch") for name in methods} <= set(LOOKS)


def test_both_blendings_are_compared_and_the_published_numbers_are_those_of_one():
    mine = tables()["scores"]
    found = blending_table({"max": mine, "sum": mine}, PUBLISHED["table1"], "max")
    one = all_scores_table(mine, PUBLISHED["table1"])
    assert len(found) == 2 * len(one) - 2
    assert found.groupby("Blending")["Trained on it"].first().to_dict() == {
        "max": True,
        "sum": False,
    }
    assert set(found.loc[found["Method"] == "Published", "Blending"]) == {"max"}
