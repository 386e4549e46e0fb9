"""Adapter: Table 2 of Boucaud et al. 2020."""

import pandas as pd
from deblend.boucaud2020.predictions import truth
from deblend.boucaud2020.tables import table2, table2_tex
from deblend.files import read_json, read_yaml
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    galaxies = read_ecsv(inputs.galaxies, ["id", "mag"])
    blends = read_ecsv(inputs.blends)
    files = zip(params.networks, inputs.descriptions, inputs.predictions, strict=True)
    networks = {name: (read_json(about), pd.read_csv(path)) for name, about, path in files}
    published = read_yaml(inputs.published)["boucaud2020"]
    true = truth(galaxies, blends, galaxies.attrs["zero_point"])
    table = table2(networks, true, published, **params.bootstrap)
    write_csv(out.csv2, table.assign(scale=params.scale))
    write_tex(out.tex2, table2_tex(table))
