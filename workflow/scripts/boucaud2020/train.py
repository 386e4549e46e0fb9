"""Adapter: train a network."""

from pathlib import Path

import numpy as np
from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake.log[0]):
    params = snakemake.params
    versions = backend.configure(params.backend, params.threads, params.seed)

    from deblend.boucaud2020.predict import load_network, save_network
    from deblend.boucaud2020.training import train_from_config
    from deblend.data.stamps import read_stamps
    from deblend.files import write_json
    from deblend.tables import read_ecsv, write_csv

    unet = list(snakemake.input.unet)
    model, history, record = train_from_config(
        read_stamps(snakemake.input.stamps),
        np.asarray(read_ecsv(snakemake.input.galaxies, ["split"])["split"]),
        read_ecsv(snakemake.input.validation),
        params.network,
        params.blending,
        seed=params.seed,
        checkpoint=params.checkpoint,
        fingerprinted={"code": params.code, "threads": params.threads, **versions},
        files=[
            snakemake.input.stamps,
            snakemake.input.galaxies,
            snakemake.input.validation,
            *unet,
        ],
        unet=load_network(*unet) if unet else None,
    )
    timing = {"seconds": record.pop("seconds"), "n_epochs": record["n_epochs"]}
    write_json(snakemake.output.timing, timing)
    save_network(
        snakemake.output.weights,
        snakemake.output.description,
        model,
        record | versions | {"scale": params.scale, "threads": params.threads},
    )
    write_csv(snakemake.output.history, history)
    # Last, so that a job killed before this line can resume from the checkpoint.
    Path(params.checkpoint).unlink(missing_ok=True)
