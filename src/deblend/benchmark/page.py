"""The page "which method for my blend?", written from the tables of the benchmark."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.files import atomic

#: How the quantities of bins are called on the page.
QUANTITIES = {
    "delta_mag": "Magnitude minus that of the other galaxy",
    "separation_over_size": "Distance over the larger half-light radius",
    "snr": "Signal to noise of the galaxy",
}


def which_method(tables: Mapping[str, pd.DataFrame], given: Mapping[str, bool], label: str) -> str:
    """Text of the page, in Markdown.

    Parameters
    ----------
    tables : dict of DataFrame
        `table`, `bins`, `paired` and `paired_bins` from `deblend.benchmark.score.score_all`.
    given : dict of bool
        Whether each method gets the true positions.
    label : str
        What was run.

    Returns
    -------
    str
        For each bin of the first set, the method with the smallest scatter, and what cannot be told
        apart from it: methods whose scatter on the same galaxies has a ratio to that of the best
        one whose interval of 95 % contains 1. Methods that need the true positions are left out.
    """
    table, bins = tables["table"], tables["bins"]
    first = str(table["set"].iloc[0])
    own = [name for name in dict.fromkeys(table["method"]) if not given.get(name, False)]
    lines = [
        "# Which method for my blend?",
        "",
        f"Written by the workflow from `bins.csv` and `table.csv` ({label}; blends of the set "
        f"`{first}`). Scatter is the NMAD of measured minus true magnitudes of all galaxies, of "
        "which those that a method does not measure count as wrong; in brackets is its 68 % "
        "interval. The ratio of the scatter of the best method to that of a method in the last "
        "column, on the same galaxies, has an interval of 95 % that contains 1. Outliers are of "
        "all galaxies too. Methods that get the true positions are left out here.",
        "",
    ]
    for quantity, title in QUANTITIES.items():
        part = bins[
            (bins["set"] == first) & (bins["quantity"] == quantity) & bins["method"].isin(own)
        ]
        pairs = _of(tables["paired_bins"], quantity=quantity)
        lines += _block(part, title, pairs)
    lines += ["## Outside the range of the trainings", "", *_sets(table, own, tables["paired"]), ""]
    left_out = table[(table["note"].fillna("") != "") & (table["n_blends"] == 0)]
    if len(left_out):
        lines += ["## Left out", ""]
        for (method, note), rows in left_out.groupby(["method", "note"], sort=False):
            lines.append(f"- `{method}`, {', '.join(f'`{s}`' for s in rows['set'])}: {note}")
        lines.append("")
    return "\n".join(lines)


def write_page(
    path: str | Path, tables: Mapping[str, pd.DataFrame], given: Mapping[str, bool], label: str
) -> None:
    """Write the page: see `which_method`."""
    with atomic(path) as temporary:
        temporary.write_text(which_method(tables, given, label) + "\n")


def _of(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """Rows with these values; none of a table that lacks the columns."""
    for name, value in values.items():
        table = table[table[name] == value] if name in table else table.iloc[:0]
    return table


def _block(part: pd.DataFrame, title: str, pairs: pd.DataFrame) -> list[str]:
    """Table of the best method of each bin."""
    lines = [
        f"## {title}",
        "",
        "| from | to | least scatter (mag) | outliers (%) | as good |",
        "|---|---|---|---|---|",
    ]
    for (low, high), rows in part.groupby(["low", "high"]):
        line = _best(rows, _of(pairs, low=low, high=high))
        if line:
            ends = (f"{value:g}" if np.isfinite(value) else "" for value in (low, high))
            lines.append(f"| {' | '.join(ends)} | {line} |")
    return [*lines, ""]


def _best(rows: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """The method with the smallest scatter, its outliers, and those that are as good."""
    rows = rows[np.isfinite(rows["nmad_all_mag"])].sort_values("nmad_all_mag", kind="stable")
    if not len(rows):
        return ""
    best = rows.iloc[0]
    near = [name for name in rows["method"][1:] if _as_good(pairs, best["method"], name)]
    names = ", ".join(f"`{name}`" for name in near) or "none"
    return f"`{best['method']}` {_number(best)} | {best['outliers_all_percent']:.1f} | {names}"


def _as_good(pairs: pd.DataFrame, best: str, other: str) -> bool:
    """Whether the interval of the ratio of the scatter of two methods contains 1."""
    if not len(pairs):
        return False
    own = pairs[pairs[["first", "second"]].isin([best, other]).all(axis=1)]
    return bool(((own["ratio_all_low"] <= 1) & (own["ratio_all_high"] >= 1)).any())


def _number(row: pd.Series) -> str:
    low, high = row["nmad_all_mag_low"], row["nmad_all_mag_high"]
    if np.isnan([low, high]).any():
        return f"{row['nmad_all_mag']:.3f}"
    upper = f"to {high:.3f}" if np.isfinite(high) else "and more"
    return f"{row['nmad_all_mag']:.3f} ({low:.3f} {upper})"


def _sets(table: pd.DataFrame, own: list[str], paired: pd.DataFrame) -> list[str]:
    """The best method of each set."""
    lines = ["| set | least scatter (mag) | outliers (%) | as good |", "|---|---|---|---|"]
    for blends in dict.fromkeys(table["set"]):
        rows = table[(table["set"] == blends) & table["method"].isin(own)]
        if line := _best(rows, _of(paired, set=blends)):
            lines.append(f"| `{blends}` | {line} |")
    return lines
