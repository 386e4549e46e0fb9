"""Adapter: ROC, completeness, purity and calibration of every head on a sample's test stamps."""

import pandas as pd
from deblend.farrens2022.figures.roc import draw_roc
from deblend.farrens2022.metrics import SURVEY_RULES
from deblend.farrens2022.roc import by_head, detection_quality, mean_curves
from deblend.farrens2022.stamps import read_sample_table
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    sets = [tuple(s) for s in params.sets]
    points, curves, calibration = detection_quality(
        read_sample_table(inputs.sample),
        by_head([*map(pd.read_csv, inputs.predictions)], sets, "probability"),
        by_head([*map(pd.read_csv, inputs.sep)], sets, SURVEY_RULES),
        params.blend_shares,
        seed=params.seed,
    )
    means = mean_curves(curves, calibration)
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    draw_roc(means, points, params.blend_shares, [out.pdf, out.png], label)
    for path, table in ((out.points, points), (out.calibration, calibration), (out.table, means)):
        write_csv(path, table.assign(scale=params.scale))
