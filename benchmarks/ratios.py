"""Turn a run of the benchmarks into ratios: python benchmarks/ratios.py RUN.json RATIOS.csv."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def ratios(run: dict) -> pd.DataFrame:
    """Rate of each benchmark, and its ratio to the first of its group, by medians.

    The first of a group is its baseline, or one was timed in turn with it (`paired`): then the
    ratio is the median of those of the pairs. For the SEP baseline and its control the ratio is
    divided by the number of processes: the parallel efficiency. For memory it is that of peak
    sizes.
    """
    rows = []
    baseline: dict[str, float] = {}
    for entry in run["benchmarks"]:
        info, group = entry["extra_info"], entry["group"]
        name = str(entry["params"].get("processes", entry["params"].get("what", "")))
        name = name or str(info["items"])
        rate = info["items"] / entry["stats"]["median"]
        if "baseline" in info:
            rows += _pair(group, name, info, entry["stats"]["data"])
            continue
        value = float(info.get("peak_mib", rate))
        first = baseline.setdefault(group, value)
        ratio = value / first
        if "processes" in entry["params"]:
            ratio /= int(name)
            name += " processes"
        rows.append(
            {
                "group": group,
                "what": name,
                "items_per_s": round(rate, 1),
                "peak_mib": info.get("peak_mib"),
                "ratio": round(ratio, 3),
            }
        )
    return pd.DataFrame(rows, columns=["group", "what", "items_per_s", "peak_mib", "ratio"])


def _pair(group: str, name: str, info: dict, seconds: list[float]) -> list[dict]:
    """Rows of a baseline and of what was timed in turn with it."""
    theirs, ours = np.array(info["baseline_s"]), np.array(seconds)
    row = {"group": group, "peak_mib": None}
    rate = [round(info["items"] / float(np.median(s)), 1) for s in (theirs, ours)]
    ratio = round(float(np.median(theirs / ours)), 3)
    return [
        {**row, "what": f"baseline: {info['baseline']}", "items_per_s": rate[0], "ratio": 1.0},
        {**row, "what": name, "items_per_s": rate[1], "ratio": ratio},
    ]


if __name__ == "__main__":
    table = ratios(json.loads(Path(sys.argv[1]).read_text()))
    table.to_csv(sys.argv[2], index=False)
    print(table.to_string(index=False))
