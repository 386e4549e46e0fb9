"""Adapter: fit SEP's zero points on isolated validation galaxies."""

import logging

from deblend.boucaud2020.sep import fit_zero_points, measure_as_deep
from deblend.data.stamps import read_stamps
from deblend.photometry.sep import Detection
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    stamps = read_stamps(snakemake.input.stamps)
    modes = (Detection(**snakemake.params[mode]) for mode in ("cold", "hot"))
    measured = measure_as_deep(stamps, *modes, snakemake.params.seed)
    table = fit_zero_points(measured, float(stamps.bands.zero_point[0]))
    logging.info("zero points:\n%s", table.to_string(index=False))
    write_csv(snakemake.output.zero_points, table)
