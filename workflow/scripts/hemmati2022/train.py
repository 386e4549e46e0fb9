"""Adapter: train a GAN of Hemmati et al. 2022."""

from deblend.hemmati2022.training import train_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    train_and_write(
        {name: out[name] for name in ("weights", "description", "history", "timing")},
        inputs.cutouts,
        inputs.split,
        params.network,
        params.blending,
        params.detection,
        params.maker,
        n_validation_blends=params.n_validation_blends,
        layers=(out.layers_generator, out.layers_discriminator),
        device=device,
        checkpoint=params.checkpoint,
        code=params.code,
        recorded=versions | {"scale": params.scale, "threads": params.threads},
    )
