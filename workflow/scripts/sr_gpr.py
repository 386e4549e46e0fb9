"""Adapter: Gaussian processes through the magnitude differences."""

import pandas as pd
from deblend import logs
from deblend.sr_regression import regressions
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.photometry)
    for name, found in regressions(table, snakemake.params.seed).items():
        write_csv(snakemake.output[name], found)
