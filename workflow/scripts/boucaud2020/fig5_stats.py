"""Adapter: the numbers in the panels of Figures 5 and 6 as one table."""

import pandas as pd
from deblend.boucaud2020.recovered import statistics_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    tables = [pd.read_csv(snakemake.input[name]) for name in ("fig5", "fig6")]
    write_csv(snakemake.output.table, statistics_table(*tables))
