"""Adapter: draw the stamps of a sample's split."""

import logging

from deblend.farrens2022.config import SampleConfig
from deblend.farrens2022.stamps import draw_sample, read_sample_table
from deblend.farrens2022.subsets import subset_masks
from deblend.run import logs

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    catalog = snakemake.input.get("catalog")
    if catalog and params.archived:
        catalog = f"{catalog}/{params.archived}"
    draw_sample(
        out.sample,
        SampleConfig(**params.config, catalog=catalog),
        snakemake.wildcards.sample,
        snakemake.wildcards.split,
        params.n_stamps,
        fractions=params.fractions,
        seed=params.seed,
        chunk_size=params.chunk_size,
        noise_sigma=params.noise_sigma,
        n_workers=snakemake.threads,
    )
    for subset, mask in subset_masks(read_sample_table(out.sample)).items():
        logging.info("%s: %d stamps", subset, mask.sum())
