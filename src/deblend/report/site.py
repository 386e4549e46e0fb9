"""All pages of the report, and the numbers in the captions of its figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from deblend.files import read_json
from deblend.report.captions import caption_html
from deblend.report.comparisons import bar_rows, claim_rows, finding_rows, number_rows
from deblend.report.front_page import front_page
from deblend.report.pages import heading, html_table, table_page, write_page, write_text


def write_pages(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any], papers: dict[str, str]
) -> None:
    """Write the first page, those of comparisons and tables, and captions.

    Parameters
    ----------
    inputs : dict of path
        `claims`, `findings`, `highlights` and `reproduction` (CSV) and `circumstances` (JSON);
        `tables` and `captioned`: sequences of CSV files.
    outputs : dict of path
        `first`, `first_part`, `claims`, `findings`, `reproduction`; `pages`, one for each of
        `tables`, and `captions`, one for each of `captioned`.
    papers : dict of str
        Titles of the papers by their names.
    """
    text: Any = {"dtype": str, "keep_default_na": False}
    stated = pd.read_csv(inputs["claims"], **text)
    numbers = pd.read_csv(inputs["reproduction"])
    claims, bars = claim_rows(stated, papers), bar_rows(stated, papers)
    findings = finding_rows(pd.read_csv(inputs["findings"], **text), papers)
    bars_title = "<h2>Bars: what a run at this scale has to show at least; they are ours</h2>"
    parts = [html_table(claims), bars_title, html_table(bars)]
    write_page(outputs["claims"], "Claims", parts, inputs["claims"])
    parts = [html_table(findings)]
    write_page(outputs["findings"], "Findings about the papers", parts, inputs["findings"])
    parts = [html_table(number_rows(numbers, papers))]
    title = "Published numbers beside ours"
    write_page(outputs["reproduction"], title, parts, inputs["reproduction"])
    highlights = pd.read_csv(inputs["highlights"], dtype={"published": str})
    record = read_json(inputs["circumstances"])
    first = front_page(record, numbers, highlights, claims, findings, papers)
    write_page(outputs["first"], "What ran, and what it shows", [first])
    write_text(outputs["first_part"], first)
    write_tables(inputs["tables"], outputs["pages"], papers)
    for table, path in zip(inputs["captioned"], outputs["captions"], strict=True):
        place = Path(path).with_suffix("")
        write_text(path, caption_html(f"{place.parent.name}/{place.name}", pd.read_csv(table)))


def write_tables(tables: Sequence[str], pages: Sequence[str], papers: dict[str, str]) -> None:
    """Write a page for each table; its title is that of its paper, by the folder, and its name."""
    for table, path in zip(tables, pages, strict=True):
        folder, name = Path(path).parent.name, Path(path).stem
        title = f"{papers.get(folder, 'All papers')}: {heading(name)}"
        shown = pd.read_csv(table).replace({"paper": papers})
        write_page(path, title, [table_page(shown, Path(table).name)], table)
