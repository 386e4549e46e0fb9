"""Adapter: Figures 1 and 2 of Reiman & Goehre 2019."""

import pandas as pd
from deblend.reiman2019.figures.fig1_2_networks import draw_fig1, draw_fig2
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    label, out = snakemake.params.label, snakemake.output
    generator = pd.read_csv(snakemake.input.generator)
    discriminator = pd.read_csv(snakemake.input.discriminator)
    draw_fig1(generator, [out.pdf1, out.png1], label)
    draw_fig2(discriminator, [out.pdf2, out.png2], label)
    write_csv(out.table1, generator)
    write_csv(out.table2, discriminator)
