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
    rows = reproduction.our_rows(PUBLISHED, tables, {"x": 0.125}, HEADS)
    table = reproduction_table({"test": rows}, "farrens2022")
    assert not table.duplicated(["item", "quantity"]).any()
    mine = table.set_index("item")
    assert mine.loc["Sect. 2.5, close among blends, x", "published"] == pytest.approx(12.095)
    both = mine.loc["Sect. 4.3, SEP, close blends with as many isolated stamps"]
    assert both["published"] == 69.21
    # Labels are right for 45 % of the close blends and 93 % of the isolated stamps.
    assert both["reproduced"] == pytest.approx((45 + 93) / 2, abs=2.5)
    # 500 close blends and as many isolated stamps of the 8,000.
    assert both["n"] == 1000
    half = np.sqrt(0.69 * 0.31 / 1000)
    assert both["high"] - both["low"] == pytest.approx(200 * half, rel=0.2)
    gain = mine.loc["Sect. 5, largest gain on realistic close blends with as many isolated stamps"]
    # BlendHunter: 78 % of the close blends, 93.5 % of the isolated stamps at noise 5.
    assert gain["reproduced"] == pytest.approx((78 + 93.5 - 45 - 93) / 2, abs=3)
    assert gain["quantity"].startswith("points")
    epochs = mine.loc["Sect. 3.2.2, mean over heads"]
    # The standard error of 60 and 70 epochs.
    assert epochs[["reproduced", "n"]].tolist() == [65, 2]
    assert epochs["high"] == pytest.approx(65 + 5 / np.sqrt(2))
    assert epochs["status"] == "agrees"
    # No failure in n stamps: one of n + 1 is not excluded.
    failures = mine.loc["Sect. 4.1, SEP's failures, realistic"]
    assert (failures["reproduced"], failures["status"]) == (0, "agrees")
    assert failures["high"] == pytest.approx(100 / (failures["n"] + 1))
    item = "overall_accuracy.ipynb, SEP without a detection or with an exception, realistic"
    assert mine.loc[item, "published"] == 0.15
    # A better SEP is no better reproduction.
    of_sep = table["item"].str.contains(", SEP,|SEP$|SEP without")
    assert of_sep.sum() == 3 + 7 + 2 + 1
    assert set(table.loc[of_sep, "better"].fillna("")) == {""}


def test_curves_are_compared_at_their_noise_levels(tables):
    rows = reproduction.figure_rows(PUBLISHED, tables)
    table = reproduction_table({"test": rows}, "farrens2022").set_index("item")
    assert len(table) == 2 * 7 + 3 * 7 + 2 * 7 + 2
    # Trained at 5, 15 and 35; the paper's other four levels are not run.
    for item in ("Fig. 4, SEP, noise", "Fig. 5, all, training noise"):
        run = [table.loc[f"{item} {sigma}", "status"] != "not run" for sigma in range(5, 36, 5)]
        assert run == [True, False, True, False, False, False, True]
    found = table.loc["Fig. 4, BlendHunter, noise 5"]
    share = tables["parametric"].query(
        "method == 'BlendHunter' and subset == 'all' and noise_sigma == 5"
    )["accuracy"]
    assert found["reproduced"] == pytest.approx(100 * share.mean())
    # 97.5 was read off to 0.3.
    assert "97.2 to 97.8" in found["quantity"]
    right = table.loc["Fig. 6, blends right, BlendHunter, training noise 5"]
    # Printed as 0.380 of all stamps, of which blends are a half.
    assert "75.9 to 76.1" in right["quantity"]
    assert table.loc["Fig. 6, isolated right, SEP", "reproduced"] == pytest.approx(93, abs=1)


def test_failures_are_weighted_and_have_the_error_of_their_galaxies(tables):
    failed = tables["realistic"].assign(failed_share=0.02, failed_error=0.004)
    rows = reproduction.failure_rows(PUBLISHED, {"realistic": failed})
    for row in rows:
        assert row.reproduced == 2
        assert row.high - row.low == pytest.approx(0.8, rel=0.05)


def test_sep_by_other_rules_is_not_compared_with_the_paper(tables):
    rules = {"authors": "no_oracle", "section_4_1": "authors"}
    method = {"no_oracle": "SEP", "authors": "SEP (authors)"}
    other = dict(tables)
    for name in ("parametric", "realistic"):
        labels = tables[name]["sep_labels"].replace(rules)
        names = labels.map(method).fillna("BlendHunter")
        accuracy = tables[name]["accuracy"].where(names != "SEP", 0.01)
        other[name] = tables[name].assign(sep_labels=labels, method=names, accuracy=accuracy)
    rows = reproduction.our_rows(PUBLISHED, tables, {}, HEADS)
    expected = reproduction_table({"test": rows}, "farrens2022").set_index("item")
    # There are no rows by the rules of Sect. 4.1, for the failures, any more.
    for name in ("parametric", "realistic"):
        failures = tables[name][tables[name]["sep_labels"] == "section_4_1"]
        other[name] = pd.concat([other[name], failures], ignore_index=True)
    rows = reproduction.our_rows(PUBLISHED, other, {}, HEADS)
    found = reproduction_table({"test": rows}, "farrens2022").set_index("item")
    for item in ("Sect. 4.3, SEP, all", "Fig. 4, SEP, noise 15", "Fig. 6, isolated right, SEP"):
        assert found.loc[item, "reproduced"] == pytest.approx(expected.loc[item, "reproduced"])
    item = "Fig. 4, BlendHunter, noise 15"
    assert found.loc[item, "reproduced"] == expected.loc[item, "reproduced"]
    of_gain = found[found.index.str.contains("gain|Fig. 5|deficit")]
    assert set(of_gain["status"]) == {"not run"} and len(of_gain) == 1 + 3 + 21


def test_no_distant_blends_are_no_deficit_of_zero(tables):
    none = tables["realistic"].assign(gain=np.nan)
    rows = list(reproduction.relative_rows(PUBLISHED, none))
    deficit = reproduction_table({"test": rows}, "farrens2022").iloc[2]
    assert "deficit" in deficit["item"]
    assert deficit["status"] == "not run"


def test_a_gain_on_distant_blends_is_no_deficit(tables):
    better = tables["realistic"].assign(gain=0.02, gain_error=0.005)
    deficit = list(reproduction.relative_rows(PUBLISHED, better))[2]
    assert (deficit.reproduced, deficit.low, deficit.high) == (0, 0, 0)


def test_a_share_of_close_blends_that_is_set_is_no_result(tmp_path):
    table = pd.DataFrame(0.0, index=range(4), columns=list(TABLE_COLUMNS))
    table = table.assign(is_blend=[0, 1, 1, 1], galaxy_1="a", galaxy_2="b", weight=1.0)
    table["distance_px"] = [np.nan, 9.0, 11.0, 30.0]
    write_sample(tmp_path / "test.h5", [(np.ones((4, 8, 8), np.float32), table)], 4)
    samples = {"parametric": {"close_fraction": None}, "realistic": {"close_fraction": 0.5}}
    found = reproduction.close_shares(samples, 2 * [tmp_path / "test.h5"])
    assert found["parametric"] == pytest.approx(1 / 3)
    assert np.isnan(found["realistic"])
