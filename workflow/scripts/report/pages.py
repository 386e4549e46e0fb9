"""Adapter: pages of the report, and numbers for the captions of its figures."""

from pathlib import Path

import pandas as pd
from deblend.files import read_json
from deblend.report.captions import caption_html
from deblend.report.comparisons import bar_rows, claim_rows, finding_rows, number_rows
from deblend.report.front_page import front_page
from deblend.report.pages import heading, html_table, table_page, write_page, write_text
from deblend.run import logs

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    papers = params.papers
    text = {"dtype": str, "keep_default_na": False}
    claims = pd.read_csv(inputs.claims, **text)
    findings = finding_rows(pd.read_csv(inputs.findings, **text), papers)
    highlights = pd.read_csv(inputs.highlights, dtype={"published": str})
    numbers = pd.read_csv(inputs.reproduction)
    parts = [html_table(claim_rows(claims, papers))]
    parts += ["<h2>Bars: what a run at this scale has to show at least; they are ours</h2>"]
    parts += [html_table(bar_rows(claims, papers))]
    write_page(out.claims, "Claims", parts, inputs.claims)
    write_page(out.findings, "Findings about the papers", [html_table(findings)], inputs.findings)
    parts = [html_table(number_rows(numbers, papers))]
    write_page(out.reproduction, "Published numbers beside ours", parts, inputs.reproduction)
    record = read_json(inputs.provenance)
    claims = claim_rows(claims, papers)
    first = front_page(record, numbers, highlights, claims, findings, papers)
    write_page(out.first, "What ran, and what it shows", [first])
    write_text(out.first_part, first)
    for table, path in zip(inputs.tables, out.pages, strict=True):
        folder, name = Path(path).parent.name, Path(path).stem
        title = f"{papers.get(folder, 'All papers')}: {heading(name)}"
        shown = pd.read_csv(table).replace({"paper": papers})
        write_page(path, title, [table_page(shown, Path(table).name)], table)
    for table, path in zip(inputs.captioned, out.captions, strict=True):
        figure = "/".join(Path(path).with_suffix("").parts[-2:])
        write_text(path, caption_html(figure, pd.read_csv(table)))
