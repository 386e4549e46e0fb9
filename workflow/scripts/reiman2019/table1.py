"""Adapter: Table 1 of Reiman & Goehre 2019."""

from pathlib import Path

import yaml
from deblend.reiman2019.metrics import read_scores
from deblend.reiman2019.tables import table1
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["reiman2019"]
    table = table1(read_scores(snakemake.input.scores), published["table1"])
    write_csv(snakemake.output.csv, table)
    write_tex(snakemake.output.tex, table)
