"""Adapter: SEP and the forced fit on scenes and on those with injected galaxies."""

from functools import partial

from deblend.run import logs
from deblend.scenes import forced_fit, sep_photometry
from deblend.scenes.steps import Method, measure_classically, write_tables

with logs.script(snakemake):
    inputs, out = snakemake.input, snakemake.output
    methods: dict[str, Method] = {
        "sep": sep_photometry.measure,
        "forced_fit": partial(forced_fit.measure, n_workers=snakemake.threads),
    }
    paths = {sample: inputs[sample] for sample in ("scenes", "injected")}
    tables, notes = measure_classically(paths, methods, snakemake.params.seed)
    outputs = {name: out[name] for name in ("table", "injected", "notes")}
    write_tables(outputs, tables, notes)
