"""Adapter: what methods with densities have to show, and what they show."""

from deblend.benchmark.bars import write_bars
from deblend.run import logs

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    write_bars(
        snakemake.output.bars,
        inputs.table,
        inputs.paired,
        dict(zip(params.methods, inputs.measured, strict=True)),
        dict(zip(params.names, inputs.truths, strict=True)),
        params.rivals,
    )
