"""Adapter: correct the calibration of blend2posterior with blends of real galaxies."""

from deblend.benchmark.posterior_calibration import recalibrate_and_write
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.seed)
    recalibrate_and_write(
        {"calibration": out.calibration, "checks": out.checks},
        inputs.calibration,
        inputs.scenes,
        inputs.truth,
        inputs.weights,
        inputs.description,
        device=device,
    )
