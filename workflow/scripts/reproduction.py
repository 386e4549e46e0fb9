"""Adapter: each number that the paper states, beside ours."""

import json
from pathlib import Path

import pandas as pd
import yaml
from deblend import logs
from deblend.reproduction import boucaud_rows, reproduction_table
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    photometry = pd.read_csv(snakemake.input.photometry)
    photometry["method"] = photometry["method"].replace(dict(params.roles))
    iou = list(snakemake.input.iou)
    rows = boucaud_rows(
        photometry,
        pd.read_csv(snakemake.input.catalog),
        pd.read_csv(snakemake.input.table2),
        pd.read_csv(iou[0]) if iou else None,
        {
            role: json.loads(Path(path).read_text())
            for role, path in zip(params.record_roles, snakemake.input.records, strict=True)
        },
        yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"],
    )
    write_csv(snakemake.output.table, reproduction_table(rows, params.configuration))
