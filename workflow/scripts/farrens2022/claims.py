"""Adapter: the claims of Farrens et al. 2022, tested."""

import logging

import pandas as pd
from deblend.farrens2022.claims import CLAIMS
from deblend.report.claims import claims_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    names = ("parametric", "by_distance", "realistic", "confusion")
    tables = {name: pd.read_csv(snakemake.input[name]) for name in names}
    tables["realistic"]["realistic_noise_sigma"] = snakemake.params.noise_sigma
    table = claims_table(tables, snakemake.params.scale, CLAIMS, "farrens2022")
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.table, table)
