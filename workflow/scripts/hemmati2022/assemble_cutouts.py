"""Adapter: assemble a set of simulated cut-outs from its chunks."""

from functools import partial

import pandas as pd
from deblend.data.stamps import read_stamps
from deblend.hemmati2022.cutouts import read_selected, write_cutouts
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    output = snakemake.output
    read = partial(pd.read_csv, dtype=str, keep_default_na=False)
    split, excluded = write_cutouts(
        output.stamps,
        zip(
            map(read_stamps, snakemake.input.stamps),
            map(read, snakemake.input.exclusions),
            strict=True,
        ),
        read_selected(snakemake.input.selected),
        snakemake.params.detection_band,
    )
    write_csv(output.split, split)
    write_csv(output.excluded, excluded)
