"""Adapter: gather SEP's measurements into predictions and detections."""

import logging

import pandas as pd
from deblend.boucaud2020.sep import to_predictions
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    measured = pd.concat([pd.read_csv(path) for path in snakemake.input.measured])
    failed = int((measured["mode"] == "failed").sum())
    if failed:
        logging.warning(
            "SEP gave up on %d of %d blends: nothing found there", failed, len(measured)
        )
    zero_points = pd.read_csv(snakemake.input.zero_points)
    write_csv(snakemake.output.predictions, to_predictions(measured, zero_points))
    write_csv(snakemake.output.detections, measured[["blend", "detection", "mode"]])
