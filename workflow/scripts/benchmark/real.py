"""Adapter: blends of galaxies of one split of a data set, such as real ones, for the benchmark."""

from deblend.benchmark.real_sets import write_real_set
from deblend.benchmark.sets import blend_rules
from deblend.run import logs

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    write_real_set(
        snakemake.input.stamps,
        params.n_blends,
        blend_rules(params.blending),
        companion_edge=params.blending["companion_edge"],
        seed=params.seed,
        split=params.split,
        scenes=out.scenes,
        truth=out.truth,
    )
