import numpy as np
import pandas as pd
from deblend.benchmark.page import which_method, write_page


def row(method, nmad, blends="simulated", **more):
    return {
        **{"set": blends, "method": method, "nmad_all_mag": nmad, "outliers_all_percent": 2.0},
        **{"nmad_all_mag_low": nmad - 0.02, "nmad_all_mag_high": nmad + 0.02, "note": ""},
        **{"n_blends": 10, **more},
    }


def pair(first, second, smallest, largest, blends="simulated", **more):
    names = {"set": blends, "first": first, "second": second}
    return {**names, "ratio_all_low": smallest, "ratio_all_high": largest, **more}


def tables():
    table = pd.DataFrame(
        [
            *(row("ceiling", 0.05), row("network", 0.10), row("fit", 0.11), row("sep", 0.5)),
            row("worse", 0.115, note="without zero points"),
            row("network", 0.4, "faint"),
            row("fit", 0.2, "faint", nmad_all_mag_high=np.inf),
            row("lost", np.inf, "faint"),
            row("absent", np.nan, note="not installed", n_blends=0),
            row("absent", np.nan, "faint", note="not installed", n_blends=0),
        ]
    )
    near = {"quantity": "delta_mag", "low": -np.inf, "high": 0.0}
    names = (("ceiling", 0.01), ("sep", 0.3), ("fit", 0.29))
    bins = pd.DataFrame([row(m, v, **near) for m, v in names])
    # The intervals of all three overlap; on the same galaxies only one is as good.
    paired = pd.DataFrame(
        [
            pair("network", "fit", 0.9, 1.02),
            pair("worse", "network", 1.05, 1.2),
            pair("network", "sep", 0.1, 0.3),
            pair("network", "fit", 1.5, 2.5, "faint"),
        ]
    )
    paired_bins = pd.DataFrame([pair("fit", "sep", 0.8, 1.1, **near)])
    return {"table": table, "bins": bins, "paired": paired, "paired_bins": paired_bins}


def test_the_page_names_the_best_and_what_is_as_good():
    text = which_method(tables(), {"ceiling": True}, "toy scale")
    assert "| `simulated` | `network` 0.100 (0.080 to 0.120) | 2.0 | `fit` |" in text
    assert "| `faint` | `fit` 0.200 (0.180 and more) | 2.0 | none |" in text
    assert "|  | 0 | `fit` 0.290 (0.270 to 0.310) | 2.0 | `sep` |" in text
    assert "`ceiling`" not in text
    assert "- `absent`, `simulated`, `faint`: not installed" in text
    # A remark is no reason to be left out.
    assert "without zero points" not in text


def test_the_page_is_written_without_pairs(tmp_path):
    empty = {name: table.iloc[:0] for name, table in tables().items() if "paired" in name}
    write_page(tmp_path / "which.md", tables() | empty, {"ceiling": True}, "toy scale")
    text = (tmp_path / "which.md").read_text()
    assert text.startswith("# Which method for my blend?")
    assert "| `simulated` | `network` 0.100 (0.080 to 0.120) | 2.0 | none |" in text
