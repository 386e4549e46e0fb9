"""Definition of claims as in a paper's module, and the table of tested claims."""

import pandas as pd
import pytest
from deblend.report.claims import (
    Claims,
    MissingResult,
    all_below,
    claims_table,
    listed,
    says,
    table,
)

TABLES = {"errors": pd.DataFrame({"small": [0.03], "large": [0.3]}), "absent": None}


@pytest.fixture
def claims():
    """A claim about two networks, and two about no network, one of which cannot be tested."""
    claims = Claims()
    claim = claims.add

    @claim("good", "Sect. 2", stated=0.1, relaxed=0.5, networks=("small", "large"))
    @says("Errors below {bound:g} mag")
    def good(tables, bound, network):
        return all_below({network: table(tables, "errors")[network].iloc[0]}, bound)

    @claim("any", "Sect. 1", stated=0)
    @says("There are errors")
    def anything(tables, bound):
        return f"{len(table(tables, 'errors'))}", len(table(tables, "errors")) > bound

    @claim("untested", "ours", stated=1, relaxed=0)
    @says("At least {bound:.0%}")
    def untested(tables, bound):
        return str(table(tables, "absent")), True

    return claims


def test_claims_come_in_the_order_of_their_definition(claims):
    assert [claim.name for claim in claims] == ["good", "any", "untested"]
    assert [claim.where for claim in claims] == ["Sect. 2", "Sect. 1", "ours"]
    assert claims[0].statement == "Errors below {bound:g} mag"
    assert (claims[1].stated, claims[1].relaxed, claims[1].networks) == (0, None, ())


def test_there_is_a_row_per_network_and_bound(claims):
    found = claims_table(TABLES, "toy", claims, "a paper")
    columns = ["claim", "paper", "where", "statement", "bound", "numbers", "holds", "scale"]
    assert found.columns.tolist() == columns
    assert found[["claim", "bound", "holds"]].to_numpy().tolist() == [
        ["good.small", "as stated", True],
        ["good.small", "relaxed", True],
        ["good.large", "as stated", False],
        ["good.large", "relaxed", True],
        ["any", "as stated", True],
        ["untested", "as stated", None],
        ["untested", "relaxed", None],
    ]
    assert found["numbers"].tolist() == ["small 0.03"] * 2 + ["large 0.3"] * 2 + ["1", "", ""]
    assert found["statement"].tolist()[2:] == [
        "Errors below 0.1 mag",
        "Errors below 0.5 mag",
        "There are errors",
        "At least 100%",
        "At least 0%",
    ]
    assert set(found["paper"]) == {"a paper"}
    assert set(found["scale"]) == {"toy"}


def test_without_tables_nothing_holds_or_fails(claims):
    found = claims_table({}, "toy", claims, "a paper")
    assert len(found) == 7
    assert found["holds"].isna().all()
    assert (found["numbers"] == "").all()


def test_other_errors_are_not_hidden(claims):
    with pytest.raises(KeyError, match="large"):
        claims_table({"errors": TABLES["errors"][["small"]]}, "toy", claims, "a paper")


def test_names_are_unique(claims):
    with pytest.raises(ValueError, match="'good'"):
        claims.add("good", "Sect. 3", stated=1)(says("Something else")(all_below))
    assert len(claims) == 3


def test_the_decorator_does_not_change_the_test():
    claims = Claims()

    def test(tables, bound):
        return "1", bound < 1

    assert claims.add("one", "Sect. 1", stated=0)(says("One")(test)) is test
    assert claims[0].test is test


def test_numbers_as_text():
    assert listed({"a": 1.23456, "b": 20}) == "a 1.235; b 20"
    assert listed({"a": 1.23456, "b": 20}, {"b": 0.123}) == "a 1.235; b 20 ± 0.12"
    assert all_below({"a": 0.1, "b": -0.3}, 0.2) == ("a 0.1; b -0.3", False)
    assert all_below({"a": 0.1, "b": -0.3}, 0.4)[1] is True


def test_the_name_of_a_missing_table_is_in_the_error():
    with pytest.raises(MissingResult, match="absent"):
        table(TABLES, "absent")
