"""The paper's numbers and ours, of made-up galaxies and histories."""

import math

import pandas as pd
import pytest
from deblend.reiman2019 import reproduction
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
    # What the configuration sets is no result.
    assert not {"n_images", "n_blends", "iterations", "batch_size"} & set(table["quantity"])


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
