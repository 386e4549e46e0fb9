"""Adapter: Figure 6 of Hemmati et al. 2022, and the numbers it shows."""

import json
from pathlib import Path

import pandas as pd
from deblend.hemmati2022.figures.fig6_map import draw_fig6
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    cells = pd.read_csv(snakemake.input.cells)
    som = json.loads(Path(snakemake.input.som).read_text())
    draw_fig6(cells, som, [out.pdf6, out.png6], params.label)
    write_csv(out.table6, cells.assign(scale=params.scale))
