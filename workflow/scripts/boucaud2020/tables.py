"""Adapter: Tables 1 and 3 of Boucaud et al. 2020, or only Table 1's counts for other data sets."""

import logging

import pandas as pd
from deblend.boucaud2020.tables import table1, table1_tex, table3
from deblend.files import read_yaml
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    published = read_yaml(inputs.published)["boucaud2020"]
    excluded = pd.read_csv(inputs.excluded, dtype=str, keep_default_na=False)
    counts = table1(read_ecsv(inputs.galaxies, ["morphology"]), excluded, published["galaxies"])
    logging.info("\n%s", counts.to_string(index=False))
    write_csv(out.csv1, counts.assign(dataset=params.dataset, scale=params.scale))
    # Only the rule for the paper's data set declares these files.
    tex1, csv3, tex3 = (out.get(name) for name in ("tex1", "csv3", "tex3"))
    if csv3:
        write_tex(tex1, table1_tex(counts))
        settings = table3(params.sep["hot"], params.sep["cold"], published["table3"])
        write_csv(csv3, settings)
        write_tex(tex3, settings)
