"""Training times of networks, compared with those in the papers."""

import math
from typing import Any

import pandas as pd


def training_time_table(
    timings: list[tuple[str, str, dict[str, Any], dict[str, Any]]],
    published: dict[str, dict[str, dict[str, Any]]],
) -> pd.DataFrame:
    """Table of training times and those in the papers.

    They are not in the reproduction table, since they differ from run to run.

    Parameters
    ----------
    timings : list of (paper, network, record, timing)
        `record` is the content of `network.json`. `timing` has the `seconds` of all epochs,
        including validation and interrupted attempts, and `n_epochs` or `n_iterations`.
    published : dict
        For each paper and network: `training_hours` and `hardware`, if the paper gives them, and
        `includes`, another network whose training these hours include.

    Returns
    -------
    DataFrame
        `paper`, `network`, `device`, `threads`, `backend`, `scale`; for networks that have these in
        common, their number `n_networks` and the means of `n_epochs`, `n_iterations` and `hours`
        (including those of the network in `includes`); `published_hours`, `published_hardware`.
    """
    seconds_of = {(paper, network): timing["seconds"] for paper, network, _, timing in timings}
    rows = []
    for paper, network, record, timing in timings:
        paper_values = published.get(paper, {}).get(network, {})
        seconds = timing["seconds"] + seconds_of.get((paper, paper_values.get("includes", "")), 0)
        rows.append(
            {
                "paper": paper,
                "network": network,
                **{k: timing.get(k, math.nan) for k in ("n_epochs", "n_iterations")},
                "hours": seconds / 3600,
                "published_hours": paper_values.get("training_hours", math.nan),
                "published_hardware": paper_values.get("hardware", ""),
                **{k: record[k] for k in ("device", "threads", "backend", "scale")},
            }
        )
    group_columns = ["paper", "network", "device", "threads", "backend", "scale"]
    groups = pd.DataFrame(rows).groupby(group_columns, sort=False)
    table = groups.agg(
        n_networks=("hours", "size"),
        n_epochs=("n_epochs", "mean"),
        n_iterations=("n_iterations", "mean"),
        hours=("hours", "mean"),
        published_hours=("published_hours", "first"),
        published_hardware=("published_hardware", "first"),
    ).reset_index()
    values = [name for name in table if name not in group_columns]
    return table[[*group_columns[:2], *values, *group_columns[2:]]]
