"""Adapter: errors of baselines and networks, with what they come from."""

import logging

import pandas as pd
from deblend.boucaud2020.baselines import causes_of_errors, isolated_statistics
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    alone = isolated_statistics(
        pd.read_csv(inputs.isolated), pd.read_csv(inputs.zero_points), **params.bootstrap
    )
    photometry = pd.read_csv(inputs.photometry)
    table = causes_of_errors(alone, photometry)
    columns = ["method", "galaxy", "selection", "n", "sigma_mag", "nmad_mag", "tails_percent"]
    logging.info("\n%s", table[columns].to_string(index=False))
    for reason in params.left_out:
        logging.info("%s", reason)
    about = {"scale": photometry["scale"].iloc[0], "dataset": params.dataset}
    write_csv(snakemake.output.table, table.assign(**about))
