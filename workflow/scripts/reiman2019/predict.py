"""Adapter: deblend the test blends with trained generators; PSNR, SSIM and examples."""

import logging

import pandas as pd
from deblend.reiman2019.blends import PerturbConfig, draw_blends, rows_of_split
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.metrics import select_examples
from deblend.reiman2019.predict import load_generator, predict_blends, read_predictions
from deblend.reiman2019.scores import score_methods, write_examples
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed)
    perturbation, frames = PerturbConfig(**params.perturbation), open_frames(inputs.frames)
    rows = rows_of_split(pd.read_csv(inputs.index), "test")
    images = snakemake.wildcards.images
    pairs = draw_blends(params.seed, images, "test", rows, params.n_blends, perturbation)
    for weights, description, path in zip(
        inputs.weights, inputs.descriptions, out.predictions, strict=True
    ):
        generator, precision = load_generator(weights, description)
        predict_blends(
            generator,
            frames,
            pairs,
            perturbation,
            path,
            device=device,
            precision=precision,
            attributes=versions,
        )
    predictions = {
        method: read_predictions(path, params.n_blends)
        for method, path in zip(params.methods, out.predictions, strict=True)
    }
    table = score_methods(frames, pairs, perturbation, predictions)
    means = table.groupby(["method", "galaxy"])[["psnr_db", "ssim"]].mean()
    logging.info("means:\n%s", means.to_string())
    write_csv(out.scores, table)
    chosen = select_examples(table, params.n_examples["success"], params.n_examples["failure"])
    write_examples(out.examples, chosen, frames, pairs, perturbation, predictions["gan"])
