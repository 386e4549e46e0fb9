"""Adapter: Figure 2 of Boucaud et al. 2020 from stored examples."""

from deblend.boucaud2020.examples import read_examples
from deblend.boucaud2020.figures.fig1_2_examples import draw_fig2
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    examples = read_examples(snakemake.input.examples)
    n_blends = examples.attributes["n_blends"]
    label = f"{params.scale} scale, data set {params.dataset}, {n_blends} test blends"
    draw_fig2(examples, [snakemake.output.pdf, snakemake.output.png], label)
    shown = examples.table.assign(scale=params.scale, dataset=params.dataset)
    write_csv(snakemake.output.csv, shown)
