"""Adapter: read the user's images, and put known galaxies into copies of them."""

from deblend.run import logs
from deblend.scenes.ingest import read_scene_set
from deblend.scenes.steps import prepare

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    paths = {name: out[name] for name in ("scenes", "injected")}
    scenes = read_scene_set(params.entry)
    prepare(scenes, paths, params.inject, params.injection, params.seed)
