"""Adapter: calibrate blend2posterior on scenes of galaxies of its own."""

from deblend.benchmark.posterior_calibration import calibrate_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.seed)
    calibrate_and_write(
        {"calibration": out.calibration, "checks": out.checks},
        inputs.scenes,
        inputs.truths,
        inputs.weights,
        inputs.description,
        device=device,
    )
