from unittest import mock

import numpy as np
import pandas as pd
from deblend.boucaud2020.tables import table1
from deblend.tables import read_ecsv, write_csv, write_ecsv, write_tex

PUBLISHED = {
    "before_inspection": {"sph": 386, "disk": 473, "sphd": 884, "irr": 875, "total": 2618},
    "after_inspection": {"sph": 352, "disk": 433, "sphd": 702, "irr": 432, "total": 1919},
}


def test_latex_is_escaped_aligned_and_formatted(tmp_path):
    table = pd.DataFrame(
        {
            "50% of_m": ["a & b", "{x}^2~\\"],
            "n": pd.array([3, None], "Int64"),
            "value": [8.2, -0.0123456],
            "other": [np.nan, 1.5e-9],
        }
    )
    write_tex(tmp_path / "t.tex", table)
    assert (tmp_path / "t.tex").read_text().splitlines() == [
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r"50\% of\_m & n & value & other \\",
        r"\midrule",
        r"a \& b & 3 & 8.200 & -- \\",
        r"\{x\}\textasciicircum{}2\textasciitilde{}\textbackslash{} & -- & $-0.01235$ & "
        r"$1.500 \times 10^{-9}$ \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


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
    table = table1(kept, excluded, PUBLISHED).set_index("morphology")
    assert table["before"].to_dict() == {"sph": 2, "disk": 1, "sphd": 1, "irr": 2, "total": 6}
    assert table["after"].to_dict() == {"sph": 2, "disk": 1, "sphd": 0, "irr": 1, "total": 4}
    assert table["published_after"].to_dict() == PUBLISHED["after_inspection"]


def test_table_1_of_a_data_set_without_classes():
    kept = pd.DataFrame({"morphology": ["unknown", "unknown"]})
    excluded = pd.DataFrame({"reason": ["touching"], "morphology": ["unknown"]})
    table = table1(kept, excluded, PUBLISHED).set_index("morphology")
    assert table.loc["unknown", ["before", "after"]].tolist() == [3, 2]
    assert table["published_before"].isna().tolist() == [False] * 4 + [True, False]


def test_a_compressed_table_has_reproducible_bytes(tmp_path):
    table = pd.DataFrame({"a": [1.5, 2.5]})
    first, second = tmp_path / "first" / "t.csv.gz", tmp_path / "second" / "t.csv.gz"
    for path, day in ((first, 1), (second, 86400)):
        with mock.patch("time.time", return_value=float(day)):
            write_csv(path, table)
    assert first.read_bytes() == second.read_bytes()
    pd.testing.assert_frame_equal(pd.read_csv(first), table)


def test_missing_numbers_come_back_missing(tmp_path):
    table = pd.DataFrame({"id": ["a", "b"], "redshift": [0.5, np.nan], "n": [1, 2]})
    write_ecsv(tmp_path / "t.ecsv", table)
    back = read_ecsv(tmp_path / "t.ecsv")
    assert back["redshift"].isna().tolist() == [False, True]
    assert back["n"].tolist() == [1, 2] and back["id"].tolist() == ["a", "b"]
