"""The paper's numbers and ours, of made-up accuracies."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022 import reproduction
from deblend.farrens2022.stamps import TABLE_COLUMNS, write_sample
from deblend.report.numbers import reproduction_table

from tests.unit.farrens2022.conftest import PUBLISHED

#: Two heads whose training ended on a plateau, and one that was stopped by the configuration.
HEADS = [
    {"n_epochs": 60, "converged": True},
    {"n_epochs": 70, "converged": True},
    {"n_epochs": 500, "converged": False},
]


def test_numbers_are_compared_with_the_papers(tables):
    rows = [
        *reproduction.close_rows(PUBLISHED["close_blends"], {"x": 0.125}),
        *reproduction.sep_rows(
            PUBLISHED["sep_accuracy_percent"], tables["realistic"], tables["confusion"]
        ),
        *reproduction.training_rows({"epochs": 70}, HEADS),
        *reproduction.gain_rows(PUBLISHED, tables["by_distance"]),
        *reproduction.relative_rows(PUBLISHED, tables["realistic"], tables["confusion"]),
        *reproduction.failure_rows(1, {"x": tables["realistic"]}),
    ]
    table = reproduction_table({"test": rows}, "farrens2022")
    assert not table.duplicated(["item", "quantity"]).any()
    mine = table.set_index("item")
    assert mine.loc["Sect. 2.5, close among blends, x", "published"] == pytest.approx(12.095)
    assert mine.loc["Sect. 4.3, SEP, close blends", "reproduced"] == pytest.approx(69, abs=5)
    both = mine.loc["Sect. 4.3, SEP, close blends with as many isolated stamps"]
    assert both["reproduced"] == pytest.approx((69 + 93) / 2, abs=4)
    gain = "Sect. 5, largest relative gain on realistic close blends"
    # Labels are right for 78 and 69 % of the close blends, and 94 and 93 % of the isolated stamps.
    assert mine.loc[gain, "reproduced"] == pytest.approx(100 * (78 / 69 - 1), abs=8)
    both = mine.loc[f"{gain} with as many isolated stamps"]
    assert both["reproduced"] == pytest.approx(100 * ((78 + 94) / (69 + 93) - 1), abs=4)
    assert both["n"] == pytest.approx(2 * mine.loc[gain, "n"], abs=2)
    epochs = mine.loc["Sect. 3.2.2, mean over heads"]
    # The standard error of 60 and 70 epochs.
    assert epochs[["reproduced", "n"]].tolist() == [65, 2]
    assert epochs["high"] == pytest.approx(65 + 5 / np.sqrt(2))
    assert epochs["status"] == "agrees"
    assert mine.loc["Sect. 4.1, SEP's failures, x", "reproduced"] == 0
    assert mine.loc["Sect. 4.1, SEP's failures, x", "status"] == "agrees"
    # No failure in n stamps: one of n + 1 is not excluded.
    failures = mine.loc["Sect. 4.1, SEP's failures, x"]
    assert failures["high"] == pytest.approx(100 / (failures["n"] + 1))


def test_no_distant_blends_are_no_deficit_of_zero(tables):
    none = tables["realistic"].assign(relative=np.nan)
    rows = list(reproduction.relative_rows(PUBLISHED, none, tables["confusion"]))
    deficit = reproduction_table({"test": rows}, "farrens2022").iloc[2]
    assert "deficit" in deficit["item"]
    assert deficit["status"] == "not run"


def test_a_share_of_close_blends_that_is_set_is_no_result(tmp_path):
    table = pd.DataFrame(0.0, index=range(4), columns=list(TABLE_COLUMNS))
    table = table.assign(is_blend=[0, 1, 1, 1], galaxy_1="a", galaxy_2="b", weight=1.0)
    table["distance_px"] = [np.nan, 9.0, 11.0, 30.0]
    write_sample(tmp_path / "test.h5", [(np.ones((4, 8, 8), np.float32), table)], 4)
    samples = {"parametric": {"close_fraction": None}, "realistic": {"close_fraction": 0.5}}
    found = reproduction.close_shares(samples, 2 * [tmp_path / "test.h5"])
    assert found["parametric"] == pytest.approx(1 / 3)
    assert np.isnan(found["realistic"])
