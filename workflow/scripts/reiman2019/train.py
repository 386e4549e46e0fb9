"""Adapter: train the branched GAN, or its generator alone."""

from deblend.reiman2019.training import train_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    train_and_write(
        {name: out[name] for name in ("weights", "description", "history", "timing", "panels")},
        inputs.frames,
        inputs.index,
        params.network,
        params.perturbation,
        images=params.images,
        n_validation_blends=params.n_validation_blends,
        seed=params.seed,
        vgg=(params.vgg_weights, inputs.vgg or None),
        layers=(out.layers_generator, out.layers_discriminator),
        device=device,
        checkpoint=params.checkpoint,
        code=params.code,
        max_core_days=params.max_core_days,
        min_test_galaxies=params.min_test_galaxies,
        recorded=versions | {"scale": params.scale, "threads": params.threads},
    )
