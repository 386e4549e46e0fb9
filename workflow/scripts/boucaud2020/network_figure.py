"""Adapter: Figure 3 or 4 of Boucaud et al. 2020 from a network's layers."""

import pandas as pd
from deblend.boucaud2020.figures import fig3_4_networks as architecture_figures
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.layers, keep_default_na=False)
    draw = getattr(architecture_figures, f"draw_{snakemake.params.figure}")
    draw(table, [snakemake.output.pdf, snakemake.output.png], snakemake.params.label)
    write_csv(snakemake.output.table, table)
