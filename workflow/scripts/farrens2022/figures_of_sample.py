"""Adapter: Figures 5 and 6 of Farrens et al. 2022, of any sample, and the numbers they draw."""

import pandas as pd
from deblend.farrens2022.figures import fig5_6_realistic as bh_figures
from deblend.farrens2022.metrics import summarise
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    accuracy = pd.read_csv(snakemake.input.accuracy)
    hunter = accuracy[accuracy["method"] == "BlendHunter"]
    relative = summarise(hunter.assign(accuracy=hunter["relative"]))
    confusion = pd.read_csv(snakemake.input.confusion)
    bh_figures.draw_fig5(relative, params.noise_sigma, [out.pdf5, out.png5], params.label)
    bh_figures.draw_fig6(confusion, [out.pdf6, out.png6], params.label)
    for name, table in (("table5", relative), ("table6", confusion)):
        write_csv(out[name], table.assign(scale=params.scale))
