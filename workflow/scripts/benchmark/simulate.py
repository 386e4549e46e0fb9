"""Adapter: simulate a set of blends of the benchmark."""

from deblend.benchmark.sets import options_of, write_set
from deblend.data.noise import read_correlation
from deblend.data.priors import read_priors
from deblend.run import logs

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    options = options_of(
        params.simulator,
        params.blending,
        params.modes,
        params.low,
        extra_noise=params.extra_noise,
        priors=read_priors(snakemake.input.priors),
        correlation=read_correlation(snakemake.input.noise),
        seed=params.seed,
        calibration=params.calibration,
    )
    name = snakemake.wildcards.blend_set
    write_set(name, params.n_galaxies, options, scenes=out.scenes, truth=out.truth)
