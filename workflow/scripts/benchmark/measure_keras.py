"""Adapter: measure the blends of the benchmark with a network on Keras."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    backend.configure(params.backend, params.threads, params.seed)

    from deblend.benchmark.methods import keras_networks
    from deblend.benchmark.steps import measure_entry

    measure_entry(
        snakemake.wildcards.method,
        params.entry,
        {
            "boucaud2020": keras_networks.measure_boucaud2020,
            "blendhunter": keras_networks.measure_blendhunter,
        },
        {key: inputs[key] for key in ("weights", "description", "vgg")},
        sets=(params.names, inputs.scenes, inputs.truths),
        outputs={name: out[name] for name in ("galaxies", "scenes", "notes")},
        seed=params.seed,
    )
