"""Adapter: join the chunks of a sample of stamps."""

import logging

from deblend.farrens2022.metrics import subset_masks
from deblend.farrens2022.stamps import join_samples, read_sample_table
from deblend.run import logs

with logs.script(snakemake.log[0]):
    join_samples(snakemake.output.sample, list(snakemake.input.chunks))
    table = read_sample_table(snakemake.output.sample)
    for subset, mask in subset_masks(table).items():
        logging.info("%s: %d stamps", subset, mask.sum())
