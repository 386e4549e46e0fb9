import numpy as np
import pandas as pd
from deblend.benchmark.page import which_method, write_page


def row(method, nmad, blends="simulated", **more):
    return {
        **{"set": blends, "method": method, "nmad_all_mag": nmad, "outliers_percent": 2.0},
        **{"nmad_all_mag_low": nmad - 0.02, "nmad_all_mag_high": nmad + 0.02, "note": "", **more},
    }


def tables():
    table = pd.DataFrame(
        [
            *(row("ceiling", 0.05), row("network", 0.10), row("fit", 0.13), row("sep", 0.5)),
            row("network", 0.4, "faint"),
            row("fit", 0.2, "faint"),
            row("absent", np.nan, note="not installed"),
            row("absent", np.nan, "faint", note="not installed"),
        ]
    )
    near = {"quantity": "delta_mag", "low": -2.0, "high": 0.0}
    bins = pd.DataFrame([row(m, v, **near) for m, v in (("ceiling", 0.01), ("sep", 0.3))])
    return table, bins


def test_the_page_names_the_best_and_what_is_as_good():
    text = which_method(*tables(), {"ceiling": True}, "toy scale")
    # 0.13 - 0.02 is within 0.10 + 0.02.
    assert "| `simulated` | `network` 0.100 (0.080 to 0.120) | 2.0 | `fit` |" in text
    assert "| `faint` | `fit` 0.200 (0.180 to 0.220) | 2.0 | none |" in text
    assert "| -2 | 0 | `sep` 0.300 (0.280 to 0.320) | 2.0 | none |" in text
    assert "`ceiling`" not in text
    assert "- `absent`, `simulated`, `faint`: not installed" in text


def test_the_page_is_written(tmp_path):
    write_page(tmp_path / "which.md", *tables(), {}, "toy scale")
    assert (tmp_path / "which.md").read_text().startswith("# Which method for my blend?")
