"""Adapter: deblend more than two galaxies, one after the other."""

import logging

import pandas as pd
from deblend.reiman2019.blends import PerturbConfig, rows_of_split
from deblend.reiman2019.figures.several_galaxies import draw_groups_figure
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.predict import load_generator, to_unit
from deblend.reiman2019.several_galaxies import (
    deblend_iteratively,
    draw_groups,
    group_scores,
    render_groups,
)
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    images, n_galaxies = snakemake.wildcards.images, int(snakemake.wildcards.number)
    device, _ = torch_backend.configure(params.threads, params.seed)
    perturbation = PerturbConfig(**params.perturbation)
    generator, precision = load_generator(inputs.weights, inputs.description)
    torch_backend.move_to_device(generator, device)
    rows = rows_of_split(pd.read_csv(inputs.index), "test")
    groups = draw_groups(params.seed, images, rows, params.n_blends, n_galaxies, perturbation)
    blends, truth = render_groups(open_frames(inputs.frames), groups, perturbation)
    galaxies = deblend_iteratively(generator, blends, n_galaxies, device, precision)
    mixed, true = to_unit(2 * blends - 1), to_unit(truth)
    scores, matched = group_scores(to_unit(galaxies), true, mixed)
    means = scores.groupby("galaxy")[["psnr_db", "psnr_blend_db"]].mean()
    logging.info("mean PSNR (dB) by galaxy, 0 for the central one:\n%s", means.to_string())
    write_csv(out.table, scores)
    label = f"{params.scale} scale, {images}, {snakemake.wildcards.gan}, {n_galaxies} galaxies"
    draw_groups_figure(scores, mixed[:6], true[:6], matched[:6], [out.pdf, out.png], label)
