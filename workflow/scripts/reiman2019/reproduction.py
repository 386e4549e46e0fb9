"""Adapter: the numbers of Reiman & Goehre 2019 beside ours."""

import json
import logging
from pathlib import Path

import pandas as pd
import yaml
from deblend.reiman2019 import reproduction as ours
from deblend.reiman2019.metrics import read_scores
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["reiman2019"]
    scores = read_scores(snakemake.input.scores)
    record = json.loads(Path(snakemake.input.record).read_text())
    rows = [
        *ours.score_rows(published, scores),
        *ours.sample_rows(published, scores, record),
        *ours.training_rows(published, pd.read_csv(snakemake.input.history), record),
    ]
    table = reproduction_table({snakemake.params.configuration: rows}, "reiman2019")
    logging.info("\n%s", table.iloc[:, 1:8].to_string(index=False))
    write_csv(snakemake.output.table, table)
