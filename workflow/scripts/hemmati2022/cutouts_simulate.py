"""Adapter: simulate one chunk of cut-outs of the selected galaxies."""

from deblend.data.priors import read_priors
from deblend.data.stamps import write_stamps
from deblend.hemmati2022.cutouts import chunk_rows, keep_usable, read_selected
from deblend.hemmati2022.simulate import simulate_cutouts, simulator_config
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    selected = read_selected(snakemake.input.selected)
    stamps = simulate_cutouts(
        params.seed,
        snakemake.wildcards.cutouts,
        selected,
        chunk_rows(selected, int(snakemake.wildcards.chunk), params.chunk_size),
        read_priors(snakemake.input.priors),
        simulator_config(params.options, snakemake.input.psfs),
    )
    stamps, exclusions = keep_usable(stamps, **params.usable)
    write_stamps(snakemake.output.stamps, stamps)
    write_csv(snakemake.output.exclusions, exclusions)
