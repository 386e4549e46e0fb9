"""Adapter: Figures 1 and 2 of Farrens et al. 2022."""

import pandas as pd
from deblend.farrens2022.figures import fig1_2_networks as bh_figures
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    layers = pd.read_csv(snakemake.input.layers, keep_default_na=False)
    bh_figures.draw_fig1(layers, [out.pdf1, out.png1], params.label)
    bh_figures.draw_fig2(snakemake.input.examples, [out.pdf2, out.png2], params.label)
    write_csv(out.layers, layers)
