"""Adapter: calibrate blend2posterior on the data set's validation galaxies."""

from deblend.benchmark.posterior_calibration import calibrate_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.seed)
    calibrate_and_write(
        {"calibration": out.calibration, "checks": out.checks},
        inputs.stamps,
        inputs.weights,
        params.entry,
        params.blending,
        device=device,
        seed=params.seed,
    )
