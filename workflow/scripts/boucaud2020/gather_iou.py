"""Adapter: one table of both networks' IoU."""

import pandas as pd
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    parts = [
        pd.read_csv(path).assign(network=name)
        for name, path in zip(snakemake.params.networks, snakemake.input.iou, strict=True)
    ]
    write_csv(snakemake.output.iou, pd.concat(parts))
