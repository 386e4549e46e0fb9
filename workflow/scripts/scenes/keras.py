"""Adapter: networks of Boucaud et al. 2020 and heads of BlendHunter on scenes."""

from itertools import chain

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    backend.configure(params.backend, params.threads, params.seed)

    from deblend.scenes.keras_networks import measure_with_masks
    from deblend.scenes.masks import write_masks
    from deblend.scenes.steps import measure_with_networks, named_networks, write_tables

    networks = named_networks(
        params.names, inputs.weights, inputs.descriptions, inputs.vgg, params.vgg_numbers
    )
    paths = {sample: inputs[sample] for sample in ("scenes", "injected")}
    tables, masks, notes = measure_with_networks(
        paths, networks, measure_with_masks, params.seed, params.optional
    )
    write_masks(out.masks, list(chain.from_iterable(masks)))
    write_tables({name: out[name] for name in ("table", "injected", "notes")}, tables, notes)
