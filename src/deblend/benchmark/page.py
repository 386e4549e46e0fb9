"""The page "which method for my blend?", written from the tables of the benchmark."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.files import atomic

#: How the quantities of bins are called on the page.
QUANTITIES = {
    "delta_mag": "Magnitude minus that of the other galaxy",
    "separation_over_size": "Distance over the larger half-light radius",
    "snr": "Signal to noise of the galaxy",
}


def which_method(
    table: pd.DataFrame, bins: pd.DataFrame, given: Mapping[str, bool], label: str
) -> str:
    """Text of the page, in Markdown.

    Parameters
    ----------
    table, bins : DataFrame
        From `deblend.benchmark.score.score_all`.
    given : dict of bool
        Whether each method gets the true positions.
    label : str
        What was run.

    Returns
    -------
    str
        For each bin of the first set, the method with the smallest scatter, and what cannot be told
        apart from it: methods whose interval of 68 % overlaps. Methods that need the true positions
        are left out.
    """
    first = str(table["set"].iloc[0])
    own = [name for name in dict.fromkeys(table["method"]) if not given.get(name, False)]
    lines = [
        "# Which method for my blend?",
        "",
        f"Written by the workflow from `bins.csv` and `table.csv` ({label}; blends of the set "
        f"`{first}`). Scatter is the NMAD of measured minus true magnitudes of all galaxies, of "
        "which those that a method does not measure count as wrong; in brackets is its 68 % "
        "interval. A method in the last column has an interval that overlaps that of the best one. "
        "Methods that get the true positions are left out here.",
        "",
    ]
    for quantity, title in QUANTITIES.items():
        part = bins[
            (bins["set"] == first) & (bins["quantity"] == quantity) & bins["method"].isin(own)
        ]
        lines += _block(part, title)
    lines += ["## Outside the range of the trainings", "", *_sets(table, own), ""]
    left_out = table[table["note"].fillna("") != ""]
    if len(left_out):
        lines += ["## Left out", ""]
        for (method, note), rows in left_out.groupby(["method", "note"], sort=False):
            lines.append(f"- `{method}`, {', '.join(f'`{s}`' for s in rows['set'])}: {note}")
        lines.append("")
    return "\n".join(lines)


def write_page(
    path: str | Path, table: pd.DataFrame, bins: pd.DataFrame, given: Mapping[str, bool], label: str
) -> None:
    """Write the page: see `which_method`."""
    with atomic(path) as temporary:
        temporary.write_text(which_method(table, bins, given, label) + "\n")


def _block(part: pd.DataFrame, title: str) -> list[str]:
    """Table of the best method of each bin."""
    lines = [
        f"## {title}",
        "",
        "| from | to | least scatter (mag) | outliers (%) | as good |",
        "|---|---|---|---|---|",
    ]
    for (low, high), rows in part.groupby(["low", "high"]):
        line = _best(rows)
        if line:
            lines.append(f"| {low:g} | {high:g} | {line} |")
    return [*lines, ""]


def _best(rows: pd.DataFrame) -> str:
    """The method with the smallest scatter, its outliers, and those that are as good."""
    rows = rows[rows["nmad_all_mag"].notna()].sort_values("nmad_all_mag", kind="stable")
    if not len(rows):
        return ""
    best = rows.iloc[0]
    near = rows.iloc[1:]
    near = near[near["nmad_all_mag_low"] <= best["nmad_all_mag_high"]]
    names = ", ".join(f"`{name}`" for name in near["method"]) or "none"
    return f"`{best['method']}` {_number(best)} | {best['outliers_percent']:.1f} | {names}"


def _number(row: pd.Series) -> str:
    low, high = row["nmad_all_mag_low"], row["nmad_all_mag_high"]
    interval = f" ({low:.3f} to {high:.3f})" if np.isfinite([low, high]).all() else ""
    return f"{row['nmad_all_mag']:.3f}{interval}"


def _sets(table: pd.DataFrame, own: list[str]) -> list[str]:
    """The best method of each set."""
    lines = ["| set | least scatter (mag) | outliers (%) | as good |", "|---|---|---|---|"]
    for blends in dict.fromkeys(table["set"]):
        rows = table[(table["set"] == blends) & table["method"].isin(own)]
        if line := _best(rows):
            lines.append(f"| `{blends}` | {line} |")
    return lines
