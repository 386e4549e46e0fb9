"""Time that the jobs of each paper took, from Snakemake's benchmarks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd


def job_time_table(folder: str | Path, patterns: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Sum of the times of each paper's jobs that have a benchmark.

    Parameters
    ----------
    folder : path
        Folder of the benchmarks.
    patterns : dict
        For each paper: names of its benchmarks in the folder, without the extension .tsv; `*`
        stands for any characters but a slash.

    Returns
    -------
    DataFrame
        `paper`, `n_jobs`, `seconds`: the sum over jobs, each as in its last run. Jobs run at the
        same time, so the elapsed time is shorter.
    """
    rows = []
    for paper, names in patterns.items():
        files = {path for name in names for path in Path(folder).glob(f"{name}.tsv")}
        seconds = [pd.read_csv(path, sep="\t")["s"].sum() for path in sorted(files)]
        rows.append((paper, len(files), float(sum(seconds))))
    return pd.DataFrame(rows, columns=["paper", "n_jobs", "seconds"])


def job_time_text(table: pd.DataFrame, names: Mapping[str, str]) -> str:
    """The same as a line for each paper.

    Parameters
    ----------
    table : DataFrame
        See `job_time_table`.
    names : dict
        Title of each paper.
    """
    lines = ["Time of each paper, summed over those of its jobs that are timed: the demanding ones"]
    width = max(map(len, names.values()))
    lines += [
        f"  {names[row.paper].ljust(width)}  {_duration(row.seconds):>10}  {row.n_jobs:4d} jobs"
        for row in table.itertuples()
    ]
    return "\n".join(lines) + "\n"


def _duration(seconds: float) -> str:
    """A duration as text, in seconds or, from ten minutes on, in minutes or hours."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds < 6 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
