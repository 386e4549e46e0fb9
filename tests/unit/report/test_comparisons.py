"""Claims, findings and published numbers as tables that a person reads."""

import numpy as np
import pandas as pd
from deblend.report.claims import Claims, claims_table, says
from deblend.report.comparisons import bar_rows, claim_rows, finding_rows, number_rows
from deblend.report.findings import STATED
from deblend.report.numbers import Row, reproduction_table

TITLES = {"paper": "Authors 2020"}


def as_text(table, folder):
    """A table as it is read from its file."""
    table.to_csv(folder / "table.csv", index=False)
    return pd.read_csv(folder / "table.csv", dtype=str, keep_default_na=False)


def claims(folder):
    found = Claims()

    @found.add("unbiased", "Sect. 4", stated=0.02, relaxed=0.05, networks=("a", "b"))
    @says("Unbiased: below {bound:g} mag")
    def unbiased(tables, bound, network):
        value = tables["errors"][network]
        return f"{value:g}", value < bound

    @found.add("untested", "Sect. 5", stated=1)
    @says("At least {bound:g}")
    def untested(tables, bound):
        return "", None

    @found.add_bar("works")
    @says("Below {bound:g}")
    def works(tables, bound):
        return "0.01", True

    tables = {"errors": pd.Series({"a": 0.03, "b": 0.01})}
    authors = {"errors": pd.Series({"a": 0.01, "b": 0.06})}
    table = claims_table(
        tables, "toy", found, "paper", bars={"works": 0.5}, authors=(authors, "theirs")
    )
    return as_text(table, folder)


def test_claims_have_one_row_each(tmp_path):
    rows = claim_rows(claims(tmp_path), TITLES).set_index("network or method")
    assert rows["verdict"].to_dict() == {
        "a": "holds with a wider bound",
        "b": "holds as stated",
        "–": "not tested",
    }
    first = rows.loc["a"]
    assert first["claim"] == "Unbiased: below 0.02 mag" and first["paper"] == "Authors 2020"
    assert (first["as stated"], first["relaxed"]) == ("does not hold", "holds")
    assert first["bound, relaxed"] == "0.05" and first["numbers"] == "0.03"
    assert first["authors' data, as stated"] == "holds"
    assert rows.loc["b", "authors' data, relaxed"] == "does not hold"
    assert rows.loc["–", "bound, relaxed"] == "–"


def test_bars_are_apart(tmp_path):
    rows = bar_rows(claims(tmp_path), TITLES)
    assert rows["bar"].tolist() == ["Below 0.5"] and rows["verdict"].tolist() == ["holds"]


def test_a_claim_that_fails_with_both_bounds_does_not_hold(tmp_path):
    table = claims(tmp_path)
    table["holds"] = table["holds"].replace("True", "False")
    rows = claim_rows(table, TITLES)
    assert rows["verdict"].tolist() == ["does not hold", "does not hold", "not tested"]


def test_published_numbers_have_the_digits_of_the_paper():
    rows = [
        Row("Table 1", "outliers_percent_at_most", 0.1, 0.62893, 954, low=0.3632, high=0.9416),
        Row("Sect. 2", "sigma_mag", [0.1, 0.2], np.nan),
    ]
    shown = number_rows(reproduction_table({"toy": rows}, "paper", False), TITLES)
    first, second = shown.to_dict("records")
    assert first["quantity"] == "outliers (%), at most" and first["published"] == "0.1"
    assert first["this run"] == "0.63 [0.36, 0.94]" and first["difference"] == "0.53"
    assert first["verdict"] == "not comparable" and first["n"] == "954"
    assert second["quantity"] == "σ (mag) (published: 0.1 to 0.2)"
    assert (second["this run"], second["difference"], second["n"]) == ("–", "–", "–")


def test_findings_say_whether_they_are_confirmed():
    columns = dict.fromkeys(("where", "paper_says", "found", "numbers", "source"), "x")
    table = pd.DataFrame(
        {
            "paper": "paper",
            **columns,
            "confirmed": ["True", "False", "", ""],
            "basis": ["computed in this run", "computed in this run", STATED, "neither"],
        }
    )
    rows = finding_rows(table, TITLES)
    assert rows["verdict"].tolist() == ["confirmed", "not confirmed", "stated", "–"]
    assert set(rows["paper"]) == {"Authors 2020"}
