"""Adapter: galaxies of a data set by class."""

import logging
from pathlib import Path

import pandas as pd
import yaml
from deblend.boucaud2020.tables import table1
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())
    table = table1(
        read_ecsv(snakemake.input.galaxies, ["morphology"]),
        pd.read_csv(snakemake.input.excluded, dtype=str, keep_default_na=False),
        published["boucaud2020"]["galaxies"],
    )
    logging.info("\n%s", table.to_string(index=False))
    about = {"dataset": snakemake.wildcards.dataset, "scale": snakemake.params.scale}
    write_csv(snakemake.output.table, table.assign(**about))
