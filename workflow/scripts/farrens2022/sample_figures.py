"""Adapter: Figures 5 and 6 of Farrens et al. 2022: every trained head and SEP on a sample."""

import pandas as pd
from deblend.farrens2022.figures.fig5_6_realistic import draw_fig5, draw_fig6
from deblend.farrens2022.metrics import realistic_accuracies, summarise
from deblend.farrens2022.stamps import read_sample_table
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    accuracy, confusion = realistic_accuracies(
        read_sample_table(inputs.sample),
        pd.read_csv(inputs.predictions),
        pd.read_csv(inputs.sep)["sep"].to_numpy(),
        [tuple(s) for s in params.sets],
    )
    blendhunter = accuracy[accuracy["method"] == "BlendHunter"]
    relative = summarise(blendhunter.assign(accuracy=blendhunter["relative"]))
    draw_fig5(relative, accuracy, params.noise_sigma, [out.pdf5, out.png5], label)
    draw_fig6(confusion, accuracy, [out.pdf6, out.png6], label)
    for path, table in (
        (out.accuracy, accuracy),
        (out.confusion, confusion),
        (out.table5, relative),
        (out.table6, confusion),
    ):
        write_csv(path, table.assign(scale=params.scale))
