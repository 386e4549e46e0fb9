"""Adapter: draw the catalogue of a set of simulated cut-outs, split it and cut it."""

from deblend.data.priors import read_priors
from deblend.hemmati2022.cutouts import select
from deblend.hemmati2022.simulate import CutoutSimulatorConfig, simulated_catalogue
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    catalogue = simulated_catalogue(
        params.seed,
        snakemake.wildcards.cutouts,
        params.n_galaxies,
        read_priors(snakemake.input.priors),
        CutoutSimulatorConfig(**params.options),
    )
    write_csv(snakemake.output.selected, select(catalogue, params.cuts, params.seed))
