"""Does a run give the numbers of the evidence? No network needs to be finished.

    python tools/check_evidence.py evidence/boucaud2020/small results/small

Each table of the evidence that the run has as well is compared with it, number by number. Of a
training that is not finished, the rows of its checkpoint are compared with the first ones of the
evidence. `differs` names the column with the largest relative difference. Times differ in every
run, and are left out. The exit status is 1 if a table differs, and 2 if there was none to compare.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from collect_evidence import copy_table, sources
from paper_scale import read_record

#: Tables with times, and those with words about the run.
LEFT_OUT = ("training_time.csv", "jobs.csv", "highlights.csv", "reproduction.csv")
#: Columns with times.
TIMES = ("seconds", "hours", "duration")


def table_of(paper: str, source: Path, name: str, results: Path) -> pd.DataFrame | None:
    """A table of the run as the evidence would have it; None: there is none."""
    network = name.removeprefix("networks/").removesuffix("/history.csv")
    if network != name and not source.is_file():
        record = read_record(results, network)
        return pd.DataFrame(record["history"]) if record else None
    if not source.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        return pd.read_csv(copy) if copy_table(paper, source, copy) else None


def difference(ours: pd.DataFrame, known: pd.DataFrame) -> str:
    """What differs between a run's table and the evidence's; empty: nothing."""
    if list(ours.columns) != list(known.columns):
        extra = sorted(set(ours.columns) ^ set(known.columns))
        return f"other columns: {', '.join(extra) or 'their order'}"
    if len(ours) != len(known):
        return f"{len(ours)} rows instead of {len(known)}"
    worst, where = 0.0, ""
    for column in known.columns:
        if column.endswith(TIMES):
            continue
        one, other = ours[column], known[column]
        if not (pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other)):
            if list(one.fillna("").astype(str)) != list(other.fillna("").astype(str)):
                return f"{column}: other words"
            continue
        a, b = one.to_numpy(float), other.to_numpy(float)
        if (np.isnan(a) != np.isnan(b)).any():
            return f"{column}: numbers are missing"
        scale = np.maximum(np.abs(a), np.abs(b))
        away = np.abs(a - b) / np.where(scale > 0, scale, 1)
        largest = float(np.nanmax(away, initial=0))
        if largest > worst:
            worst, where = largest, column
    return f"{where}: by {100 * worst:.2g} %" if worst else ""


def check(evidence: Path, results: Path) -> pd.DataFrame:
    """Compare a run with the evidence.

    Parameters
    ----------
    evidence : path
        `evidence/PAPER/NAME`.
    results : path
        Folder of results, of a run that may be unfinished.

    Returns
    -------
    DataFrame
        One row a table: `table`, `rows` that were compared, and what `differs`.
    """
    paper = json.loads((evidence / "run.json").read_text())["paper"]
    histories = evidence.glob("networks/**/history.csv")
    networks = [str(path.parent.relative_to(evidence / "networks")) for path in histories]
    rows, seen = [], set()
    for source, name in sources(paper, results, sorted(networks)):
        kept = evidence / name
        if kept.suffix != ".csv" or kept.name in LEFT_OUT or name in seen or not kept.is_file():
            continue
        ours = table_of(paper, source, name, results)
        if ours is None:
            continue
        seen.add(name)
        known = pd.read_csv(kept)
        if kept.name == "history.csv" and 0 < len(ours) < len(known):
            known = known.head(len(ours))
        rows.append({"table": name, "rows": len(ours), "differs": difference(ours, known)})
    return pd.DataFrame(rows, columns=["table", "rows", "differs"])


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; the exit status."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("evidence", type=Path)
    parser.add_argument("results", type=Path)
    options = parser.parse_args(arguments)
    if not (options.evidence / "run.json").is_file():
        parser.error(f"{options.evidence} has no run.json: give a folder evidence/PAPER/NAME")
    table = check(options.evidence, options.results)
    if table.empty:
        print(f"{options.results} has none of the tables of {options.evidence}", file=sys.stderr)
        return 2
    print(table.to_string(index=False))
    n = int((table["differs"] != "").sum())
    print(f"{len(table) - n} of {len(table)} tables have the numbers of the evidence")
    return 1 if n else 0


if __name__ == "__main__":
    sys.exit(main())
