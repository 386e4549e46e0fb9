"""Adapter: the course of the GAN's training."""

import h5py
import pandas as pd
from deblend.reiman2019.figures.trace import draw_trace
from deblend.run import logs

with logs.script(snakemake.log[0]):
    out = snakemake.output
    with h5py.File(snakemake.input.panels, "r") as file:
        draw_trace(
            pd.read_csv(snakemake.input.history),
            file["panels"][:],
            file["iteration"][:],
            file["true"][:],
            file["blend"][:],
            [out.pdf, out.png],
            snakemake.params.label,
        )
