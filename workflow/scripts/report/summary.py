"""Adapter: join the tables of all papers; training times; record of the run."""

import pandas as pd
from deblend.files import read_json, read_yaml, write_json
from deblend.report.training_time import training_time_table
from deblend.run import logs
from deblend.run.provenance import provenance
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    for name in ("reproduction", "claims"):
        parts = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in inputs[name]]
        write_csv(out[name], pd.concat(parts, ignore_index=True))
    published = read_yaml(inputs.published)
    published_times = {paper: numbers["training"] for paper, numbers in published.items()}
    timings = [
        (paper, network, read_json(record), read_json(timing))
        for (paper, network, _), record, timing in zip(
            params.trained, inputs.records, inputs.timings, strict=True
        )
    ]
    write_csv(out.training_time, training_time_table(timings, published_times))
    networks = dict(zip((name for *_, name in params.trained), inputs.records, strict=True))
    write_json(out.provenance, provenance(params.config, networks))
