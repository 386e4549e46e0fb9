"""Adapter: Figures 5 and 6 of Farrens et al. 2022: every trained head and SEP on a sample."""

import pandas as pd
from deblend.farrens2022.figures.curves import comparable, sep_note
from deblend.farrens2022.figures.fig5_6_realistic import draw_fig5, draw_fig6
from deblend.farrens2022.metrics import METHODS, realistic_accuracies, summarise
from deblend.farrens2022.published import curves
from deblend.farrens2022.stamps import read_sample_table
from deblend.files import read_yaml
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    rules = params.sep_labels
    problem = not_learnt(read_networks(inputs.records))
    label = label_line(params.label, sep_note(rules), problem)
    accuracy, confusion = realistic_accuracies(
        read_sample_table(inputs.sample),
        pd.read_csv(inputs.predictions),
        pd.read_csv(inputs.sep),
        [tuple(s) for s in params.sets],
        rules=rules,
    )
    gains = summarise(accuracy[accuracy["method"] == "BlendHunter"], "gain")
    drawn = accuracy[accuracy["method"].isin(METHODS)]
    published = {}
    if inputs.get("published"):
        theirs = curves(read_yaml(inputs.published)["farrens2022"])
        published = {n: comparable(curve, rules) for n, curve in theirs.items()}
    draw_fig5(gains, params.noise_sigma, [out.pdf5, out.png5], label, published.get(5))
    draw_fig6(confusion, drawn, [out.pdf6, out.png6], label, published.get(6))
    for path, table in (
        (out.accuracy, accuracy),
        (out.confusion, confusion),
        (out.table5, gains),
        (out.table6, confusion),
    ):
        write_csv(path, table.assign(scale=params.scale))
