"""Tables 1, 2 and 3, and how they look in LaTeX."""

import statistics

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.tables import table1, table2, table2_tex, table3
from deblend.errors import DeblendError

from tests.conftest import ROOT

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["boucaud2020"]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.fixture
def truth():
    table = pd.DataFrame({"mag_central": [20.0, 21.0], "mag_companion": [22.0, 20.5]})
    table[["id_central", "id_companion"]] = [["a", "b"], ["c", "d"]]
    table.index = pd.Index([4, 7], name="blend")
    return table


def predictions(blend, factors, mags):
    flux = np.asarray(factors) * 10 ** (0.4 * (24.0 - np.asarray(mags)))
    return prediction_table(np.array(blend), flux, "x", np.full((1, 2), 24.0))


def test_errors_stand_beside_the_published_ones(truth):
    mags = truth[["mag_central", "mag_companion"]].to_numpy()
    good = predictions([4, 7], [[1.1, 0.9], [0.8, 1.0]], mags)
    bad = predictions([7, 4], [[1.5, -1.0], [1.0, 1.0]], mags[::-1])
    table = table2(
        {
            "big": ({"n_parameters": 25_696_002, "options": {"filters": 256}}, good),
            "own": ({"n_parameters": 1000, "options": {"filters": 16}}, bad),
        },
        truth,
        PUBLISHED,
        n_resamples=200,
        seed=1,
    )
    assert table["network"].tolist() == ["own", "big"]
    own, big = table.iloc[0], table.iloc[1]
    assert big["central_percent"] == pytest.approx(statistics.fmean([10, 20]))
    assert big["companion_percent"] == pytest.approx(statistics.fmean([10, 0]))
    assert big["total_percent"] == pytest.approx(10)
    # Two values of different galaxies, 10 and 20 %.
    half = (big["central_percent_high"] - big["central_percent_low"]) / 2
    assert half == pytest.approx(5 / np.sqrt(2), rel=0.15)
    assert (big["central_published"], big["companion_published"]) == (8.39, 8.01)
    assert big["total_published"] == 8.20
    assert big["n_parameters_million"] == pytest.approx(
        big["n_parameters_million_published"], abs=0.05
    )
    # The flux that is not positive counts in full: |-1 - 1| = 200 %.
    assert own["companion_percent"] == pytest.approx(100)
    assert np.isnan(own["total_published"])
    assert list(table2_tex(table).columns)[0] == "Initial filters"


def test_predictions_of_another_run_are_refused(truth):
    record = {"n_parameters": 1, "options": {"filters": 8}}
    with pytest.raises(DeblendError, match="net has no prediction for 1 of 2 blends"):
        table2(
            {"net": (record, predictions([4], [[1, 1]], [[20, 22]]))},
            truth,
            PUBLISHED,
            n_resamples=0,
            seed=1,
        )


def test_settings_at_paper_scale_are_the_published_ones():
    sep = CONFIG["boucaud2020"]["sep"]
    table = table3(sep["hot"], sep["cold"], PUBLISHED["table3"])
    # The paper does not give the box of the background.
    assert table.iloc[-1].tolist() == ["Background box (pixels)", "8", "8", "", ""]
    assert (table["Hot"] == table["Hot (published)"])[:-1].all()
    assert (table["Cold"] == table["Cold (published)"])[:-1].all()
    assert table["Hot"].tolist() == ["4", "6", "0.0001", "64", "8"]
    other = table3(sep["cold"], sep["cold"], PUBLISHED["table3"])
    assert (other["Hot"] != other["Hot (published)"]).any()


TABLE_1 = {
    "before_inspection": {"sph": 386, "disk": 473, "sphd": 884, "irr": 875, "total": 2618},
    "after_inspection": {"sph": 352, "disk": 433, "sphd": 702, "irr": 432, "total": 1919},
}


def test_table_1_counts_galaxies_before_and_after_inspection(tmp_path):
    kept = pd.DataFrame({"morphology": ["sph", "sph", "disk", "irr"]})
    excluded = pd.DataFrame(
        [
            ("touching", "irr"),
            ("rejected", "sphd"),
            ("magnitude", "sph"),  # not in the selection
            ("morphology", ""),
            ("bad_pixels", ""),
        ],
        columns=["reason", "morphology"],
    )
    table = table1(kept, excluded, TABLE_1).set_index("morphology")
    assert table["before"].to_dict() == {"sph": 2, "disk": 1, "sphd": 1, "irr": 2, "total": 6}
    assert table["after"].to_dict() == {"sph": 2, "disk": 1, "sphd": 0, "irr": 1, "total": 4}
    assert table["published_after"].to_dict() == TABLE_1["after_inspection"]


def test_table_1_of_a_data_set_without_classes():
    kept = pd.DataFrame({"morphology": ["unknown", "unknown"]})
    excluded = pd.DataFrame({"reason": ["touching"], "morphology": ["unknown"]})
    table = table1(kept, excluded, TABLE_1).set_index("morphology")
    assert table.loc["unknown", ["before", "after"]].tolist() == [3, 2]
    assert table["published_before"].isna().tolist() == [False] * 4 + [True, False]
