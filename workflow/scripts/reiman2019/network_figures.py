"""Adapter: Figures 1 and 2 of Reiman & Goehre 2019, and the course of the GAN's training."""

import pandas as pd
from deblend.hdf5 import open_file
from deblend.plots.style import label_line
from deblend.reiman2019.figures.fig1_2_networks import draw_fig1, draw_fig2
from deblend.reiman2019.figures.trace import draw_trace
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    label, inputs, out = snakemake.params.label, snakemake.input, snakemake.output
    generator, discriminator = pd.read_csv(inputs.generator), pd.read_csv(inputs.discriminator)
    draw_fig1(generator, [out.pdf1, out.png1], label)
    draw_fig2(discriminator, [out.pdf2, out.png2], label)
    write_csv(out.table1, generator)
    write_csv(out.table2, discriminator)
    with open_file(inputs.panels) as file:
        draw_trace(
            pd.read_csv(inputs.history),
            file["panels"][:],
            file["iteration"][:],
            file["true"][:],
            file["blend"][:],
            [out.pdftrace, out.pngtrace],
            label_line(label, not_learnt(read_networks([inputs.record]))),
        )
