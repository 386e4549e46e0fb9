"""Adapter: train one head of BlendHunter and label its test stamps."""

from pathlib import Path

import pandas as pd
from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake.log[0]):
    params = snakemake.params
    versions = backend.configure(params.backend, params.threads, params.seed)

    from deblend.farrens2022.training import run_training
    from deblend.files import atomic, write_json
    from deblend.tables import write_csv

    samples = {split: snakemake.input[split] for split in ("train", "validation", "test")}
    model, history, record, probability = run_training(
        samples,
        snakemake.input.vgg,
        noise_sigma=float(snakemake.wildcards.sigma),
        realisation=int(snakemake.wildcards.realisation),
        padding=params.padding,
        network=params.network,
        seed=params.seed,
        checkpoint=params.checkpoint,
        fingerprinted={"code": params.code, "threads": params.threads, **versions},
    )
    with atomic(snakemake.output.weights) as temporary:
        suffixed = temporary.with_suffix(".weights.h5")
        model.save_weights(suffixed)
        suffixed.replace(temporary)
    record |= versions | {"scale": params.scale, "threads": params.threads}
    record["dataset"] = "farrens2022/parametric"
    timing = {"seconds": record.pop("seconds"), "n_epochs": record["n_epochs"]}
    write_json(snakemake.output.timing, timing)
    write_json(snakemake.output.description, record)
    write_csv(snakemake.output.history, history)
    write_csv(
        snakemake.output.predictions,
        pd.DataFrame({"stamp": range(len(probability)), "probability": probability}),
    )
    # Last, so that a job killed before these lines can resume from the checkpoint.
    checkpoint = Path(params.checkpoint)
    for path in (checkpoint, *(checkpoint.with_name(f"{checkpoint.stem}_{s}.h5") for s in samples)):
        path.unlink(missing_ok=True)
