"""Adapter: simulate one chunk of parent stamps."""

from deblend.boucaud2020.simulate import SimulatorConfig, simulate_chunk
from deblend.data.noise import read_correlation
from deblend.data.priors import read_priors
from deblend.data.stamps import write_stamps
from deblend.run import logs

with logs.script(snakemake):
    size = snakemake.params.chunk_size
    start = int(snakemake.wildcards.chunk) * size
    stamps = simulate_chunk(
        snakemake.params.seed,
        snakemake.wildcards.dataset,
        start,
        min(start + size, snakemake.params.n_galaxies),
        read_priors(snakemake.input.priors),
        SimulatorConfig(**snakemake.params.options),
        read_correlation(snakemake.input.noise),
    )
    write_stamps(snakemake.output.stamps, stamps)
