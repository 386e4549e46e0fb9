"""Adapter: figure and table of what filters, bands and networks gain."""

import pandas as pd
from deblend.hemmati2022.figures.ladder import draw_ladder
from deblend.hemmati2022.ladder import table_for_readers
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    ladder, curves = pd.read_csv(inputs.ladder), pd.read_csv(inputs.curves)
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    draw_ladder(curves, ladder, [out.pdfladder_curves, out.pngladder_curves], label)
    write_csv(out.tableladder_curves, curves.assign(scale=params.scale))
    table = table_for_readers(ladder)
    write_csv(out.csvladder, table)
    write_tex(out.texladder, table)
