"""Adapter: Figures 3 and 4 of Farrens et al. 2022, and the numbers that they draw."""

import pandas as pd
from deblend.farrens2022.figures import fig3_4_accuracy as bh_figures
from deblend.farrens2022.metrics import summarise
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    by_distance = pd.read_csv(snakemake.input.by_distance)
    parametric = summarise(pd.read_csv(snakemake.input.parametric))
    bh_figures.draw_fig3(by_distance, [out.pdf3, out.png3], params.label)
    bh_figures.draw_fig4(parametric, [out.pdf4, out.png4], params.label)
    for name, table in (("table3", by_distance), ("table4", parametric)):
        write_csv(out[name], table.assign(scale=params.scale))
