"""The tables of the benchmark as files."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from deblend.report.pages import NONE, html_table, write_page, write_text
from deblend.tables import write_csv, write_tex

#: Columns of the table in LaTeX, and their names there.
COLUMNS = {
    "set": "set",
    "method": "method",
    "positions": "positions",
    "trained_on": "trained on",
    "n_measured": "galaxies",
    "bias_mag": "bias (mag)",
    "nmad_mag": "NMAD (mag)",
    "nmad_all_mag": "NMAD of all (mag)",
    "outliers_percent": "outliers (%)",
    "outliers_all_percent": "outliers of all (%)",
    "completeness": "completeness",
    "purity": "purity",
    "called_blend": "called blends",
    "iou": "IoU",
    "psnr_db": "PSNR (dB)",
    "coverage_68": "coverage of 68 %",
    "coverage_95": "coverage of 95 %",
    "pit_ks": "KS of PIT",
    "seconds_per_blend": "s / blend",
}

#: Decimals of these columns.
DECIMALS = {
    **dict.fromkeys(("bias_mag", "nmad_mag", "nmad_all_mag", "coverage_68", "coverage_95"), 3),
    "pit_ks": 3,
    **dict.fromkeys(("completeness", "purity", "called_blend", "iou"), 2),
    **dict.fromkeys(("outliers_percent", "outliers_all_percent", "psnr_db"), 1),
    "seconds_per_blend": 4,
}


def printed_table(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that are printed, rounded, without methods that are left out.

    Parameters
    ----------
    table : DataFrame
        `deblend.benchmark.score.SCORES`.
    """
    measured = table[table["n_blends"] > 0]
    chosen = measured[list(COLUMNS)].assign(n_measured=measured["n_measured"].astype(int))
    for name, decimals in DECIMALS.items():
        chosen[name] = [
            None if pd.isna(value) else f"{value:.{decimals}f}" for value in chosen[name]
        ]
    chosen["trained_on"] = [value or None for value in chosen["trained_on"].fillna("")]
    return chosen.rename(columns=COLUMNS)


def write_tables(outputs: Mapping[str, str | Path], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write `table`, `bins`, `paired` and `paired_bins` as CSV, and the table as `tex` and HTML.

    Parameters
    ----------
    outputs : dict of path
        `page` is the table as a page of its own, `rows` the table alone, in HTML.
    tables : dict of DataFrame
        From `deblend.benchmark.score.score_all`.
    """
    for name, table in tables.items():
        write_csv(outputs[name], table)
    printed = printed_table(tables["table"])
    write_tex(outputs["tex"], printed)
    rows = html_table(printed.astype(object).where(printed.notna(), NONE).astype(str))
    write_text(outputs["rows"], rows)
    write_page(outputs["page"], "All methods on the same blends", [rows], outputs["table"])
