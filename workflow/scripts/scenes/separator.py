"""Adapter: branched generators on pictures."""

from deblend.plots.style import label_line
from deblend.run import logs
from deblend.scenes.scenes import read_scenes
from deblend.scenes.separator import draw_separations, measure_with_images, write_separations
from deblend.scenes.steps import measure_with_networks, named_networks, write_tables
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(params.threads, params.seed)
    networks = named_networks(params.names, inputs.weights, inputs.descriptions)
    paths = {sample: inputs[sample] for sample in ("scenes", "injected")}
    tables, separations, notes = measure_with_networks(
        paths, networks, measure_with_images, params.seed, params.optional
    )
    write_separations(out.images, separations)
    label = label_line(f"{params.scale} scale", snakemake.wildcards.scene_set)
    draw_separations(read_scenes(inputs.scenes), separations, [out.pdf, out.png], label)
    write_tables({name: out[name] for name in ("table", "injected", "notes")}, tables, notes)
