"""Adapter: the numbers of Farrens et al. 2022 beside ours."""

import json
import logging
import math
from pathlib import Path

import pandas as pd
import yaml
from deblend.farrens2022 import reproduction as ours
from deblend.farrens2022.metrics import share_of_close
from deblend.farrens2022.stamps import read_sample_table
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["farrens2022"]
    names = ("parametric", "by_distance", "realistic", "confusion")
    tables = {name: pd.read_csv(snakemake.input[name]) for name in names}
    samples = dict(zip(("parametric", "realistic"), snakemake.input.samples, strict=True))
    # A share that the configuration asks for is no result.
    close = {
        name: share_of_close(read_sample_table(path))
        if params.samples[name]["close_fraction"] is None
        else math.nan
        for name, path in samples.items()
    }
    records = [json.loads(Path(path).read_text()) for path in snakemake.input.records]
    accuracies = {name: tables[name] for name in samples}
    rows = [
        *ours.close_rows(published["close_blends"], close),
        *ours.training_rows(published["training"]["blendhunter"], records),
        *ours.failure_rows(published["sep_failures_percent"], accuracies),
        *ours.gain_rows(published, tables["by_distance"]),
        *ours.sep_rows(published["sep_accuracy_percent"], tables["realistic"], tables["confusion"]),
        *ours.relative_rows(published, tables["realistic"], tables["confusion"]),
    ]
    galaxies = ", ".join(
        f"{entry['source']} {name} galaxies ({entry['kind']})"
        for name, entry in params.samples.items()
    )
    configuration = f"{params.scale} scale, {galaxies}, VGG-16 weights: {params.vgg_weights}"
    table = reproduction_table({configuration: rows}, "farrens2022")
    logging.info("\n%s", table.iloc[:, 1:8].to_string(index=False))
    write_csv(snakemake.output.table, table)
