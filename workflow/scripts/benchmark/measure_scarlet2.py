"""Adapter: measure the blends of the benchmark with scarlet2."""

from deblend.benchmark.methods import scarlet2_fit
from deblend.benchmark.steps import measure_entry
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    measure_entry(
        snakemake.wildcards.method,
        params.entry,
        {"scarlet2": scarlet2_fit.measure},
        {},
        sets=(params.names, inputs.scenes, inputs.truths),
        outputs={name: out[name] for name in ("galaxies", "scenes", "notes")},
        seed=params.seed,
    )
