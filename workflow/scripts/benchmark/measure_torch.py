"""Adapter: measure the blends of the benchmark with a network on PyTorch."""

from deblend.benchmark.methods import posterior, separator, super_resolution
from deblend.benchmark.steps import measure_entry
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(params.threads, params.seed)
    measure_entry(
        snakemake.wildcards.method,
        params.entry,
        {
            "super_resolution": super_resolution.measure,
            "separator": separator.measure,
            "blend2posterior": posterior.measure,
            "recalibrated": posterior.measure,
        },
        {key: inputs.get(key) for key in ("weights", "description", "calibration")},
        sets=(params.names, inputs.scenes, inputs.truths),
        outputs={name: out[name] for name in ("galaxies", "scenes", "notes")},
        seed=params.seed,
    )
