"""Tables of results as pages that a person reads."""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from deblend.report.pages import (
    excluded_counts,
    heading,
    html_table,
    interval_text,
    number_text,
    page,
    readable,
    table_page,
    with_error,
    write_page,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.17980878870061505, "0.180"),
        (34.6119, "34.6"),
        (515, "515"),
        (182834.4, "182,834"),
        (0.0000123, "1.23e-05"),
        (0.0, "0"),
        (-12.271, "-12.3"),
        (np.nan, "–"),
        (np.inf, "inf"),
    ],
)
def test_numbers_have_three_digits(value, expected):
    assert number_text(value) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0.17980878, 0.16827, 0.187884), "0.180 [0.168, 0.188]"),
        ((79.569, 75.4, 83.8), "79.6 [75.4, 83.8]"),
        ((0.0005, -0.03, 0.03), "0.001 [-0.030, 0.030]"),
        ((1234.567, 1233.1, 1236.2), "1,235 [1,233, 1,236]"),
        ((0.5, np.nan, np.nan), "0.500"),
        ((1.0, 1.0, 1.0), "1 [1, 1]"),
    ],
)
def test_intervals_have_the_digits_that_the_error_allows(row, expected):
    assert interval_text(*row) == expected


def test_errors_have_the_decimals_of_their_number():
    assert with_error(29.62740141839665, 0.3199823643990117) == ("29.6", "0.3")
    assert with_error(0.84952, 0.0321) == ("0.850", "0.032")
    assert with_error(0.5, np.nan) == ("0.500", "–")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("outliers_percent", "outliers (%)"),
        ("half_light_radius_px", "half light radius (px)"),
        ("psnr_eq6_db", "psnr eq6 (dB)"),
        ("n_galaxies", "number of galaxies"),
        ("n", "n"),
        ("Peaks in", "Peaks in"),
    ],
)
def test_headings_have_units(name, expected):
    assert heading(name) == expected


def test_a_readable_table_has_intervals_beside_numbers_and_no_long_numbers():
    table = pd.DataFrame(
        {
            "method": ["a", "b"],
            "n": [515.0, np.nan],
            "sigma_mag": [0.17980878870061505, 0.5722084216983203],
            "sigma_mag_low": [0.1682725657, 0.5314978975],
            "sigma_mag_high": [0.1878847454, 0.6048155011],
            "mean": [0.9052032874780707, 0.5],
            "error": [0.01622530229162037, 0.0],
            "is_ours": [True, False],
            "empty": [np.nan, np.nan],
            "scale": "toy",
        }
    )
    shown = readable(table)
    assert shown.to_dict("list") == {
        "method": ["a", "b"],
        "n": ["515", "–"],
        "σ (mag)": ["0.180 [0.168, 0.188]", "0.572 [0.531, 0.605]"],
        "mean": ["0.905 ± 0.016", "0.500 ± 0"],
        "is ours": ["yes", "no"],
    }
    assert not re.search(r"\d{6}", html_table(shown))


def test_galaxies_that_are_left_out_are_counted():
    excluded = pd.DataFrame({"id": ["a", "b", "c"], "reason": ["faint", "edge", "faint"]})
    counts = excluded_counts(excluded)
    assert counts.to_dict("list") == {"reason": ["faint", "edge", "total"], "n": [2, 1, 3]}
    assert ">2</td>" in table_page(excluded, "excluded.csv")
    assert ">c</td>" in table_page(excluded, "others.csv")
    assert excluded_counts(excluded.iloc[:0])["n"].tolist() == [0]


def test_text_is_escaped_and_verdicts_are_marked():
    text = html_table(pd.DataFrame({"a < b": ["<script>", "holds"]}))
    assert "a &lt; b" in text and "&lt;script&gt;" in text
    assert '<td class="good">holds</td>' in text


def test_a_page_needs_no_other_file_and_has_the_table_with_all_digits(tmp_path):
    source = tmp_path / "claims.csv"
    source.write_text("a,b\n1,0.123456789\n")
    write_page(tmp_path / "page.html", "Claims", ["<p>text</p>"], source)
    text = (tmp_path / "page.html").read_text()
    assert text.startswith("<!doctype html>") and "<p>text</p>" in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    data = re.search(r'download="claims.csv" href="data:text/csv;base64,(.+?)"', text)[1]
    assert base64.b64decode(data).decode() == source.read_text()
    assert "base64" not in page("Title", [])


#: What a page's script needs of a browser: one table, whose rows are in `body`.
BROWSER = """
const body = {
  rows: ROWS.map(texts => ({cells: texts.map(innerText => ({innerText}))})),
  append(...rows) { this.rows = rows; },
};
const table = {tBodies: [body]};
const headings = ROWS[0].map((_, cellIndex) => ({cellIndex, dataset: {}, closest: () => table}));
globalThis.document = {querySelectorAll: () => headings};
SCRIPT
for (const column of CLICKS) headings[column].onclick();
console.log(JSON.stringify(body.rows.map(row => row.cells.map(cell => cell.innerText))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js to run the script")
@pytest.mark.parametrize(
    ("clicks", "expected"),
    [
        ([0], ["Figure 2", "Figure 7", "Figure 10", "table 3"]),
        ([0, 0], ["table 3", "Figure 10", "Figure 7", "Figure 2"]),
        # -0.5, 9.1, 1,820: by their values, with the dash last.
        ([1], ["Figure 7", "Figure 2", "Figure 10", "table 3"]),
        ([1, 1], ["Figure 10", "Figure 2", "Figure 7", "table 3"]),
        # Rows that are equal keep their order, here that of the first column.
        ([0, 2], ["Figure 7", "Figure 2", "Figure 10", "table 3"]),
    ],
)
def test_a_click_on_a_heading_sorts_the_rows(clicks, expected, tmp_path):
    rows = pd.DataFrame(
        {
            "result": ["Figure 10", "table 3", "Figure 2", "Figure 7"],
            "value": ["1,820 [1,700, 1,900]", "–", "9.1 %", "-0.5"],
            "verdict": ["holds", "worse", "holds", "agrees"],
        }
    )
    text = page("Figures", [html_table(rows)])
    script = re.search("<script>(.*)</script>", text, re.DOTALL).group(1)
    program = BROWSER.replace("ROWS", json.dumps(rows.to_numpy().tolist()))
    program = program.replace("SCRIPT", script).replace("CLICKS", json.dumps(clicks))
    (tmp_path / "page.js").write_text(program)
    done = subprocess.run(
        ["node", tmp_path / "page.js"], check=True, capture_output=True, text=True
    )
    assert [row[0] for row in json.loads(done.stdout)] == expected
