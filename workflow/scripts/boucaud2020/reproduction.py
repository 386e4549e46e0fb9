"""Adapter: the papers' numbers beside ours."""

import json
import logging
from pathlib import Path

import pandas as pd
import yaml
from deblend.boucaud2020.reproduction import (
    bin_rows,
    detection_rows,
    flux_rows,
    iou_rows,
    panel_rows,
    parameter_rows,
    table1_rows,
    table2_rows,
    training_rows,
)
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    about = json.loads(Path(snakemake.input.description).read_text())
    records = {
        role: json.loads(Path(path).read_text())
        for role, path in zip(snakemake.params.roles, snakemake.input.records, strict=True)
    }
    iou = pd.read_csv(snakemake.input.iou[0]) if snakemake.input.iou else None
    bins = {name: pd.read_csv(snakemake.input[name]) for name in ("fig7", "fig8")}
    rows = {
        f"{about['scale']} scale, data set {about['dataset']}": [
            *table1_rows(pd.read_csv(snakemake.input.table1)),
            *panel_rows(published["panels"], pd.read_csv(snakemake.input.statistics)),
            *bin_rows(published["bins"], bins),
            *flux_rows(published["flux_percent"], pd.read_csv(snakemake.input.catalog)),
            *table2_rows(published, pd.read_csv(snakemake.input.table2)),
            *detection_rows(published["sextractor_detections_percent"], about),
            *iou_rows(published["mean_iou"], iou),
            *parameter_rows(published["parameters_million"], records),
            *training_rows(published["training"], records),
        ]
    }
    if snakemake.input.authors:
        statistics, catalog, description = snakemake.input.authors
        found = json.loads(Path(description).read_text())
        rows["the authors' catalogue"] = [
            *panel_rows(published["panels"], pd.read_csv(statistics)),
            *flux_rows(published["flux_percent"], pd.read_csv(catalog)),
            *detection_rows(published["sextractor_detections_percent"], found),
        ]
    table = reproduction_table(rows)
    logging.info("\n%s", table.iloc[:, 1:8].to_string(index=False))
    write_csv(snakemake.output.table, table)
