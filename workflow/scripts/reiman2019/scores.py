"""Adapter: PSNR and SSIM of the test blends, and those that the figures show."""

import logging

import pandas as pd
from deblend.reiman2019.blends import PerturbConfig, draw_blends, rows_of_split
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.metrics import select_examples
from deblend.reiman2019.predict import read_predictions
from deblend.reiman2019.scores import score_methods, write_examples
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(1, params.seed)
    perturbation, frames = PerturbConfig(**params.perturbation), open_frames(inputs.frames)
    rows = rows_of_split(pd.read_csv(inputs.index), "test")
    images, n_blends = snakemake.wildcards.images, params.n_blends
    pairs = draw_blends(params.seed, images, "test", rows, n_blends, perturbation)
    predictions = {
        method: read_predictions(path, n_blends)
        for method, path in zip(params.methods, inputs.predictions, strict=True)
    }
    table = score_methods(frames, pairs, perturbation, predictions)
    means = table.groupby(["method", "galaxy"])[["psnr_db", "ssim"]].mean()
    logging.info("means:\n%s", means.to_string())
    write_csv(out.scores, table)
    number = params.n_examples
    chosen = select_examples(table, number["success"], number["failure"])
    write_examples(out.examples, chosen, frames, pairs, perturbation, predictions["gan"])
