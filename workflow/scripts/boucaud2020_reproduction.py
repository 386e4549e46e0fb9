"""Adapter: the papers' numbers beside ours."""

import json
import logging
from pathlib import Path

import pandas as pd
import yaml
from deblend import logs
from deblend.reproduction import (
    detection_rows,
    iou_rows,
    panel_rows,
    reproduction_table,
    table2_rows,
    training_rows,
)
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    about = json.loads(Path(snakemake.input.description).read_text())
    records = {
        role: json.loads(Path(path).read_text())
        for role, path in zip(snakemake.params.roles, snakemake.input.records, strict=True)
    }
    iou = pd.read_csv(snakemake.input.iou[0]) if snakemake.input.iou else None
    rows = {
        f"{about['scale']} scale, data set {about['dataset']}": [
            *panel_rows(published["panels"], pd.read_csv(snakemake.input.statistics)),
            *table2_rows(published, pd.read_csv(snakemake.input.table2)),
            *detection_rows(published["sextractor_detections_percent"], about),
            *iou_rows(published["mean_iou"], iou),
            *training_rows(published["training"], records),
        ]
    }
    for path in snakemake.input.authors:
        rows["the authors' catalogue"] = list(panel_rows(published["panels"], pd.read_csv(path)))
    table = reproduction_table(rows)
    logging.info("\n%s", table.iloc[:, 1:8].to_string(index=False))
    write_csv(snakemake.output.table, table)
