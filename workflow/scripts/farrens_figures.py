"""Adapter: Figures 3 to 6 of Farrens et al. 2022, and the numbers that they draw."""

import pandas as pd
from deblend import bh_figures, logs
from deblend.bh_metrics import summarise
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    by_distance = pd.read_csv(snakemake.input.by_distance)
    parametric = summarise(pd.read_csv(snakemake.input.parametric))
    realistic = pd.read_csv(snakemake.input.realistic)
    relative = realistic[realistic["method"] == "BlendHunter"].assign(
        accuracy=realistic["relative"]
    )
    relative = summarise(relative)
    confusion = pd.read_csv(snakemake.input.confusion)
    bh_figures.draw_fig3(by_distance, [out.pdf3, out.png3], params.label)
    bh_figures.draw_fig4(parametric, [out.pdf4, out.png4], params.label)
    bh_figures.draw_fig5(relative, params.noise_sigma, [out.pdf5, out.png5], params.label)
    bh_figures.draw_fig6(confusion, [out.pdf6, out.png6], params.label)
    tables = {"table3": by_distance, "table4": parametric, "table5": relative, "table6": confusion}
    for name, table in tables.items():
        write_csv(out[name], table.assign(scale=params.scale))
