"""Adapter: train one head of BlendHunter and label its test stamps."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    versions = backend.configure(params.backend, params.threads, params.seed)

    from deblend.farrens2022.training import train_and_write

    train_and_write(
        {name: out[name] for name in ("weights", "description", "history", "timing")},
        {split: inputs[split] for split in ("train", "validation", "test")},
        inputs.vgg,
        predictions=out.predictions,
        noise_sigma=float(snakemake.wildcards.sigma),
        realisation=int(snakemake.wildcards.realisation),
        padding=params.padding,
        network=params.network,
        seed=params.seed,
        checkpoint=params.checkpoint,
        code=params.code,
        survey=params.survey,
        recorded={**versions, "scale": params.scale, "threads": params.threads},
    )
