"""Adapter: Table 1 of Boucaud et al. 2020 from a data set's counts."""

import pandas as pd
from deblend.run import logs
from deblend.tables import write_csv, write_tex

HEADER = {
    "galaxy_type": "Galaxy type",
    "before": "# before cleaning",
    "after": "# after cleaning",
    "published_before": "# before inspection (published)",
    "published_after": "# after inspection (published)",
}

with logs.script(snakemake.log[0]):
    counts = pd.read_csv(snakemake.input.table, dtype=dict.fromkeys(list(HEADER)[1:], "Int64"))
    write_csv(snakemake.output.csv, counts)
    write_tex(snakemake.output.tex, counts[list(HEADER)].rename(columns=HEADER))
