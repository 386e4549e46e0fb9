"""What a claim of a paper is, and a table of tested ones; the claims themselves are the papers'."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

#: Tables by name: see `claims_table`.
Tables = Mapping[str, pd.DataFrame | None]


#: The compared numbers as text, and whether the claim holds.
Result = tuple[str, bool | None]


class NotThere(Exception):
    """A claim cannot be tested with what ran."""


def table(tables: Tables, name: str) -> pd.DataFrame:
    """A table, if it is there."""
    found = tables.get(name)
    if found is None:
        raise NotThere(name)
    return found


def listed(values: Mapping[str, float], errors: Mapping[str, float] | None = None) -> str:
    """Named numbers as text, with their errors where they have some."""
    parts = {name: f"{name} {value:.4g}" for name, value in values.items()}
    for name, error in (errors or {}).items():
        parts[name] += f" ± {error:.2g}"
    return "; ".join(parts.values())


def largest_below(values: Mapping[str, float], bound: float) -> Result:
    """All of them are below a bound."""
    return listed(values), bool(max(map(abs, values.values())) < bound)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes
    ----------
    name : str
    where : str
        Section of the paper.
    statement : str
        In our words, with `{bound}` where the bound belongs.
    test : callable
        From tables, network and bound to the numbers and whether the claim holds; raises
        `NotThere`.
    stated, relaxed : float
        Bounds; without a relaxed one there is one row.
    networks : tuple of str
        Networks that it is about, each in rows of its own.
    """

    name: str
    where: str
    statement: str
    test: Callable[[Tables, str, float], Result]
    stated: float
    relaxed: float | None = None
    networks: tuple[str, ...] = ("blend2flux", "blend2mask2flux")


def claims_table(
    tables: Tables, scale: str, claims: tuple[Claim, ...], paper: str = "boucaud2020"
) -> pd.DataFrame:
    """Every claim of a paper tested.

    Parameters
    ----------
    tables : dict
        Any of: `statistics` (see `deblend.boucaud2020.recovered.statistics_table`), `photometry`
        (see `deblend.boucaud2020.metrics.photometry_table`, its networks called blend2flux and
        blend2mask2flux), `points` (of Fig. 5), `fig7`, `fig8`, `fig9` (see
        `deblend.boucaud2020.recovered.binned_statistics`), `fig7_points` (see
        `deblend.boucaud2020.figures.fig7_errors.fig7_data`), `table2` (see
        `deblend.boucaud2020.tables`), `iou` (see `deblend.boucaud2020.masks.mask_table`), `fig12`
        (see `deblend.boucaud2020.figures.fig10_12_masks.fig12_statistics`). What is absent or None
        leaves its claims untested.
    scale : str
        To record.
    claims : tuple of Claim
    paper : str

    Returns
    -------
    DataFrame
        `claim`, `paper`, `where`, `statement`, `bound` (as stated or relaxed), `numbers`, `holds`
        (True, False, or None where it cannot be tested with what ran), `scale`.
    """
    rows = []
    for claim in claims:
        for network in claim.networks:
            for kind, bound in (("as stated", claim.stated), ("relaxed", claim.relaxed)):
                if bound is None:
                    continue
                try:
                    numbers, holds = claim.test(tables, network, bound)
                except NotThere:
                    numbers, holds = "", None
                rows.append(
                    {
                        "claim": f"{claim.name}.{network}" if network else claim.name,
                        "paper": paper,
                        "where": claim.where,
                        "statement": claim.statement.format(bound=bound),
                        "bound": kind,
                        "numbers": numbers,
                        "holds": None if holds is None else bool(holds),
                        "scale": scale,
                    }
                )
    return pd.DataFrame(rows).astype({"holds": object})
