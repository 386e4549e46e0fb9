"""Tables as ECSV, CSV and LaTeX."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from deblend.errors import DeblendError
from deblend.tables import read_ecsv, write_csv, write_ecsv, write_tex


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


def test_units_and_metadata_are_in_the_file(tmp_path):
    path = tmp_path / "t.ecsv"
    table = pd.DataFrame({"id": ["a"], "radius": [1.5], "flux": [2.0]})
    units = {"id": "", "radius": "arcsec", "flux": "ct / s", "absent": "mag"}
    write_ecsv(path, table, units, seed=7)
    written = Table.read(path)
    assert {name: str(written[name].unit) for name in ("radius", "flux")} == {
        "radius": "arcsec",
        "flux": "ct / s",
    }
    assert written["id"].unit is None
    back = read_ecsv(path, ["id", "radius"])
    assert back.attrs == {"seed": 7}
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_a_table_that_cannot_be_used_is_named(tmp_path):
    path = tmp_path / "t.ecsv"
    with pytest.raises(DeblendError, match=r"cannot read .*t\.ecsv as an ECSV table"):
        read_ecsv(path)
    path.write_text("id,mag\n1,20\n")
    with pytest.raises(DeblendError, match=r"cannot read .*t\.ecsv as an ECSV table"):
        read_ecsv(path)
    write_ecsv(path, pd.DataFrame({"id": ["a"], "mag": [20.0]}))
    message = r"t\.ecsv lacks the columns ra, dec; it has id, mag"
    with pytest.raises(DeblendError, match=message):
        read_ecsv(path, ["id", "ra", "dec"])
