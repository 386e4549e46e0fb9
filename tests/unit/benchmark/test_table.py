import numpy as np
import pandas as pd
from deblend.benchmark.score import SCORES
from deblend.benchmark.table import printed_table, write_tables


def scores():
    row = dict.fromkeys(SCORES, np.nan) | {"set": "a", "method": "sep_auto", "n_blends": 10}
    row |= {
        "positions": "detected",
        "trained_on": "",
        "n_measured": 20,
        "nmad_mag": 0.12345,
        "seconds_per_blend": 0.01,
        "note": "",
    }
    absent = dict.fromkeys(SCORES, np.nan) | {"set": "a", "method": "x", "n_blends": 0}
    return pd.DataFrame([row, absent])


def test_methods_that_were_left_out_are_not_printed():
    table = printed_table(scores())
    assert table["method"].tolist() == ["sep_auto"]
    assert table["NMAD (mag)"].tolist() == ["0.123"]
    assert table["galaxies"].tolist() == [20]


def test_tables_are_written(tmp_path):
    outputs = {
        name: tmp_path / f"{name}.csv" for name in ("table", "bins", "paired", "paired_bins")
    }
    outputs["tex"] = tmp_path / "table.tex"
    outputs |= {name: tmp_path / f"{name}.html" for name in ("page", "rows")}
    empty = pd.DataFrame({"set": []})
    others = dict.fromkeys(("bins", "paired", "paired_bins"), empty)
    write_tables(outputs, {"table": scores(), **others})
    assert pd.read_csv(outputs["table"])["nmad_mag"].tolist()[0] == 0.12345
    text = outputs["tex"].read_text()
    rows = outputs["rows"].read_text()
    assert rows.count("<tr>") == 2 and ">0.123</td>" in rows and ">–</td>" in rows
    assert rows in outputs["page"].read_text()
    assert r"a & sep\_auto & detected & -- & 20 & -- & 0.123" in text
