"""Adapter: the catalogue of scenes, from the tables of all methods."""

from deblend.checkout import commit_of_code
from deblend.run import logs
from deblend.scenes.steps import write_all

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    write_all(
        {name: out[name] for name in ("catalogue", "measurements", "injections")},
        inputs.scenes,
        inputs.injected,
        inputs.tables,
        inputs.tables_injected,
        inputs.notes,
        data=params.entry,
        code=commit_of_code(),
    )
