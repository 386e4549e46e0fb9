"""Adapter: accuracies of BlendHunter and SEP, on each test set."""

import pandas as pd
from deblend import logs
from deblend.bh_metrics import parametric_accuracies, realistic_accuracies
from deblend.cosmos import read_sample_table
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    sets = [tuple(s) for s in params.sets]
    parametric, by_distance = parametric_accuracies(
        read_sample_table(snakemake.input.parametric),
        {s: pd.read_csv(p) for s, p in zip(sets, snakemake.input.predictions, strict=True)},
        {s: pd.read_csv(p) for s, p in zip(sets, snakemake.input.sep, strict=True)},
        params.bins_px,
    )
    realistic, confusion = realistic_accuracies(
        read_sample_table(snakemake.input.realistic),
        pd.read_csv(snakemake.input.realistic_predictions),
        pd.read_csv(snakemake.input.realistic_sep)["sep"].to_numpy(),
        sets,
    )
    for name, table in (
        ("parametric", parametric),
        ("by_distance", by_distance),
        ("realistic", realistic),
        ("confusion", confusion),
    ):
        write_csv(snakemake.output[name], table.assign(scale=params.scale))
