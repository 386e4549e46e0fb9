"""Adapter: what became of images in trainings with and without burn-in."""

import logging

import pandas as pd
from deblend.files import read_json
from deblend.reiman2019.figures.starts import draw_starts
from deblend.reiman2019.starts import starts_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    inputs, out = snakemake.input, snakemake.output
    histories = [pd.read_csv(path) for path in inputs.histories]
    table = starts_table(zip(map(read_json, inputs.records), histories, strict=True))
    logging.info("\n%s", table.to_string(index=False))
    write_csv(out.table, table)
    draw_starts(histories, [out.pdf, out.png], snakemake.params.label)
