"""Adapter: fluxes of both galaxies of test blends from a simultaneous fit."""

import pandas as pd
from deblend.boucaud2020.forced_fit import fit_file
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    fitted = fit_file(
        inputs.stamps,
        inputs.blends,
        pd.read_csv(inputs.detections),
        params.companion_edge,
        chunk_size=params.chunk_size,
        n_workers=snakemake.threads,
    )
    write_csv(snakemake.output.predictions, fitted)
