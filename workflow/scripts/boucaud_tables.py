"""Adapter: Tables 2 and 3 of Boucaud et al. 2020."""

import json
from pathlib import Path

import pandas as pd
import yaml
from deblend import logs
from deblend.paper_tables import table2, table2_row, table3
from deblend.predictions import truth
from deblend.tables import read_ecsv, write_csv, write_tex

with logs.script(snakemake.log[0]):
    params = snakemake.params
    galaxies = read_ecsv(snakemake.input.galaxies, ["id", "mag"])
    true = truth(galaxies, read_ecsv(snakemake.input.blends), galaxies.attrs["zero_point"])
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    rows = [
        table2_row(pd.read_csv(path), true, name, json.loads(Path(record).read_text()))
        for name, path, record in zip(
            params.networks, snakemake.input.predictions, snakemake.input.records, strict=True
        )
    ]
    second = table2(rows, published).assign(scale=params.scale)
    third = table3(params.hot, params.cold)
    write_csv(snakemake.output.csv2, second)
    write_tex(snakemake.output.tex2, second)
    write_csv(snakemake.output.csv3, third)
    write_tex(snakemake.output.tex3, third)
