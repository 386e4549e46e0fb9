"""Adapter: features, or scaled stamps, for the ablations that share them."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    backend.configure(params.backend, params.threads, params.seed)

    from deblend.farrens2022.ablations import NoisySet, write_inputs

    write_inputs(
        snakemake.output.inputs,
        [
            NoisySet(name, path, tuple(levels), tuple(item))
            for path, (name, levels, item) in zip(inputs.samples, params.sets, strict=True)
        ],
        inputs.vgg or None,
        features=snakemake.wildcards.features,
        scaling=snakemake.wildcards.scaling,
        padding=params.padding,
        seed=params.seed,
    )
