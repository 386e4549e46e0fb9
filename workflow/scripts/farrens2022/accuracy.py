"""Adapter: accuracies of BlendHunter and SEP on the parametric test stamps."""

import pandas as pd
from deblend.farrens2022.metrics import parametric_accuracies
from deblend.farrens2022.stamps import read_sample_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    sets = [tuple(s) for s in params.sets]
    accuracy, by_distance = parametric_accuracies(
        read_sample_table(snakemake.input.sample),
        {s: pd.read_csv(p) for s, p in zip(sets, snakemake.input.predictions, strict=True)},
        {s: pd.read_csv(p) for s, p in zip(sets, snakemake.input.sep, strict=True)},
        params.bins_px,
    )
    write_csv(snakemake.output.accuracy, accuracy.assign(scale=params.scale))
    write_csv(snakemake.output.by_distance, by_distance.assign(scale=params.scale))
