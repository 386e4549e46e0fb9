"""Adapter: measure the blends of the benchmark with a method without networks."""

from functools import partial

from deblend.benchmark.methods import forced_fit, photutils_deblender, sep_photometry
from deblend.benchmark.steps import measure_entry
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    measure_entry(
        snakemake.wildcards.method,
        params.entry,
        {
            "sep_default": sep_photometry.measure_default,
            "sep_cold_hot": sep_photometry.measure_cold_hot,
            "forced_fit": partial(forced_fit.measure, n_workers=snakemake.threads),
            "photutils": photutils_deblender.measure,
        },
        {"zero_points": inputs.zero_points},
        sets=(params.names, inputs.scenes, inputs.truths),
        outputs={name: out[name] for name in ("galaxies", "scenes", "notes")},
        seed=params.seed,
    )
