"""The paper's numbers and ours, of made-up galaxies and histories."""

import math

import pandas as pd
import pytest
from deblend.reiman2019 import reproduction
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.reproduction import burn_in_batches, escape_batches
from deblend.report.numbers import reproduction_table

from tests.unit.reiman2019.conftest import PUBLISHED, N, history, tables


def test_numbers_compared_with_the_papers():
    mine = tables()
    rows = [
        *reproduction.score_rows(PUBLISHED, mine["scores"]),
        *reproduction.training_rows(PUBLISHED, mine["history"]),
    ]
    table = reproduction_table({"test": rows}, "reiman2019")
    assert not table.duplicated(["item", "quantity"]).any()
    found = table.set_index(["item", "quantity"])
    gan = mine["scores"][mine["scores"]["method"] == "gan"]
    row = found.loc[("Table 1, PSNR, mean", "psnr_db")]
    assert (row["published"], row["n"]) == (34.61, 2 * N)
    assert row["reproduced"] == pytest.approx(gan["psnr_db"].mean())
    row = found.loc[("Fig. 5, SSIM, sigma", "ssim_authors_code")]
    assert row["reproduced"] == pytest.approx(gan["ssim_authors_code"].std(ddof=0))
    assert ("Table 1, PSNR, max", "psnr_db") not in found.index  # the paper's text lacks it
    assert found.loc[("Fig. 5, SSIM, max", "ssim_authors_code"), "published"] == 0.982
    mean = found.loc[("Table 1, PSNR, mean", "psnr_db")]
    # Two images of one blend are not independent, if that makes the error larger.
    of_blends = gan.groupby("blend")["psnr_db"].mean()
    errors = of_blends.std() / math.sqrt(N), gan["psnr_db"].std() / math.sqrt(2 * N)
    assert mean["high"] - mean["reproduced"] == pytest.approx(max(errors), rel=0.03)
    assert mean["ratio"] == pytest.approx(10 ** (-mean["difference"] / 10))
    ssim = found.loc[("Table 1, SSIM, mean", "ssim_authors_code")]
    assert ssim["ratio"] == pytest.approx((1 - ssim["reproduced"]) / (1 - 0.928))
    # One reading of each score is compared.
    assert set(table["quantity"]) == {"psnr_db", "ssim_authors_code", "batches_at_most"}
    limit = found.loc[("Sect. 2.2.2, burn-in until images are not black", "batches_at_most")]
    assert limit["status"] == "agrees"


def test_sizes_that_the_configuration_sets_stand_beside_the_papers():
    record = GanConfig().model_dump() | {"n_images": 141553, "n_train_blends": 320000}
    scores = tables()["scores"]

    def compared(**changed):
        rows = list(reproduction.configuration_rows(PUBLISHED, record | changed, scores))
        table = reproduction_table({"test": rows}, "reiman2019", papers_data=False)
        assert not table["depends_on_data"].any()
        assert not table.duplicated(["item", "quantity"]).any()
        return table.set_index(["item", "quantity"])

    found = compared()
    tests = found.index.get_level_values("item") == "Sect. 3, test"
    assert (found.loc[~tests, "status"] == "agrees").all(), found["status"]
    assert found.loc[("Sect. 3, test", "blends"), "reproduced"] == N
    drop = found.loc["Sect. 2.4, before the drop", "reproduced"]
    assert (drop["images"], drop["epochs"]) == (1_600_000, 5)
    ours = compared(generator="copy_gate", schedule="cosine", n_train_blends=None)["status"]
    assert ours["Sect. 2.1, residual blocks, root", "blocks"] == "not run"
    assert set(ours["Sect. 2.4, before the drop"]) == {"not run"}
    assert ours["Sect. 2.4, last learning rate", "rate"] == "not run"
    assert compared(n_train_blends=None)["status"].eq("not run").sum() == 1  # epochs
    assert compared(burn_in_iterations=0)["status"]["Sect. 2.2.2, burn-in"].item() == "not run"


def test_a_burn_in_of_a_few_batches_is_no_measurement():
    short = history().assign(iteration=lambda table: table["iteration"] / 200)
    (row,) = reproduction.training_rows(PUBLISHED, short)
    assert math.isnan(row.reproduced)


def test_what_did_not_run_is_said_so():
    rows = list(reproduction.training_rows(PUBLISHED, history(burn_in=0)))
    table = reproduction_table({"test": rows}, "reiman2019")
    assert table["status"].tolist() == ["not run"]


def test_escape_batches_of_a_short_history():
    course = pd.DataFrame(
        {
            "iteration": [10, 20, 30, 40, 50, 60],
            "phase": ["burn_in"] * 5 + ["gan"],
            "brightness_ratio": [3.0, 1.0, 0.1, 0.6, 1.9, 0.01],
        }
    )
    assert escape_batches(course) == 40  # at 30 the images are dark again
    assert burn_in_batches(course) == 50
    assert math.isnan(escape_batches(course[course["phase"] == "gan"]))
    assert math.isnan(escape_batches(course.iloc[:3]))
    assert burn_in_batches(course.iloc[5:]) == 0
