"""Adapter: Table 3 of Boucaud et al. 2020."""

from pathlib import Path

import yaml
from deblend.boucaud2020.tables import table3
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    table = table3(snakemake.params.hot, snakemake.params.cold, published["table3"])
    write_csv(snakemake.output.csv, table)
    write_tex(snakemake.output.tex, table)
