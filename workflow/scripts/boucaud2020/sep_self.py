"""Adapter: SEP's fluxes of test blends against its own of the same galaxies alone."""

import pandas as pd
from deblend.boucaud2020.sep_self import self_predictions
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake):
    inputs = snakemake.input
    predictions = self_predictions(
        pd.read_csv(inputs.sep),
        pd.read_csv(inputs.detections),
        pd.read_csv(inputs.isolated),
        read_ecsv(inputs.galaxies),
        read_ecsv(inputs.blends),
        float(pd.read_csv(inputs.zero_points)["images_zero_point"].iloc[0]),
    )
    write_csv(snakemake.output.predictions, predictions)
