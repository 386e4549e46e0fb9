"""Definition and table of claims. The claims themselves are in the package of each paper.

A paper's module defines a claim with the function that tests it::

    CLAIMS = Claims()
    claim = CLAIMS.add

    @claim("unbiased", "Sects 4.1, 5", stated=0.02, relaxed=0.05, networks=NETWORKS)
    @says("Unbiased: mean error below {bound:g} mag")
    def unbiased(tables: Tables, bound: float, network: str) -> Result: ...

A bar is a claim of ours about a scale: how much a run at this scale has to show at least. Its
bounds are in config/bars.yaml, so that a run at another scale, or with images from another source,
has another bound, or no such row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from deblend.errors import DeblendError
from deblend.files import read_yaml
from deblend.report.networks import not_learnt

#: Tables of results by name; a table that was not made is absent or None.
Tables = Mapping[str, pd.DataFrame | None]


#: The numbers that are compared, as text, and whether the claim holds; None if they do not show it.
Result = tuple[str, bool | None]


#: Function of the tables, a bound and, for claims about networks, the name of a network.
Test = Callable[..., Result]


class MissingResult(Exception):
    """The results that a claim needs to be tested are missing."""


def table(tables: Tables, name: str) -> pd.DataFrame:
    """Return a table, or raise an error if it is missing.

    Parameters
    ----------
    tables : dict
    name : str

    Returns
    -------
    DataFrame

    Raises
    ------
    MissingResult
        The table is absent or None.
    """
    result = tables.get(name)
    if result is None:
        raise MissingResult(name)
    return result


def listed(values: Mapping[str, float], errors: Mapping[str, float] | None = None) -> str:
    """Named numbers as text, with their errors if given.

    Parameters
    ----------
    values : dict
        Numbers by name.
    errors : dict, optional
        Errors by name, for all or some of the numbers.

    Returns
    -------
    str
    """
    parts = {name: f"{name} {value:.4g}" for name, value in values.items()}
    for name, error in (errors or {}).items():
        parts[name] += f" ± {error:.2g}"
    return "; ".join(parts.values())


def all_below(values: Mapping[str, float], bound: float) -> Result:
    """Test whether the absolute values of all numbers are below a bound.

    Parameters
    ----------
    values : dict
        Numbers by name.
    bound : float

    Returns
    -------
    numbers : str
    holds : bool
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
        The claim in our words, with `{bound}` at the place of the bound.
    test : callable
        Function of the tables, the bound and, if there are `networks`, the network. It returns the
        numbers and whether the claim holds, or raises `MissingResult`.
    stated, relaxed : float or None
        Bounds as stated in the paper and relaxed; the table has a row for each of them. A bar has
        neither.
    networks : tuple of str
        Networks that the claim is about, each with its own rows; empty if the claim is not about
        individual networks.
    """

    name: str
    where: str
    statement: str
    test: Test
    stated: float | None = None
    relaxed: float | None = None
    networks: tuple[str, ...] = ()

    @property
    def is_bar(self) -> bool:
        """Whether the bound depends on the scale."""
        return self.stated is None


#: Statement of a claim, and its test.
StatedTest = tuple[str, Test]


def says(statement: str) -> Callable[[Test], StatedTest]:
    """Decorator that gives the statement of a claim to the function that tests it.

    Parameters
    ----------
    statement : str
        See `Claim`.

    Returns
    -------
    callable
        Decorator, which returns the statement and the test.
    """
    return lambda test: (statement, test)


class Claims(list[Claim]):
    """The claims of a paper, in the order in which its module defines them."""

    def add(
        self,
        name: str,
        where: str,
        *,
        stated: float | None,
        relaxed: float | None = None,
        networks: tuple[str, ...] = (),
    ) -> Callable[[StatedTest], Test]:
        """Decorator, above `says`, that adds a claim and returns the test unchanged.

        Parameters
        ----------
        name, where, stated, relaxed, networks
            See `Claim`.

        Raises
        ------
        ValueError
            There is already a claim of that name.
        """

        def decorate(stated_test: StatedTest) -> Test:
            if name in {claim.name for claim in self}:
                raise ValueError(f"There are two claims named {name!r}: rename one of them.")
            statement, test = stated_test
            self.append(Claim(name, where, statement, test, stated, relaxed, networks))
            return test

        return decorate

    def add_bar(self, name: str) -> Callable[[StatedTest], Test]:
        """Decorator like `add` for a bar, whose bounds are in config/bars.yaml."""
        return self.add(name, "bar", stated=None)


def read_bars(
    path: str | Path, scale: str, paper: str, source: str | None = None
) -> dict[str, float]:
    """Bounds of a paper's bars at a scale, by name; none if the file has none for the scale.

    Parameters
    ----------
    path : path
        config/bars.yaml.
    scale, paper : str
    source : str, optional
        Where the run's images come from. Bars below the name of another source are left out.
    """
    bars: dict[str, float] = {}
    for name, bound in read_yaml(path).get(scale, {}).get(paper, {}).items():
        if not isinstance(bound, Mapping):
            bars[name] = bound
        elif name == source:
            bars |= bound
    return bars


def claims_table(
    tables: Tables,
    scale: str,
    claims: Sequence[Claim],
    paper: str,
    *,
    bars: Mapping[str, float] | None = None,
    networks: Iterable[Mapping[str, Any]] = (),
    authors: tuple[Tables, str] = ({}, ""),
) -> pd.DataFrame:
    """Test every claim of a paper.

    Parameters
    ----------
    tables : dict
        Tables that the tests need. Claims whose tables are absent or None are not tested.
    scale : str
        Scale of the run, to be recorded.
    claims : sequence of Claim
    paper : str
        Name of the paper, to be recorded.
    bars : dict, optional
        Bounds of the bars at this scale, by name of the claim; other bars have no row.
    networks : iterable of dict
        Descriptions of the networks that the tables come from (`network.json`).
    authors : (dict, str)
        The same tables of the authors' own results, as far as they are known, and what they are
        from.

    Returns
    -------
    DataFrame
        `claim`, `paper`, `where`, `statement`, `bound` (as stated, relaxed or bar), `numbers`,
        `holds` (True or False, or None if the results do not show it),
        `holds_in_authors_catalogue` (the same for the tables in `authors`; None for bars), with
        `authors_source` (what these are from, where they show it), `not_learnt` (networks that have
        learnt nothing, and why), `scale`.

    Raises
    ------
    DeblendError
        There is no claim for a bar.
    """
    unknown = set(bars or {}) - {claim.name for claim in claims if claim.is_bar}
    if unknown:
        raise DeblendError(
            f"config/bars.yaml has {min(unknown)!r} for {paper} at {scale} scale, but its claims "
            "have no such bar: give one of "
            f"{', '.join(claim.name for claim in claims if claim.is_bar)}"
        )
    problems = not_learnt(networks)
    rows = []
    for claim in claims:
        bounds = {"as stated": claim.stated, "relaxed": claim.relaxed}
        if claim.is_bar:
            bounds = {"bar": (bars or {}).get(claim.name)}
        for network in claim.networks or (None,):
            for kind, bound in bounds.items():
                if bound is None:
                    continue
                numbers, holds = _outcome(claim, tables, bound, network)
                theirs = None if claim.is_bar else _outcome(claim, authors[0], bound, network)[1]
                rows.append(
                    {
                        "claim": claim.name if network is None else f"{claim.name}.{network}",
                        "paper": paper,
                        "where": claim.where,
                        "statement": claim.statement.format(bound=bound),
                        "bound": kind,
                        "numbers": numbers,
                        "holds": holds,
                        "holds_in_authors_catalogue": theirs,
                        "authors_source": "" if theirs is None else authors[1],
                        "not_learnt": problems,
                        "scale": scale,
                    }
                )
    return pd.DataFrame(rows).astype({"holds": object, "holds_in_authors_catalogue": object})


def _outcome(claim: Claim, tables: Tables, bound: float, network: str | None) -> Result:
    """Result of a claim's test; no numbers and None if tables are missing."""
    try:
        numbers, holds = claim.test(tables, bound, *(() if network is None else (network,)))
    except MissingResult:
        return "", None
    return numbers, None if holds is None else bool(holds)
