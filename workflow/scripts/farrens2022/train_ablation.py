"""Adapter: train one ablation of BlendHunter and label all test stamps."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    versions = backend.configure(params.backend, params.threads, params.seed)

    from deblend.farrens2022.ablations import train_and_write_ablation

    train_and_write_ablation(
        {name: out[name] for name in ("weights", "description", "history", "timing")},
        snakemake.input.inputs,
        predictions=out.predictions,
        ablation=params.ablation,
        network=params.network,
        seed=params.seed,
        checkpoint=params.checkpoint,
        code=params.code,
        recorded={
            **versions,
            "scale": params.scale,
            "threads": params.threads,
            "pixel_scale_arcsec": params.pixel_scale_arcsec,
        },
    )
