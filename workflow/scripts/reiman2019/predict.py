"""Adapter: a trained generator's images of the test blends."""

import pandas as pd
from deblend.reiman2019.blends import PerturbConfig, draw_blends, rows_of_split
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.predict import load_generator, predict_blends
from deblend.run import logs
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs = snakemake.params, snakemake.input
    device, versions = torch_backend.configure(params.threads, params.seed)
    perturbation = PerturbConfig(**params.perturbation)
    generator, precision = load_generator(inputs.weights, inputs.description)
    rows = rows_of_split(pd.read_csv(inputs.index), "test")
    images = snakemake.wildcards.images
    predict_blends(
        generator,
        open_frames(inputs.frames),
        draw_blends(params.seed, images, "test", rows, params.n_blends, perturbation),
        perturbation,
        snakemake.output.predictions,
        device=device,
        precision=precision,
        attributes=versions,
    )
