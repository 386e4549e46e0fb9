"""Adapter: accuracies of every trained head and SEP on a sample's test stamps."""

import pandas as pd
from deblend.farrens2022.metrics import realistic_accuracies
from deblend.farrens2022.stamps import read_sample_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    accuracy, confusion = realistic_accuracies(
        read_sample_table(snakemake.input.sample),
        pd.read_csv(snakemake.input.predictions),
        pd.read_csv(snakemake.input.sep)["sep"].to_numpy(),
        [tuple(s) for s in params.sets],
    )
    write_csv(snakemake.output.accuracy, accuracy.assign(scale=params.scale))
    write_csv(snakemake.output.confusion, confusion.assign(scale=params.scale))
