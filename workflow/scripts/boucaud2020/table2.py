"""Adapter: Table 2 of Boucaud et al. 2020."""

import json
from pathlib import Path

import pandas as pd
import yaml
from deblend.boucaud2020.predictions import truth
from deblend.boucaud2020.tables import table2, tex_table
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv, write_tex

with logs.script(snakemake.log[0]):
    galaxies = read_ecsv(snakemake.input.galaxies, ["id", "mag"])
    blends = read_ecsv(snakemake.input.blends)
    networks = {
        name: (json.loads(Path(description).read_text()), pd.read_csv(predictions))
        for name, description, predictions in zip(
            snakemake.params.networks,
            snakemake.input.descriptions,
            snakemake.input.predictions,
            strict=True,
        )
    }
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    table = table2(networks, truth(galaxies, blends, galaxies.attrs["zero_point"]), published)
    write_csv(snakemake.output.csv, table.assign(scale=snakemake.params.scale))
    write_tex(snakemake.output.tex, tex_table(table))
