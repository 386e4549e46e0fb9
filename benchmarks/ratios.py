"""Turn a run of the benchmarks into ratios: python benchmarks/ratios.py RUN.json RATIOS.csv."""

import json
import sys
from pathlib import Path

import pandas as pd


def ratios(run: dict) -> pd.DataFrame:
    """Rate of each benchmark, and its ratio to the first of its group, by medians.

    The first of a group is its baseline. For the SEP baseline and its control the ratio is divided
    by the number of processes: the parallel efficiency. For memory it is that of peak sizes.
    """
    rows = []
    baseline: dict[str, float] = {}
    for entry in run["benchmarks"]:
        info, group = entry["extra_info"], entry["group"]
        name = str(entry["params"].get("processes", entry["params"].get("what", "")))
        name = name or str(info["items"])
        rate = info["items"] / entry["stats"]["median"]
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
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = ratios(json.loads(Path(sys.argv[1]).read_text()))
    table.to_csv(sys.argv[2], index=False)
    print(table.to_string(index=False))
