"""Adapter: Figures 5 and 9 of Hemmati et al. 2022, and the numbers they show."""

import pandas as pd
from deblend.hemmati2022.figures import fig5_9_detections as figures
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    detections = pd.read_csv(snakemake.input.detections)
    for n, quantities in ((5, figures.FIG5), (9, figures.FIG9)):
        table = figures.binned_fractions(detections, quantities)
        outputs = [out[f"pdf{n}"], out[f"png{n}"]]
        figures.draw_fractions(table, quantities, outputs, params.label, multi=n == 9)
        write_csv(out[f"table{n}"], table.assign(scale=params.scale))
