"""Definition and table of findings: what the reproduction found about a paper itself.

A paper's module defines a finding with the function that computes it, as it defines claims::

    FINDINGS = Findings()
    finding = FINDINGS.add

    @finding("test_blends", "Sect. 2.3", says="5,000 test blends", of="the authors' catalogue")
    @says("The catalogue has fewer")
    def test_blends(tables: Tables) -> Result: ...

Where its data are missing, the row has the numbers that config/published.yaml states. A finding
that returns no numbers has an empty row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from deblend.errors import DeblendError
from deblend.report.claims import MissingResult, Result, Tables

COLUMNS = (
    "finding",
    "paper",
    "where",
    "paper_says",
    "found",
    "numbers",
    "confirmed",
    "source",
    "basis",
)

#: Where the numbers of a row come from.
COMPUTED = "computed in this run"
STATED = "stated in config/published.yaml, not computed in this run"
NEITHER = "neither computed in this run nor stated"

#: Function of the tables that returns numbers, and whether they show what was found.
Computation = Callable[[Tables], Result]


@dataclass(frozen=True)
class Finding:
    """Something that the reproduction found about a paper.

    Attributes
    ----------
    name, where : str
        `where` is the section of the paper.
    says : str
        What the paper says.
    found : str
        What was found, in our words.
    of : str
        The data that it is computed from.
    compute : callable
        Function of the tables, which raises `MissingResult` without its data.
    """

    name: str
    where: str
    says: str
    found: str
    of: str
    compute: Computation


class Findings(list[Finding]):
    """The findings about a paper, in the order in which its module defines them."""

    def add(
        self, name: str, where: str, *, says: str, of: str
    ) -> Callable[[tuple[str, Computation]], Computation]:
        """Decorator, above `deblend.report.claims.says`, that adds a finding.

        Parameters
        ----------
        name, where, says, of
            See `Finding`.

        Raises
        ------
        ValueError
            There is already a finding of that name.
        """

        def decorate(stated: tuple[str, Computation]) -> Computation:
            if name in {finding.name for finding in self}:
                raise ValueError(f"There are two findings named {name!r}: rename one of them.")
            found, compute = stated
            self.append(Finding(name, where, says, found, of, compute))
            return compute

        return decorate


def findings_table(
    tables: Tables,
    findings: Sequence[Finding],
    paper: str,
    facts: Mapping[str, Mapping[str, str]],
    sources: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Every finding about a paper, computed where its data are there.

    Parameters
    ----------
    tables : dict
        Tables that the computations need.
    findings : sequence of Finding
    paper : str
        Name of the paper, to be recorded.
    facts : dict
        From config/published.yaml, by name of the finding: `numbers` and their `source`.
    sources : dict, optional
        What the data of a finding (`of`) are called in this run, if they are others.

    Returns
    -------
    DataFrame
        `COLUMNS`. `confirmed` is whether the numbers that were computed show what was found; None
        for numbers that are stated, and for data that cannot confirm it (`numbers` says why).
        `source` is what the numbers are of, and `basis` says whether they were computed.

    Raises
    ------
    DeblendError
        Facts are about no finding, or a finding that cannot be computed has none.
    """
    names = [finding.name for finding in findings]
    for name in facts:
        if name not in names:
            raise DeblendError(
                f"config/published.yaml has the finding {name!r} of {paper}, which is not known; "
                f"there are {', '.join(names)}"
            )
    rows = []
    for finding in findings:
        source = (sources or {}).get(finding.of, finding.of)
        try:
            numbers, confirmed = finding.compute(tables)
            basis = COMPUTED if numbers else NEITHER
        except MissingResult as error:
            if finding.name not in facts:
                raise DeblendError(
                    f"{finding.name!r} cannot be computed without {error}, and "
                    f"config/published.yaml has no numbers for it (under {paper} > findings)"
                ) from None
            fact = facts[finding.name]
            numbers, confirmed, source, basis = fact["numbers"], None, fact["source"], STATED
        rows.append(
            (
                *(finding.name, paper, finding.where, finding.says, finding.found),
                *(numbers, None if confirmed is None else bool(confirmed), source, basis),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"confirmed": object})
