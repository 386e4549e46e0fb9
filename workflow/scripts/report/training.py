"""Adapter: draw losses and scores of all trainings of a paper."""

import pandas as pd
from deblend.plots.training_curves import draw_training_curves
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    histories: dict[str, list[pd.DataFrame]] = {}
    for network, path in zip(params.networks, inputs.histories, strict=True):
        histories.setdefault(network, []).append(pd.read_csv(path))
    draw_training_curves(histories, [out.pdf, out.png], params.label)
