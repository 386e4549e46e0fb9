"""Claims, findings and published numbers as tables that a person reads."""

from collections.abc import Mapping

import pandas as pd
from deblend.report.findings import STATED
from deblend.report.numbers import LIMIT
from deblend.report.pages import NONE, heading, interval_text

#: What became of a claim, from best to worst.
VERDICTS = ("holds as stated", "holds with a wider bound", "does not hold", "not tested")

HOLDS = {"True": "holds", "False": "does not hold"}
NOT_TESTED = "not tested"


def claim_rows(claims: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """One row for each claim and network, instead of one for each bound.

    Parameters
    ----------
    claims : DataFrame of str
        `tables/claims.csv`; bars are left out.
    titles : dict
        Title of each paper.

    Returns
    -------
    DataFrame of str
        Whether the claim holds as the paper states it and with a wider bound, in this run and in
        the authors' data; the verdict, one of `VERDICTS`; the numbers that were compared. The
        wider bound is in `bound, relaxed`: the words of the statement that differ.
    """
    rows = []
    kept = claims[claims["bound"] != "bar"]
    for (paper, claim), part in kept.groupby(["paper", "claim"], sort=False):
        bounds = {row["bound"]: row for row in part.to_dict("records")}
        first, relaxed = part.iloc[0], bounds.get("relaxed")
        here = {bound: HOLDS.get(row["holds"], NOT_TESTED) for bound, row in bounds.items()}
        theirs = {
            bound: HOLDS.get(row["holds_in_authors_catalogue"], NONE)
            for bound, row in bounds.items()
        }
        rows.append(
            {
                "paper": titles.get(paper, paper),
                "where": first["where"],
                "claim": first["statement"],
                "network or method": str(claim).partition(".")[2] or NONE,
                "verdict": _verdict(here),
                "as stated": here.get("as stated", NONE),
                "relaxed": here.get("relaxed", NONE),
                "bound, relaxed": _difference(first["statement"], relaxed),
                "authors' data, as stated": theirs.get("as stated", NONE),
                "authors' data, relaxed": theirs.get("relaxed", NONE),
                "numbers": first["numbers"] or NONE,
            }
        )
    return pd.DataFrame(rows)


def _verdict(here: Mapping[str, str]) -> str:
    if here.get("as stated") == "holds":
        return VERDICTS[0]
    if here.get("relaxed") == "holds":
        return VERDICTS[1]
    return "does not hold" if "does not hold" in here.values() else NOT_TESTED


def _difference(stated: str, relaxed: Mapping[str, str] | None) -> str:
    """Words of the statement with the wider bound that the other one does not have."""
    if relaxed is None:
        return NONE
    words, others = stated.split(), relaxed["statement"].split()
    if len(words) != len(others):
        return relaxed["statement"]
    return " ".join(b for a, b in zip(words, others, strict=True) if a != b) or NONE


def bar_rows(claims: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """What a run at this scale has to show at least, and whether it does."""
    bars = claims[claims["bound"] == "bar"]
    return pd.DataFrame(
        {
            "paper": bars["paper"].map(lambda paper: titles.get(paper, paper)),
            "bar": bars["statement"],
            "verdict": bars["holds"].map(lambda holds: HOLDS.get(holds, NOT_TESTED)),
            "numbers": bars["numbers"],
        }
    )


def finding_rows(findings: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """What the reproduction found about the papers.

    Parameters
    ----------
    findings : DataFrame of str
        `tables/findings.csv`.
    titles : dict
        Title of each paper.
    """
    confirmed = {"True": "confirmed", "False": "not confirmed"}
    return pd.DataFrame(
        {
            "paper": findings["paper"].map(lambda paper: titles.get(paper, paper)),
            "where": findings["where"],
            "the paper says": findings["paper_says"],
            "found": findings["found"],
            "numbers": findings["numbers"].replace("", NONE),
            "verdict": [
                confirmed.get(text, "stated" if basis == STATED else NONE)
                for text, basis in zip(findings["confirmed"], findings["basis"], strict=True)
            ],
            "of": findings["source"],
            "basis": findings["basis"],
        }
    )


def number_rows(numbers: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Published numbers beside ours, each as exactly as it is known.

    Parameters
    ----------
    numbers : DataFrame
        `tables/reproduction.csv`.
    titles : dict
        Title of each paper.

    Returns
    -------
    DataFrame of str
        The published number has the digits that the paper gives; ours has its 68 % interval.
    """
    rows = [
        {
            "paper": titles.get(row.paper, row.paper),
            "where": row.item,
            "quantity": _quantity(row.quantity),
            "published": f"{row.published:,.{max(row.published_decimals, 0)}f}",
            "this run": interval_text(row.reproduced, row.low, row.high),
            "difference": _difference_text(row.difference, row.published_decimals),
            "n": NONE if pd.isna(row.n) else f"{row.n:,.0f}",
            "verdict": row.status,
            "if comparable": row.compared,
        }
        for row in numbers.itertuples()
    ]
    return pd.DataFrame(rows)


def _difference_text(difference: float, decimals: int) -> str:
    """A difference from a published number, with a decimal more than that has."""
    return NONE if pd.isna(difference) else f"{difference:,.{max(decimals + 1, 0)}f}"


def _quantity(name: str) -> str:
    """Name of a quantity in words, such as "outliers (%), at most (published: 1 to 2)"."""
    base, space, ends = name.partition(" ")
    limit = ", at most" if base.endswith(LIMIT) else ""
    return f"{heading(base.removesuffix(LIMIT))}{limit}{space}{ends}"
