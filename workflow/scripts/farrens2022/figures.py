"""Adapter: Figures 3 and 4 of Farrens et al. 2022: accuracies on the parametric test stamps."""

import pandas as pd
from deblend.farrens2022.figures.curves import comparable, sep_note
from deblend.farrens2022.figures.fig3_4_accuracy import draw_fig3, draw_fig4
from deblend.farrens2022.metrics import METHODS, parametric_accuracies, summarise
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
    sets = [tuple(s) for s in params.sets]
    accuracy, by_distance = parametric_accuracies(
        read_sample_table(inputs.sample),
        dict(zip(sets, map(pd.read_csv, inputs.predictions), strict=True)),
        dict(zip(sets, map(pd.read_csv, inputs.sep), strict=True)),
        params.bins_px,
        rules=rules,
    )
    by_noise = summarise(accuracy)
    drawn = accuracy[accuracy["method"].isin(METHODS)]
    published = comparable(curves(read_yaml(inputs.published)["farrens2022"])[4], rules)
    draw_fig3(by_distance, [out.pdf3, out.png3], label)
    draw_fig4(by_noise, drawn, [out.pdf4, out.png4], label, published)
    for path, table in (
        (out.accuracy, accuracy),
        (out.by_distance, by_distance),
        (out.table3, by_distance),
        (out.table4, by_noise),
    ):
        write_csv(path, table.assign(scale=params.scale))
