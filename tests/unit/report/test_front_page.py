"""The first page of the report."""

import numpy as np
import pandas as pd
import pytest
from deblend.report.front_page import claim_counts, front_page, telling_numbers, what_ran

TITLES = {"a": "Authors 2020", "b": "Others 2021"}
NUMBERS = pd.DataFrame(
    {"paper": ["a", "a", "b"], "configuration": ["toy scale, data x", "toy scale, data x", "y"]}
)
HIGHLIGHTS = pd.DataFrame(
    {
        "paper": ["a", "a", "b"],
        "number": ["sigma", "sigma", "IoU"],
        "unit": ["mag", "mag", np.nan],
        "role": ["ours", "baseline", "ours"],
        "method": ["net", "SEP", "net"],
        "n": [515, 515, np.nan],
        "value": [0.1798087, 0.5722084, 0.75],
        "low": [0.168, 0.531, np.nan],
        "high": [0.188, 0.605, np.nan],
        "published": ["0.12", "0.542", np.nan],
    }
)
CLAIMS = pd.DataFrame(
    {
        "paper": ["Authors 2020", "Authors 2020", "Others 2021"],
        "where": "Sect. 1",
        "claim": ["first", "second", "third"],
        "network or method": "–",
        "verdict": ["does not hold", "holds as stated", "not tested"],
        "authors' data, as stated": ["holds", "–", "–"],
    }
)
FINDINGS = pd.DataFrame(
    {"paper": ["Authors 2020"], "where": "x", "found": "5 < 6", "numbers": "–", "verdict": "stated"}
)


def record(**git):
    network = {"backend": "torch", "backend_version": "2", "device": "cpu", "threads": 1}
    return {
        "config": {"scale": "toy"},
        "networks": {"net": network, "other": network},
        "git": git or None,
        "seed": 7,
        "python": "3.11",
        "machine": "x86_64",
        "packages": {"numpy": "2"},
    }


@pytest.mark.parametrize(
    ("git", "expected"),
    [
        ({"commit": "abc", "modified": False}, "abc"),
        ({"commit": "abc", "modified": True}, "abc, with changes that are not committed"),
        ({}, "not known: the code is not in a clone"),
    ],
)
def test_the_page_says_what_ran(git, expected):
    rows = what_ran(record(**git), NUMBERS, TITLES).set_index("what")["this run"]
    assert rows["commit"] == expected
    assert rows["scale"] == "toy" and rows["Authors 2020"] == "data x"
    assert rows["Others 2021"] == "y" and rows["backends"] == "torch 2"
    assert rows["networks"].startswith("2,") and rows["seed"] == "7"


def test_each_number_has_its_baseline_and_the_published_one():
    first, second = telling_numbers(HIGHLIGHTS, TITLES).to_dict("records")
    assert first["number"] == "sigma (mag)" and first["this run"] == "0.180 [0.168, 0.188]"
    assert first["baseline"] == "SEP 0.572 [0.531, 0.605]" and first["n"] == "515"
    assert first["published"] == "0.12; SEP 0.542"
    assert second["number"] == "IoU" and second["this run"] == "0.750"
    assert (second["n"], second["baseline"], second["published"]) == ("–", "–", "–")


def test_claims_are_counted_by_verdict():
    rows = claim_counts(CLAIMS).set_index("paper")
    assert rows.loc["Authors 2020", "holds as stated"] == "1"
    assert rows.loc["Authors 2020", "does not hold"] == "1"
    assert rows.loc["Authors 2020", "authors' data: hold as stated"] == "1 of 1"
    assert rows.loc["Others 2021", "not tested"] == "1"
    assert rows.loc["Others 2021", "authors' data: hold as stated"] == "–"


def test_the_page_has_claims_that_hold_and_that_do_not_and_findings():
    text = front_page(record(), NUMBERS, HIGHLIGHTS, CLAIMS, FINDINGS, TITLES)
    assert text.index(">second<") < text.index(">first<")
    assert ">third<" not in text and "5 &lt; 6" in text
    assert "None in this run" in front_page(
        record(), NUMBERS, HIGHLIGHTS, CLAIMS, FINDINGS.iloc[:0], TITLES
    )
