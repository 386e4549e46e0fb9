"""Bars of methods that give densities of fluxes: what they have to show at least. They are ours.

Scores are those of the first set, whose galaxies are in the range of the trainings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.score import with_truth
from deblend.benchmark.truth import read_truth
from deblend.tables import write_csv

#: Scatter over that of the best network of the papers, at the upper end of its 95 % interval.
RATIO = 1.0

#: Largest differences of the coverage of intervals from 68 and 95 %.
COVERAGE = {"68": 0.02, "95": 0.01}

#: The same for 68 % in each of three bins, which hold a third of the galaxies each, and the number
#: of standard errors that it may be.
COVERAGE_IN_BINS, STANDARD_ERRORS = 0.04, 3.0

#: Largest distance of the PIT from a uniform distribution.
KS = 0.03

#: Largest share of the fluxes that have a warning, in scenes of which no neighbour counts as a
#: galaxy, and least share of all outliers with one, %.
WARNED_PERCENT, KNOWN_PERCENT = 5.0, 80.0

#: Columns of the table.
COLUMNS = ("method", "bar", "bound", "value", "met")


def density_bars(
    method: str,
    table: pd.DataFrame,
    paired: pd.DataFrame,
    measured: pd.DataFrame,
    rivals: Sequence[str],
) -> pd.DataFrame:
    """What a method has to show, and what it shows.

    Parameters
    ----------
    method : str
    table, paired : DataFrame
        Rows of one set of those of `deblend.benchmark.score.score_all`.
    measured : DataFrame
        What the method has measured in that set, with the truth.
    rivals : sequence of str
        Networks of the papers.

    Returns
    -------
    DataFrame
        `COLUMNS`; `met` is empty where there is nothing to compare.
    """
    row = table.set_index("method").loc[method]
    upper = _ratio(method, table, paired, rivals)
    rows: list[tuple[str, str, float, bool | None]] = [
        (
            "scatter over that of the best network of the papers, upper end of the interval",
            f"below {RATIO:g}",
            upper,
            bool(upper < RATIO) if np.isfinite(upper) else None,
        )
    ]
    for name, most in COVERAGE.items():
        share, value = int(name) / 100, float(row[f"coverage_{name}"])
        away = abs(value - share) <= most
        rows.append((f"coverage of {name} % intervals", f"{share:g} ± {most:g}", value, bool(away)))
    for column in ("delta_mag", "separation_over_size"):
        rows.append(_in_bins(measured, column))
    rows.append(
        ("distance of the PIT", f"at most {KS:g}", row["pit_ks"], bool(row["pit_ks"] <= KS))
    )
    warned, known = row["uncertain_uncrowded_percent"], row["outliers_known_percent"]
    limits = f"at most {WARNED_PERCENT:g}", f"at least {KNOWN_PERCENT:g}"
    rows.append(
        (
            "fluxes with a warning, without a further galaxy (%)",
            limits[0],
            warned,
            bool(warned <= WARNED_PERCENT),
        )
    )
    rows.append(("outliers with a warning (%)", limits[1], known, bool(known >= KNOWN_PERCENT)))
    made = pd.DataFrame(rows, columns=list(COLUMNS[1:]))
    made.insert(0, "method", method)
    return made


def _ratio(method: str, table: pd.DataFrame, paired: pd.DataFrame, rivals: Sequence[str]) -> float:
    """Upper end of the interval of the scatter over that of the best rival; NaN without one."""
    scatter = table.set_index("method")["nmad_all_mag"].reindex(list(rivals)).dropna()
    if scatter.empty:
        return np.nan
    best = scatter.idxmin()
    for first, second, column in (
        (method, best, "ratio_all_high"),
        (best, method, "ratio_all_low"),
    ):
        found = paired[(paired["first"] == first) & (paired["second"] == second)]
        if len(found):
            end = float(found[column].iloc[0])
            return end if first == method else 1 / end
    return np.nan


def _in_bins(measured: pd.DataFrame, column: str) -> tuple[str, str, float, bool]:
    """Coverage of 68 % intervals in the bin of three that is farthest from it."""
    known = measured.dropna(subset=["low_68", column])
    within = known["true_flux"].between(known["low_68"], known["high_68"])
    bins = pd.qcut(known[column], 3, labels=False, duplicates="drop")
    shares = within.groupby(bins).agg(["mean", "size"])
    away = (shares["mean"] - 0.68).abs()
    errors = np.sqrt(0.68 * 0.32 / shares["size"])
    met = (away <= COVERAGE_IN_BINS) & (away <= STANDARD_ERRORS * errors)
    bound = f"0.68 ± {COVERAGE_IN_BINS:g}, and {STANDARD_ERRORS:g} standard errors"
    name = f"coverage of 68 % intervals in the worst third by {column}"
    return name, bound, float(shares["mean"][away.idxmax()]), bool(met.all())


def write_bars(
    output: str | Path,
    table: str | Path,
    paired: str | Path,
    measured: Mapping[str, str | Path],
    truths: Mapping[str, str | Path],
    rivals: Sequence[str],
) -> None:
    """Write the bars of all methods that give densities.

    Parameters
    ----------
    output : path
        CSV.
    table, paired : path
        Scores of all methods.
    measured : dict of path
        What each method with a density has measured.
    truths : dict of path
        By set; the bars are of the first one.
    rivals : sequence of str
        Networks of the papers.
    """
    name = next(iter(truths))
    known = {key: read_truth(path, pixels=False).galaxies for key, path in truths.items()}
    scores, pairs = (_of_set(pd.read_csv(path), name) for path in (table, paired))
    made: list[Any] = [pd.DataFrame(columns=list(COLUMNS))]
    for method, path in measured.items():
        own = _of_set(with_truth(pd.read_csv(path), known), name)
        made.append(density_bars(method, scores, pairs, own, rivals))
    write_csv(output, pd.concat(made[1:], ignore_index=True) if measured else made[0])


def _of_set(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["set"] == name]
