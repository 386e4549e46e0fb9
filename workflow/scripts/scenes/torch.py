"""Adapter: super-resolution networks on scenes."""

from deblend.run import logs
from deblend.scenes.steps import measure_with_networks, named_networks, write_peaks, write_tables
from deblend.scenes.super_resolution import measure_with_peaks
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(params.threads, params.seed)
    networks = named_networks(params.names, inputs.weights, inputs.descriptions)
    paths = {sample: inputs[sample] for sample in ("scenes", "injected")}
    tables, peaks, notes = measure_with_networks(
        paths, networks, measure_with_peaks, params.seed, params.optional
    )
    write_peaks(out.peaks, peaks)
    write_tables({name: out[name] for name in ("table", "injected", "notes")}, tables, notes)
