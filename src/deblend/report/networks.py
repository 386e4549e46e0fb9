"""Which networks of a run have learnt nothing: for figures, catalogues and tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deblend.files import read_json


def read_networks(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Descriptions of networks, each with the name of its folder as `name`."""
    return [read_json(path) | {"name": Path(path).parent.name} for path in paths]


def not_learnt(networks: Iterable[Mapping[str, Any]]) -> str:
    """Which networks have learnt nothing, and why: for figures and tables that show them.

    Parameters
    ----------
    networks : iterable of dict
        Descriptions of networks (`network.json`), with the key `problem` and, for the text, `name`.

    Returns
    -------
    str
        Such as "unet has not learnt: its masks are empty (mean IoU 0.002)"; "" if all have.
    """
    problems: dict[str, list[str]] = {}
    for record in networks:
        if record.get("problem"):
            problems.setdefault(record["problem"], []).append(str(record.get("name", "a network")))
    return "; ".join(
        f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} not learnt: {problem}"
        for problem, names in problems.items()
    )
