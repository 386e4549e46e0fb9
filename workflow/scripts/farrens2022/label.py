"""Adapter: label a sample's test stamps with every trained head."""

import logging

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params = snakemake.params
    backend.configure(params.backend, params.threads, params.seed)

    from deblend.farrens2022.predict import label_with_heads
    from deblend.tables import write_csv

    table = label_with_heads(
        snakemake.input.sample,
        snakemake.input.vgg,
        dict(zip(params.heads, snakemake.input.heads, strict=True)),
        dropout=params.dropout,
        noise_sigma=params.noise_sigma,
        item=tuple(params.item),
        padding=params.padding,
        seed=params.seed,
    )
    logging.info("%d stamps by %d heads", len(table), len(params.heads))
    write_csv(snakemake.output.predictions, table)
