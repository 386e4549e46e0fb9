"""Adapter: accuracies on a sample's stamps against the galaxies' magnitudes."""

import logging

import pandas as pd
from deblend.farrens2022.figures.fig5_magnitudes import draw_magnitudes
from deblend.farrens2022.magnitudes import (
    by_limit,
    by_magnitude,
    faintest,
    labels_are_right,
    nearest_heads,
)
from deblend.farrens2022.stamps import read_sample_table
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    stamps = read_sample_table(inputs.sample)
    limit = faintest(read_sample_table(inputs.training))
    right = labels_are_right(
        stamps,
        pd.read_csv(inputs.predictions),
        pd.read_csv(inputs.sep),
        [tuple(s) for s in params.sets],
    )
    limits = by_limit(stamps, right, limit)
    logging.info("\n%s", limits.to_string(index=False))
    binned = by_magnitude(stamps, right, limit)
    drawn = nearest_heads(binned, params.noise_sigma)
    draw_magnitudes(drawn, limit, [out.pdf, out.png], label, len(stamps))
    write_csv(out.limits, limits.assign(scale=params.scale))
    write_csv(out.table, binned.assign(scale=params.scale))
