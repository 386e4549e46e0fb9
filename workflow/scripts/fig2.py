"""Adapter: Figure 2 of Boucaud et al. 2020 from stored examples."""

from deblend import logs
from deblend.examples import read_examples
from deblend.fig1_fig2 import draw_fig2
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    examples = read_examples(snakemake.input.examples)
    n_blends = examples.attributes["n_blends"]
    label = f"{params.scale} scale, data set {params.dataset}, {n_blends} test blends"
    draw_fig2(examples, [snakemake.output.pdf, snakemake.output.png], label)
    shown = examples.table.assign(scale=params.scale, dataset=params.dataset)
    write_csv(snakemake.output.csv, shown)
