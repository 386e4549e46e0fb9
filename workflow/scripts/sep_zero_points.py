"""Adapter: fit SEP's zero points on isolated validation galaxies."""

import logging

import numpy as np
from deblend import logs
from deblend.baseline import fit_zero_points
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    galaxies = read_ecsv(snakemake.input.galaxies, ["mag", "flux_iso", "flux_auto", "split"])
    table = fit_zero_points(galaxies, np.asarray(galaxies["split"]), galaxies.attrs["zero_point"])
    logging.info("zero points:\n%s", table.to_string(index=False))
    write_csv(snakemake.output.zero_points, table)
