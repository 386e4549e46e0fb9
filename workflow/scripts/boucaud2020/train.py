"""Adapter: train a network."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    versions = backend.configure(params.backend, params.threads, params.seed, wants_gpu=True)

    from deblend.boucaud2020.training import train_and_write

    train_and_write(
        {name: out[name] for name in ("weights", "description", "history", "timing")},
        inputs.stamps,
        inputs.galaxies,
        inputs.validation,
        params.network,
        params.blending,
        unet=list(inputs.unet),
        seed=params.seed,
        checkpoint=params.checkpoint,
        code=params.code,
        recorded=versions | {"scale": params.scale, "threads": params.threads},
    )
