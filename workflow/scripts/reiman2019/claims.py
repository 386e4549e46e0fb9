"""Adapter: the claims of Reiman & Goehre 2019, tested."""

import logging

import pandas as pd
from deblend.reiman2019.claims import CLAIMS
from deblend.reiman2019.metrics import read_scores
from deblend.report.claims import claims_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    tables = {
        "scores": read_scores(snakemake.input.scores),
        "history": pd.read_csv(snakemake.input.history),
    }
    table = claims_table(tables, snakemake.params.scale, CLAIMS, "reiman2019")
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.table, table)
