"""Adapter: train blend2posterior on the data set's training galaxies."""

from deblend.benchmark.posterior_training import train_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    train_and_write(
        {name: out[name] for name in ("weights", "description", "history", "timing")},
        snakemake.input.stamps,
        params.entry,
        params.blending,
        dataset=params.dataset,
        device=device,
        seed=params.seed,
        checkpoint=params.checkpoint,
        code=params.code,
        recorded=versions | {"scale": params.scale, "threads": params.threads},
    )
