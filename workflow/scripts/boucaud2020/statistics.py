"""Adapter: statistics of every method on a data set's test blends."""

import logging

import pandas as pd
from deblend.boucaud2020.metrics import photometry_table
from deblend.boucaud2020.predictions import truth
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    galaxies = read_ecsv(snakemake.input.galaxies, ["id", "mag"])
    blends = read_ecsv(snakemake.input.blends)
    table = photometry_table(
        pd.concat([pd.read_csv(path) for path in snakemake.input.predictions]),
        truth(galaxies, blends, galaxies.attrs["zero_point"]),
        pd.read_csv(snakemake.input.detections).set_index("blend")["detection"],
        n_resamples=snakemake.params.n_resamples,
        seed=snakemake.params.seed,
    )
    logging.info("\n%s", table.iloc[:, :10].to_string(index=False))
    table.insert(0, "scale", snakemake.params.scale)
    write_csv(snakemake.output.table, table)
