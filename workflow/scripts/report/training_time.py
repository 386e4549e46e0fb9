"""Adapter: how long training took."""

import json
from pathlib import Path

import yaml
from deblend.report.training_time import training_time_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())
    timings = [
        (paper, network, json.loads(Path(record).read_text()), json.loads(Path(timing).read_text()))
        for (paper, network), record, timing in zip(
            snakemake.params.trained, snakemake.input.records, snakemake.input.timings, strict=True
        )
    ]
    training = {paper: numbers["training"] for paper, numbers in published.items()}
    write_csv(snakemake.output.table, training_time_table(timings, training))
