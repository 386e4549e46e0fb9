"""Adapter: the numbers of Hemmati et al. 2022 beside ours."""

import json
import logging
from pathlib import Path

import pandas as pd
import yaml
from deblend.hemmati2022 import reproduction as ours
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    inputs = snakemake.input
    published = yaml.safe_load(Path(inputs.published).read_text())["hemmati2022"]
    rows = [
        *ours.detection_rows(published, pd.read_csv(inputs.detections)),
        *ours.false_positive_rows(published, pd.read_csv(inputs.false_positives)),
        *ours.photometry_rows(published, pd.read_csv(inputs.photometry)),
        *ours.som_rows(published, json.loads(Path(inputs.som).read_text())),
    ]
    table = reproduction_table({snakemake.params.configuration: rows}, "hemmati2022")
    logging.info("\n%s", table.iloc[:, 1:8].to_string(index=False))
    write_csv(snakemake.output.table, table)
