"""Adapter: scores of all methods of the benchmark."""

from deblend.benchmark.steps import score_files
from deblend.benchmark.table import write_tables
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    tables = score_files(
        dict(zip(params.names, inputs.truths, strict=True)),
        params.methods,
        inputs.galaxies,
        inputs.scenes,
        inputs.notes,
        bins=params.bins,
        n_resamples=params.n_resamples,
        seed=params.seed,
    )
    names = ("table", "tex", "page", "rows", "bins", "paired", "paired_bins")
    write_tables({name: out[name] for name in names}, tables)
