"""Adapter: simulate one chunk of Galaxy Zoo images."""

from deblend.reiman2019.simulate import simulate_chunk
from deblend.run import logs

with logs.script(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    start = int(wildcards.chunk) * params.chunk_size
    stop = min(start + params.chunk_size, params.n_images)
    simulate_chunk(params.seed, wildcards.images, start, stop, snakemake.output.folder)
