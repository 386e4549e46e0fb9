"""Findings about a paper: computed where their data are there, else stated."""

import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.report.claims import says, table
from deblend.report.findings import (
    COLUMNS,
    COMPUTED,
    NEITHER,
    STATED,
    Findings,
    findings_table,
)

FACTS = {"count": {"numbers": "7 rows", "source": "their file"}}


@pytest.fixture
def findings():
    findings = Findings()

    @findings.add("count", "Sect. 2", says="There are ten.", of="the catalogue")
    @says("There are fewer.")
    def count(tables):
        n = len(table(tables, "catalog"))
        return f"{n} rows", n < 10

    return findings


@pytest.mark.parametrize(("n", "confirmed"), [(3, True), (12, False)])
def test_a_finding_is_computed_from_its_data(findings, n, confirmed):
    found = findings_table({"catalog": pd.DataFrame(index=range(n))}, findings, "a paper", FACTS)
    assert tuple(found.columns) == COLUMNS
    row = found.iloc[0]
    assert (row["paper"], row["where"], row["paper_says"]) == (
        "a paper",
        "Sect. 2",
        "There are ten.",
    )
    assert (row["numbers"], row["confirmed"], row["found"]) == (
        f"{n} rows",
        confirmed,
        "There are fewer.",
    )
    assert (row["source"], row["basis"]) == ("the catalogue", COMPUTED)


def test_without_its_data_a_finding_is_stated(findings):
    row = findings_table({}, findings, "a paper", FACTS).iloc[0]
    assert (row["numbers"], row["confirmed"]) == ("7 rows", None)
    assert (row["source"], row["basis"]) == ("their file", STATED)


def test_a_finding_without_numbers_has_an_empty_row():
    findings = Findings()
    findings.add("count", "Sect. 2", says="There are ten.", of="the catalogue")(
        says("There are fewer.")(lambda tables: ("", None))
    )
    row = findings_table({}, findings, "a paper", {}).iloc[0]
    assert (row["numbers"], row["confirmed"], row["basis"]) == ("", None, NEITHER)


def test_a_finding_needs_its_data_or_numbers(findings):
    with pytest.raises(DeblendError, match="'count' cannot be computed without catalog"):
        findings_table({}, findings, "a paper", {})


def test_facts_about_nothing_are_an_error(findings):
    facts = {**FACTS, "counts": FACTS["count"]}
    with pytest.raises(DeblendError, match="'counts' of a paper, which is not known.*count"):
        findings_table({}, findings, "a paper", facts)


def test_names_are_unique(findings):
    with pytest.raises(ValueError, match="'count'"):
        findings.add("count", "", says="", of="")(says("")(len))


def test_without_findings_the_table_has_its_columns():
    assert tuple(findings_table({}, Findings(), "a paper", {}).columns) == COLUMNS
