"""Adapter: join the tables of all papers; telling numbers; times; circumstances of the run."""

from pathlib import Path

import pandas as pd
from deblend.files import atomic, read_json, read_yaml, write_json
from deblend.report.findings import findings_table
from deblend.report.highlights import find_highlights, highlights_table, highlights_text
from deblend.report.job_time import job_time_table, job_time_text
from deblend.report.training_time import training_time_table
from deblend.run import logs
from deblend.run.provenance import provenance
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    for name in ("reproduction", "claims", "findings"):
        parts = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in inputs[name]]
        parts = parts or [findings_table({}, [], "", {})]  # of papers without findings
        write_csv(out[name], pd.concat(parts, ignore_index=True))
    published = read_yaml(inputs.published)
    tables = dict(zip(params.tables, map(pd.read_csv, inputs.tables), strict=True))
    found = find_highlights(tables, published, params.papers, **params.highlights)
    write_csv(out.highlights, highlights_table(found))
    published_times = {paper: numbers["training"] for paper, numbers in published.items()}
    timings = [
        (paper, network, read_json(record), read_json(timing))
        for (paper, network, _), record, timing in zip(
            params.trained, inputs.records, inputs.timings, strict=True
        )
    ]
    write_csv(out.training_time, training_time_table(timings, published_times))
    job_time = job_time_table(Path(out.job_time).parent, params.benchmarks)
    write_csv(out.job_time, job_time)
    results = Path(out.highlights).parents[1]
    headings = {p: f"{name}: {results / params.figures[p]}" for p, name in params.papers.items()}
    shown = highlights_text(found, headings, params.config["scale"], params.remarks)
    for path, text in (
        (out.highlights_text, shown),
        (out.job_time_text, job_time_text(job_time, params.papers)),
    ):
        with atomic(path) as temporary:
            temporary.write_text(text)
    networks = dict(zip((name for *_, name in params.trained), inputs.records, strict=True))
    write_json(out.circumstances, provenance(params.config, networks))
