"""Adapter: SEP's labels of a sample of noisy stamps."""

import pandas as pd
from deblend.farrens2022.sep import label_sample
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    labels = label_sample(
        snakemake.input.sample,
        noise_sigma=params.noise_sigma,
        item=tuple(params.item),
        seed=params.seed,
        settings=params.settings,
        padding=params.padding,
        tolerance_px=params.tolerance_px,
    )
    write_csv(snakemake.output.labels, pd.DataFrame({"stamp": range(len(labels)), "sep": labels}))
