"""Adapter: Tables 1 and 2 of Farrens et al. 2022."""

from pathlib import Path

import yaml
from deblend.farrens2022.stamps import read_sample_table
from deblend.farrens2022.tables import table1, table2
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["farrens2022"]
    samples = {
        "parametric": [read_sample_table(path) for path in snakemake.input.parametric],
        "realistic": [read_sample_table(snakemake.input.realistic)],
    }
    noise = {name: tuple(levels) for name, levels in snakemake.params.noise.items()}
    found = {
        1: table1(samples, noise, published["table1"]),
        2: table2(snakemake.params.sep, published["table2"]),
    }
    for n, table in found.items():
        write_csv(snakemake.output[f"csv{n}"], table)
        write_tex(snakemake.output[f"tex{n}"], table)
