"""How long networks took to train, beside what the papers say."""

import math
from typing import Any

import pandas as pd

#: Networks whose published time includes another's.
PARTS = {("boucaud2020", "blend2mask2flux"): "unet"}


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
        Paper, network to `training_hours` and `hardware`, as far as the paper has them.

    Returns
    -------
    DataFrame
        `paper`, `network`, `n_networks`, `n_epochs` or `n_iterations`, and `hours` (means over
        them; blend2mask2flux'
        with those of its U-Net, as the paper's),
        `published_hours`, `published_hardware`, `device`, `threads`, `backend`, `scale`.
    """
    # The paper's time for the joint network has the U-Net's in it.
    whole = {(paper, network): timing["seconds"] for paper, network, _, timing in timings}
    before = {key: whole[key[0], name] for key, name in PARTS.items() if (key[0], name) in whole}
    rows = [
        {
            "paper": paper,
            "network": network,
            **{k: timing.get(k, math.nan) for k in ("n_epochs", "n_iterations")},
            "hours": (timing["seconds"] + before.get((paper, network), 0)) / 3600,
            **{k: record[k] for k in ("device", "threads", "backend", "scale")},
        }
        for paper, network, record, timing in timings
    ]
    same = ["paper", "network", "device", "threads", "backend", "scale"]
    groups = pd.DataFrame(rows).groupby(same, sort=False)
    table = groups.agg(
        n_networks=("hours", "size"),
        n_epochs=("n_epochs", "mean"),
        n_iterations=("n_iterations", "mean"),
        hours=("hours", "mean"),
    ).reset_index()
    told = [
        published.get(p, {}).get(n, {}) for p, n in zip(*(table[c] for c in same[:2]), strict=True)
    ]
    table["published_hours"] = [x.get("training_hours", math.nan) for x in told]
    table["published_hardware"] = [x.get("hardware", "") for x in told]
    measured = [
        "n_networks",
        "n_epochs",
        "n_iterations",
        "hours",
        "published_hours",
        "published_hardware",
    ]
    return table[[*same[:2], *measured, *same[2:]]]
