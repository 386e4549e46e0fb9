"""Adapter: Gaussian processes through the magnitude differences."""

import pandas as pd
from deblend.hemmati2022.regression import regressions
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.photometry)
    for name, found in regressions(table, snakemake.params.seed).items():
        write_csv(snakemake.output[name], found)
