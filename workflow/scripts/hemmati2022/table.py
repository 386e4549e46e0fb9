"""Adapter: the table of detections of Hemmati et al. 2022."""

from pathlib import Path

import pandas as pd
import yaml
from deblend.hemmati2022.tables import detection_table
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake.log[0]):
    inputs = snakemake.input
    published = yaml.safe_load(Path(inputs.published).read_text())["hemmati2022"]
    measured = [
        pd.read_csv(path) for path in (inputs.detections, inputs.false_positives, inputs.photometry)
    ]
    table = detection_table(*measured, published)
    write_csv(snakemake.output.csv, table)
    write_tex(snakemake.output.tex, table)
