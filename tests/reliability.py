"""Record of what the tests of faults and hostile files have found, for docs/reliability.md.

The tests that write a record are run by `make test-all`, which sets DEBLEND_RECORD to a folder:
evidence/reliability.
"""

import csv
import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
from deblend.data.locks import lock

ROOT = Path(__file__).parents[1]
#: What can become of a file or a run; `same` is that content or results are byte-identical.
OUTCOMES = ("same", "error", "other")


def recorded(name, keys, outcomes):
    """Write how often each outcome was found, and a summary of it, if records are wanted.

    Parameters
    ----------
    name : str
        Of the suite: of a folder, and of the CSV file in it.
    keys : tuple of str
        Names of the columns that tell what was tried; the summary is by the last one.
    outcomes : dict of tuple to Counter
        For the values of these columns: how often each of `OUTCOMES` was found.
    """
    wanted = os.environ.get("DEBLEND_RECORD")
    if not wanted or not outcomes:
        return
    folder = Path(wanted) / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("a+", newline="") as file:
        # Several processes may share the tests.
        lock(file)
        file.seek(0)
        found = {tuple(row[key] for key in keys): row for row in csv.DictReader(file)}
        for values, counts in outcomes.items():
            numbers = {"n": counts.total(), **{outcome: counts[outcome] for outcome in OUTCOMES}}
            found[values] = dict(zip(keys, values, strict=True)) | numbers
        file.truncate(0)
        rows = csv.DictWriter(file, (*keys, "n", *OUTCOMES), lineterminator="\n")
        rows.writeheader()
        rows.writerows(found[values] for values in sorted(found))
    with (folder / "summary.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, (keys[-1], "n", *OUTCOMES), lineterminator="\n")
        rows.writeheader()
        rows.writerows(summed(found.values(), keys[-1]))
    changes = git("status", "--porcelain", "src", "workflow", "config", "tests")
    about = {
        "command": "make test-all",
        "commit": git("rev-parse", "HEAD"),
        "hours": round((time.time() - psutil.Process().create_time()) / 3600, 4),
        "modified": bool(changes),
    }
    text = json.dumps(about, indent=1)
    (folder / "run.json").write_text(text + "\n")


def summed(rows, key):
    """Outcomes of all rows that have the same value of a column."""
    counts = {}
    for row in rows:
        total = counts.setdefault(row[key], Counter())
        total.update({name: int(row[name]) for name in ("n", *OUTCOMES)})
    return [{key: value, **counts[value]} for value in sorted(counts)]


def git(*arguments):
    """What git says of the project."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
