"""Definition of claims as in a paper's module, and the table of tested claims."""

import pandas as pd
import pytest
import yaml
from deblend.errors import DeblendError
from deblend.report.claims import (
    Claims,
    MissingResult,
    all_below,
    claims_table,
    listed,
    read_bars,
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
    columns = "claim paper where statement bound numbers holds holds_in_authors_catalogue"
    columns += " authors_source not_learnt scale"
    assert found.columns.tolist() == columns.split()
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


@pytest.fixture
def with_bars(claims):
    """The same claims, then two bars, one of which cannot be tested."""
    bar = claims.add_bar

    @bar("bar_small")
    @says("Errors of small galaxies below {bound:g} mag at this scale")
    def bar_small(tables, bound):
        return all_below({"small": table(tables, "errors")["small"].iloc[0]}, bound)

    @bar("bar_absent")
    @says("More than {bound:g}")
    def bar_absent(tables, bound):
        return str(table(tables, "absent")), True

    return claims


def test_a_bar_has_the_bound_of_the_scale(with_bars):
    assert [claim.name for claim in with_bars if claim.is_bar] == ["bar_small", "bar_absent"]
    for bound, holds in ((0.04, True), (0.02, False)):
        bars = {"bar_absent": 5, "bar_small": bound}
        found = claims_table(TABLES, "toy", with_bars, "a paper", bars=bars)
        assert len(found) == 9  # seven rows of other claims, and one of each bar
        row = found.iloc[7]
        assert (row["claim"], row["where"], row["bound"]) == ("bar_small", "bar", "bar")
        assert row["statement"] == f"Errors of small galaxies below {bound} mag at this scale"
        assert (row["numbers"], row["holds"]) == ("small 0.03", holds)
        assert (found.iloc[8]["claim"], found.iloc[8]["holds"]) == ("bar_absent", None)


def test_a_scale_without_bars_has_no_rows_of_them(with_bars, claims):
    everything = claims_table(TABLES, "paper", with_bars, "a paper")
    assert set(everything["bound"]) == {"as stated", "relaxed"}
    assert len(everything) == 7
    one = claims_table(TABLES, "toy", with_bars, "a paper", bars={"bar_small": 0.04})
    assert one["claim"].tolist()[7:] == ["bar_small"]


@pytest.mark.parametrize("name", ["bar_smal", "any"])
def test_a_bar_without_a_claim_is_an_error(with_bars, name):
    """A claim that has its own bound is not a bar."""
    message = f"has '{name}' for a paper at toy scale.*give one of bar_small, bar_absent"
    with pytest.raises(DeblendError, match=message):
        claims_table(TABLES, "toy", with_bars, "a paper", bars={"bar_small": 1, name: 2})


def test_bars_are_read_by_scale_and_paper(tmp_path):
    path = tmp_path / "bars.yaml"
    path.write_text(yaml.safe_dump({"toy": {"one": {"bar_a": 0.5, "bar_b": 2}, "two": {}}}))
    assert read_bars(path, "toy", "one") == {"bar_a": 0.5, "bar_b": 2}
    assert read_bars(path, "toy", "two") == {}
    assert read_bars(path, "toy", "three") == {}
    assert read_bars(path, "paper", "one") == {}


def test_bars_of_a_source_are_for_its_images_only(tmp_path):
    path = tmp_path / "bars.yaml"
    bars = {"bar_a": 0.5, "simulated": {"bar_b": 2}, "files": {"bar_b": 3, "bar_c": 1}}
    path.write_text(yaml.safe_dump({"small": {"one": bars}}))
    assert read_bars(path, "small", "one", "simulated") == {"bar_a": 0.5, "bar_b": 2}
    assert read_bars(path, "small", "one", "files") == {"bar_a": 0.5, "bar_b": 3, "bar_c": 1}
    assert read_bars(path, "small", "one", "archive") == read_bars(path, "small", "one")
    assert read_bars(path, "small", "one") == {"bar_a": 0.5}


def test_every_row_names_the_networks_that_have_learnt_nothing(claims):
    networks = [{"name": "unet", "problem": "its masks are empty"}, {"name": "b", "problem": None}]
    found = claims_table(TABLES, "toy", claims, "a paper", networks=networks)
    assert set(found["not_learnt"]) == {"unet has not learnt: its masks are empty"}
    assert set(claims_table(TABLES, "toy", claims, "a paper")["not_learnt"]) == {""}


def test_the_same_tests_on_the_authors_own_results(with_bars):
    authors = ({"errors": pd.DataFrame({"small": [0.3], "large": [0.01]})}, "their table")
    bars = {"bar_small": 0.04}
    found = claims_table(TABLES, "toy", with_bars, "a paper", bars=bars, authors=authors)
    theirs = found.set_index(["claim", "bound"])["holds_in_authors_catalogue"]
    assert theirs["good.small"].tolist() == [False, True]
    assert theirs["good.large"].tolist() == [True, True]
    assert theirs["untested"].tolist() == [None, None]
    # A bar is about a run of ours, whatever they have.
    assert theirs["bar_small"].tolist() == [None]
    known = found["holds_in_authors_catalogue"].notna()
    assert set(found["authors_source"][known]) == {"their table"}
    assert set(found["authors_source"][~known]) == {""}
    assert found["holds"].tolist()[:4] == [True, True, False, True]
    alone = claims_table(TABLES, "toy", with_bars, "a paper")
    assert alone["holds_in_authors_catalogue"].isna().all()
