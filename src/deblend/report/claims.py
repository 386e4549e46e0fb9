"""What a claim of a paper is, and a table of tested ones; the claims themselves are the papers'.

A paper's module defines a claim as the function that tests it::

    CLAIMS = Claims()
    claim = CLAIMS.add

    @claim("unbiased", "Sects 4.1, 5", stated=0.02, relaxed=0.05, networks=NETWORKS)
    @says("Unbiased: mean error below {bound:g} mag")
    def unbiased(tables: Tables, bound: float, network: str) -> Result: ...
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

#: Tables by name, which are the paper's; None, as an absent one, where it was not made.
Tables = Mapping[str, pd.DataFrame | None]


#: The compared numbers as text, and whether the claim holds; None if the numbers cannot tell.
Result = tuple[str, bool | None]


#: From tables and a bound, and the network if the claim is about networks.
Test = Callable[..., Result]


class NotThere(Exception):
    """A claim cannot be tested with what ran."""


def table(tables: Tables, name: str) -> pd.DataFrame:
    """A table, if it is there.

    Parameters
    ----------
    tables : dict
    name : str

    Returns
    -------
    DataFrame

    Raises
    ------
    NotThere
        If it is absent or None.
    """
    found = tables.get(name)
    if found is None:
        raise NotThere(name)
    return found


def listed(values: Mapping[str, float], errors: Mapping[str, float] | None = None) -> str:
    """Named numbers as text, with their errors where they have some.

    Parameters
    ----------
    values : dict
        Name to number.
    errors : dict, optional
        Name to error, of all or some of them.

    Returns
    -------
    str
    """
    parts = {name: f"{name} {value:.4g}" for name, value in values.items()}
    for name, error in (errors or {}).items():
        parts[name] += f" ± {error:.2g}"
    return "; ".join(parts.values())


def all_below(values: Mapping[str, float], bound: float) -> Result:
    """All numbers are below a bound, whatever their sign.

    Parameters
    ----------
    values : dict
        Name to number.
    bound : float

    Returns
    -------
    text and whether it holds
    """
    return listed(values), bool(max(map(abs, values.values())) < bound)


@dataclass(frozen=True)
class Claim:
    """A claim of a paper.

    Attributes
    ----------
    name : str
    where : str
        Section of the paper.
    statement : str
        In our words, with `{bound}` where the bound belongs.
    test : callable
        From tables and bound, and network if there are `networks`, to the numbers and whether the
        claim holds; raises `NotThere`.
    stated, relaxed : float
        Bounds; without a relaxed one there is one row.
    networks : tuple of str
        Networks that it is about, each in rows of its own; none if it is about no single one.
    """

    name: str
    where: str
    statement: str
    test: Test
    stated: float
    relaxed: float | None = None
    networks: tuple[str, ...] = ()


#: What a claim says, and its test.
Said = tuple[str, Test]


def says(statement: str) -> Callable[[Test], Said]:
    """As a decorator: what the test below tests.

    Parameters
    ----------
    statement : str
        See `Claim`.

    Returns
    -------
    callable
        From the test to the statement and the test.
    """
    return lambda test: (statement, test)


class Claims(list[Claim]):
    """The claims of a paper, in the order in which its module defines them."""

    def add(
        self,
        name: str,
        where: str,
        *,
        stated: float,
        relaxed: float | None = None,
        networks: tuple[str, ...] = (),
    ) -> Callable[[Said], Test]:
        """As a decorator above `says`: add the test below as a claim, and leave it as it is.

        Parameters
        ----------
        name, where, stated, relaxed, networks
            See `Claim`.

        Raises
        ------
        ValueError
            If there is a claim of that name.
        """

        def added(said: Said) -> Test:
            if name in {claim.name for claim in self}:
                raise ValueError(f"There are two claims named {name!r}: rename one of them.")
            statement, test = said
            self.append(Claim(name, where, statement, test, stated, relaxed, networks))
            return test

        return added


def claims_table(tables: Tables, scale: str, claims: Sequence[Claim], paper: str) -> pd.DataFrame:
    """Every claim of a paper tested.

    Parameters
    ----------
    tables : dict
        What the claims' tests ask for. What is absent or None leaves its claims untested.
    scale : str
        To record.
    claims : sequence of Claim
    paper : str
        To record.

    Returns
    -------
    DataFrame
        `claim`, `paper`, `where`, `statement`, `bound` (as stated or relaxed), `numbers`, `holds`
        (True, False, or None where it cannot be tested with what ran), `scale`.
    """
    rows = []
    for claim in claims:
        for network in claim.networks or (None,):
            for kind, bound in (("as stated", claim.stated), ("relaxed", claim.relaxed)):
                if bound is None:
                    continue
                try:
                    about = () if network is None else (network,)
                    numbers, holds = claim.test(tables, bound, *about)
                except NotThere:
                    numbers, holds = "", None
                rows.append(
                    {
                        "claim": claim.name if network is None else f"{claim.name}.{network}",
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
