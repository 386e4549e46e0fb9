"""How long networks took to train, beside what the papers say."""

import math
from typing import Any

import pandas as pd


def training_time_table(
    timings: list[tuple[str, str, dict[str, Any], dict[str, Any]]],
    published: dict[str, dict[str, dict[str, Any]]],
) -> pd.DataFrame:
    """How long training took, beside the papers' times.

    Not in the reproduction table: these numbers differ from run to run.

    Parameters
    ----------
    timings : list of (paper, network, record, timing)
        `network.json`, and the timing that training left: `seconds` of all its epochs, with
        validation and earlier attempts, and `n_epochs` or `n_iterations`.
    published : dict
        Paper, network to `training_hours` and `hardware`, as far as the paper has them, and to
        `includes`: another network whose training is in these hours.

    Returns
    -------
    DataFrame
        `paper`, `network`, `n_networks`, `n_epochs` or `n_iterations`, and `hours` (means over
        them, with those of the network that the published hours include), `published_hours`,
        `published_hardware`, `device`, `threads`, `backend`, `scale`.
    """
    alone = {(paper, network): timing["seconds"] for paper, network, _, timing in timings}
    rows = []
    for paper, network, record, timing in timings:
        theirs = published.get(paper, {}).get(network, {})
        seconds = timing["seconds"] + alone.get((paper, theirs.get("includes", "")), 0)
        rows.append(
            {
                "paper": paper,
                "network": network,
                **{k: timing.get(k, math.nan) for k in ("n_epochs", "n_iterations")},
                "hours": seconds / 3600,
                "published_hours": theirs.get("training_hours", math.nan),
                "published_hardware": theirs.get("hardware", ""),
                **{k: record[k] for k in ("device", "threads", "backend", "scale")},
            }
        )
    same = ["paper", "network", "device", "threads", "backend", "scale"]
    groups = pd.DataFrame(rows).groupby(same, sort=False)
    table = groups.agg(
        n_networks=("hours", "size"),
        n_epochs=("n_epochs", "mean"),
        n_iterations=("n_iterations", "mean"),
        hours=("hours", "mean"),
        published_hours=("published_hours", "first"),
        published_hardware=("published_hardware", "first"),
    ).reset_index()
    return table[[*same[:2], *(name for name in table if name not in same), *same[2:]]]
