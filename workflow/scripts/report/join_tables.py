"""Adapter: the papers' tables, one after the other."""

import pandas as pd
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    parts = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in snakemake.input.tables]
    write_csv(snakemake.output.table, pd.concat(parts, ignore_index=True))
