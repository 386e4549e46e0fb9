"""What was found about Reiman & Goehre 2019, from made-up trainings and scores."""

import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.findings import FINDINGS
from deblend.report.findings import NEITHER, findings_table

from tests.unit.reiman2019.conftest import PUBLISHED, tables


def found(**made):
    mine = {"scores": tables()["scores"]} | made
    return findings_table(mine, FINDINGS, "reiman2019", PUBLISHED["findings"]).set_index("finding")


def starts(without, batches=2000):
    rows = [(0, batches, value) for value in without] + [(60, batches + 60, 80.0)]
    return pd.DataFrame(rows, columns=["burn_in_batches", "batches", "lit_after"])


@pytest.mark.parametrize(
    ("without", "batches", "confirmed"),
    [
        ([240.0, 300.0, 1260.0], 2000, True),
        # A short training that ends in the dark shows nothing, a long one that the paper is right.
        ([240.0, np.nan], 2000, None),
        ([240.0, np.nan], 200_000, False),
        ([240.0, 150_000.0], 200_000, False),
    ],
)
def test_whether_images_stay_black_without_burn_in(without, batches, confirmed):
    row = found(starts=starts(without, batches)).loc["black_without_burn_in"]
    assert row["confirmed"] is confirmed
    assert f"{batches:,} batches ({len(without)} starts)" in row["numbers"]
    assert "with burn-in after 80 of" in row["numbers"]


@pytest.mark.parametrize("made", [{}, {"starts": starts([240.0])}, {"starts": starts([])}])
def test_one_start_or_none_is_no_finding(made):
    row = found(**made).loc["black_without_burn_in"]
    assert (row["numbers"], row["confirmed"], row["basis"]) == ("", None, NEITHER)


def test_the_range_of_the_authors_code_flatters_any_answer():
    row = found().loc["ssim_range"]
    assert row["confirmed"] is True
    assert row["numbers"].count("instead of") == 5
